"""Write `calendars/CN.json` and `calendars/HK.json` anew, once a year when the next year's holidays are out.

The development environment has the package: .venv/bin/python streaming/reference/generate_calendars.py
A test holds the files against it and against a second source. Until it knows a new year, a running shop is brought the
exchange's notice by `manage.py import_calendar`.
"""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

# Mainland holidays are announced a year ahead, so the package ends with the last announced year. Hong Kong's follow
# from the law (lunar dates included) and are gazetted a year and a half ahead.
MARKETS = {"CN": ("XSHG", date(2026, 12, 31)), "HK": ("XHKG", date(2027, 12, 31))}
FIRST = date(2015, 1, 1)
# What the package has wrong: two days that Hong Kong was closed for storms (mended there after 4.13.2).
CLOSED_TOO = {"XHKG": ("2023-09-01", "2023-09-08")}
# What it does not tell: days on which a storm kept Hong Kong's market shut for a while, or shut it. After the signal is
# taken down trading begins half an hour behind its opening auction; 15 minutes after one is hoisted it ends.
HOURS = {
    "XHKG": {
        "2020-08-19": {"opens": "13:30"},
        "2021-06-28": {"opens": "13:30"},
        "2022-11-02": {"closes": "13:55"},
        "2023-10-09": {"opens": "14:00"},
    }
}


def published(name: str, last: date) -> dict[str, Any]:
    """Return a market's weekdays without trading, its half days and its days of special hours."""
    import exchange_calendars  # type: ignore[import-untyped, unused-ignore]

    calendar = exchange_calendars.get_calendar(name, start=FIRST.isoformat(), end=last.isoformat())
    trading = {session.date() for session in calendar.sessions}
    half = sorted(session.date().isoformat() for session in calendar.early_closes)
    days = [FIRST + timedelta(days=n) for n in range((last - FIRST).days + 1)]
    too, hours = CLOSED_TOO.get(name, ()), HOURS.get(name, {})
    trading -= set(map(date.fromisoformat, too))
    corrected = f"; corrected: {' and '.join(too)} (storms) were closed" if too else ""
    corrected += f"; added: hours of {', '.join(hours)} (storms)" if hours else ""
    return {
        "source": f"exchange_calendars 4.13.2, {name}{corrected}",
        "first": FIRST.isoformat(),
        "last": last.isoformat(),
        "closed": [day.isoformat() for day in days if day.weekday() < 5 and day not in trading],
        "half_days": half,
        "hours": hours,
    }


if __name__ == "__main__":
    folder = Path(__file__).parent / "calendars"
    folder.mkdir(exist_ok=True)
    for market, (name, last) in MARKETS.items():
        (folder / f"{market}.json").write_text(json.dumps(published(name, last), indent=1) + "\n")
