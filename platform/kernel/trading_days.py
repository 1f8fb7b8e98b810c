"""A market's trading days as both planes speak of them: published, changed by an operator, or presumed.

Times of the day are minutes since midnight at the exchange; in JSON and for people they are `HH:MM`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

KINDS = ("closed", "full", "half")
# When trades are made one by one, morning and afternoon. A late opening or an early close lies inside.
CONTINUOUS = {
    "CN": ((9 * 60 + 30, 11 * 60 + 30), (13 * 60, 14 * 60 + 57)),
    "HK": ((9 * 60 + 30, 12 * 60), (13 * 60, 16 * 60)),
}
WARN_DAYS = 60  # before the last day that is published somebody should bring the next ones


@dataclass(frozen=True, slots=True)
class TradingDay:
    """What a market does on one day.

    Args:
        kind: closed, full or half.
        opens: trading begins so late; None as on any day.
        closes: trading ends so early; None as on any day of the kind.
        presumed: nobody has published it: it is a weekday, and the market's ordinary timetable is taken for true until
            something shows otherwise.
    """

    kind: str
    opens: int | None = None
    closes: int | None = None
    presumed: bool = False

    @property
    def trades(self) -> bool:
        return self.kind != "closed"

    def as_json(self) -> dict[str, str]:
        """Return the form that Redis and the committed calendars hold; times that are as ever are left out."""
        times = {"opens": self.opens, "closes": self.closes}
        return {"kind": self.kind, **{name: clock(at) for name, at in times.items() if at is not None}}

    def __str__(self) -> str:
        said = [self.kind] if (self.opens is None and self.closes is None) or self.kind == "half" else []
        said += [f"opens {clock(self.opens)}"] if self.opens is not None else []
        said += [f"closes {clock(self.closes)}"] if self.closes is not None else []
        return " ".join(said + ["(presumed)"] * self.presumed)


def read_day(value: Any) -> TradingDay:
    """Read TradingDay.as_json; what was written before there were times has none.

    Raises:
        ValueError: it is not of that form.
    """
    if not isinstance(value, dict) or value.get("kind") not in KINDS:
        raise ValueError(f"{value!r:.80} is no trading day: kind is one of {', '.join(KINDS)}")
    opens, closes = (minutes(value[name]) if value.get(name) else None for name in ("opens", "closes"))
    return TradingDay(value["kind"], opens, closes)


def clock(at: int) -> str:
    """Return a time of the day for people: 810 is 13:30."""
    return f"{at // 60:02d}:{at % 60:02d}"


def minutes(text: str) -> int:
    """Read `HH:MM`.

    Raises:
        ValueError: it is no time of a day.
    """
    hours, colon, rest = str(text).partition(":")
    digits = f"{hours}{rest}"
    if not (colon and digits.isascii() and digits.isdecimal() and 1 <= len(hours) <= 2 and len(rest) == 2):
        raise ValueError(f"{text!r:.20} is no time: write it like 13:30")
    if int(hours) > 23 or int(rest) > 59:
        raise ValueError(f"{text!r:.20} is no time of a day: write it like 13:30")
    return int(hours) * 60 + int(rest)


def fault_of(market: str, day: TradingDay) -> tuple[str, str] | None:
    """Return what cannot be about a day's times, as (opens | closes, a stable word); None where nothing is wrong.

    The words: closed (a closed day has no times), outside (not inside continuous trading), order.
    """
    if day.kind == "closed":
        name = "opens" if day.opens is not None else "closes"
        return (name, "closed") if (day.opens, day.closes) != (None, None) else None
    sessions = sessions_of(market, day.kind)
    first, last = sessions[0][0], sessions[-1][1]
    opens, closes = day.opens, day.closes
    if opens is not None and (opens <= first or not any(begins <= opens < ends for begins, ends in sessions)):
        return "opens", "outside"
    if closes is not None and (closes >= last or not any(begins < closes <= ends for begins, ends in sessions)):
        return "closes", "outside"
    if opens is not None and closes is not None and opens >= closes:
        return "closes", "order"
    return None


def sessions_of(market: str, kind: str) -> tuple[tuple[int, int], ...]:
    """Return when trades are made one by one on a day of a kind."""
    return CONTINUOUS[market][:1] if kind == "half" else CONTINUOUS[market]


def allowed(market: str, kind: str) -> str:
    """Return between which times a late opening or an early close lies, for people."""
    return " or ".join(f"{clock(begins)}-{clock(ends)}" for begins, ends in sessions_of(market, kind))


@dataclass(frozen=True, slots=True)
class PublishedDays:
    """What is published of one market: between `first` and `last` a weekday not in `closed` is a trading day."""

    first: date
    last: date
    closed: frozenset[date]
    half_days: frozenset[date]
    special: Mapping[date, TradingDay] = field(default_factory=dict)  # opened late or closed early


def day_on(
    day: date, published: PublishedDays, changed: Mapping[date, TradingDay], horizon: date | None = None
) -> TradingDay:
    """Return what a market does on a day: an operator's word, then what is published, then what is presumed.

    At weekends and on 1 January nobody trades in any year, make-up workdays included.

    Args:
        changed: by an operator.
        horizon: up to here an operator has entered what the exchange has published: other weekdays are full.
    """
    if day in changed:
        return changed[day]
    if day.weekday() >= 5 or (day.month, day.day) == (1, 1):
        return TradingDay("closed")
    if not published.first <= day <= known_until(published, horizon):
        return TradingDay("full", presumed=True)
    if day in published.closed:
        return TradingDay("closed")
    return published.special.get(day) or TradingDay("half" if day in published.half_days else "full")


def known_until(published: PublishedDays, horizon: date | None) -> date:
    """Return the last day of which it is published whether a market trades."""
    return published.last if horizon is None else max(published.last, horizon)


def horizon_warning(market: str, until: date, today: date) -> str | None:
    """Return what an operator should know where a market's published days soon end or have ended; None: nothing."""
    left = (until - today).days
    if left > WARN_DAYS:
        return None
    ends = f"trading days of {market} are known until {until}"
    ends += f", {left} days from now" if left > 0 else ", which is today" if not left else ", which is past"
    return (
        f"{ends}; weekdays after it are presumed to be trading days. "
        "Bring the exchange's notice: manage.py import_calendar FILE"
    )
