"""Write `calendars/CN.json` and `calendars/HK.json` anew, once a year when the next year's holidays are out.

Run it from the root in a throw-away environment that has exchange_calendars==4.13.2; it is not in the lock, because
nothing else needs it or the packages it brings:

    python -m venv ENV && ENV/bin/pip install exchange_calendars==4.13.2
    ENV/bin/python streaming/reference/generate_calendars.py
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


def published(name: str, last: date) -> dict[str, Any]:
    """Return a market's weekdays without trading and its half days."""
    import exchange_calendars  # type: ignore[import-not-found, unused-ignore]

    calendar = exchange_calendars.get_calendar(name, start=FIRST.isoformat(), end=last.isoformat())
    trading = {session.date() for session in calendar.sessions}
    half = sorted(session.date().isoformat() for session in calendar.early_closes)
    days = [FIRST + timedelta(days=n) for n in range((last - FIRST).days + 1)]
    too = CLOSED_TOO.get(name, ())
    trading -= set(map(date.fromisoformat, too))
    corrected = f"; corrected: {' and '.join(too)} (storms) were closed" if too else ""
    return {
        "source": f"exchange_calendars 4.13.2, {name}{corrected}",
        "first": FIRST.isoformat(),
        "last": last.isoformat(),
        "closed": [day.isoformat() for day in days if day.weekday() < 5 and day not in trading],
        "half_days": half,
    }


if __name__ == "__main__":
    folder = Path(__file__).parent / "calendars"
    folder.mkdir(exist_ok=True)
    for market, (name, last) in MARKETS.items():
        (folder / f"{market}.json").write_text(json.dumps(published(name, last), indent=1) + "\n")
