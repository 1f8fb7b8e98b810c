"""The committed trading calendars (`generate_calendars.py` writes them)."""

import json
from datetime import date
from functools import cache
from pathlib import Path

from kernel.trading_days import PublishedDays, read_day

_FOLDER = Path(__file__).parent / "calendars"


@cache
def published_days(market: str) -> PublishedDays:
    """Return the committed calendar of CN or HK."""
    data = json.loads((_FOLDER / f"{market}.json").read_text())
    return PublishedDays(
        first=date.fromisoformat(data["first"]),
        last=date.fromisoformat(data["last"]),
        closed=frozenset(map(date.fromisoformat, data["closed"])),
        half_days=frozenset(map(date.fromisoformat, data["half_days"])),
        special={date.fromisoformat(day): read_day({"kind": "full", **times}) for day, times in data["hours"].items()},
    )
