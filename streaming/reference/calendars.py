"""The committed trading calendars (`generate_calendars.py` writes them)."""

import json
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "calendars"


@dataclass(frozen=True, slots=True)
class PublishedDays:
    """What is published of one market: between `first` and `last` a weekday not in `closed` is a trading day."""

    first: date
    last: date
    closed: frozenset[date]
    half_days: frozenset[date]


@cache
def published_days(market: str) -> PublishedDays:
    """Return the committed calendar of CN or HK."""
    data = json.loads((_FOLDER / f"{market}.json").read_text())
    return PublishedDays(
        first=date.fromisoformat(data["first"]),
        last=date.fromisoformat(data["last"]),
        closed=frozenset(map(date.fromisoformat, data["closed"])),
        half_days=frozenset(map(date.fromisoformat, data["half_days"])),
    )
