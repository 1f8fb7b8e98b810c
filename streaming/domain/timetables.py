"""A trading day's phases and minutes by the market's timetable (docs/adr/0007-the-timetable.md); days of special hours
included. Times are ms since midnight at the exchange.
"""

from datetime import date

from kernel.trading_days import CONTINUOUS, TradingDay

MINUTE_MS = 60_000
PRINT_MS = 2 * MINUTE_MS  # the closing print is out so soon after its time at the latest


def at(hours: int, minutes: int) -> int:
    return (hours * 60 + minutes) * MINUTE_MS


Phases = tuple[tuple[int, str], ...]
# (from this time of the day on, state).
_TIMETABLES: dict[tuple[str, str], Phases] = {
    ("CN", "full"): (
        (at(9, 15), "opening_auction"),
        (at(9, 25), "pre_open"),
        (at(9, 30), "open"),
        (at(11, 30), "lunch_break"),
        (at(13, 0), "open"),
        (at(14, 57), "closing_auction"),
        (at(15, 2), "closed"),
    ),
    ("CN", "half"): (
        (at(9, 15), "opening_auction"),
        (at(9, 25), "pre_open"),
        (at(9, 30), "open"),
        (at(11, 30), "closing_auction"),
        (at(11, 32), "closed"),
    ),
    ("HK", "full"): (
        (at(9, 0), "opening_auction"),
        (at(9, 22), "pre_open"),
        (at(9, 30), "open"),
        (at(12, 0), "lunch_break"),
        (at(13, 0), "open"),
        (at(16, 0), "closing_auction"),
        (at(16, 10), "closed"),
    ),
    ("HK", "half"): (
        (at(9, 0), "opening_auction"),
        (at(9, 22), "pre_open"),
        (at(9, 30), "open"),
        (at(12, 0), "closing_auction"),
        (at(12, 10), "closed"),
    ),
}
_OPENING = 3  # phases up to the first `open`
# Boards with fixed-price trading after the close (15:05-15:30), and since when. Funds stand for ETFs: whether REITs and
# LOFs are among them is told differently. Beijing's own rule waits for a notice.
AFTER_HOURS_SINCE = {
    "star": date(2019, 7, 22),
    "chinext": date(2020, 8, 24),
    "main": date(2026, 7, 6),
    "fund": date(2026, 7, 6),
}
_AFTER_HOURS: Phases = ((at(15, 5), "after_hours"), (at(15, 30), "closed"))


def phases_of(market: str, day: TradingDay, on: date, board: str | None = None) -> Phases:
    """Return (time, state that begins then) of a trading day, of the market or of one of its boards.

    Where trading begins late, the opening auction comes as long before it as on any day. Where it ends early, the last
    prints have two minutes; there is no auction and nothing after hours.
    """
    if not day.trades:
        return ()
    phases = _TIMETABLES[market, day.kind]
    if day.opens is not None:
        opens = day.opens * MINUTE_MS
        later = opens - phases[_OPENING - 1][0]
        opening = tuple((begins + later, state) for begins, state in phases[:_OPENING])
        phases = opening + tuple(phase for phase in phases[_OPENING:] if phase[0] > opens)
    if day.closes is not None:
        closes = day.closes * MINUTE_MS
        before = tuple(phase for phase in phases if phase[0] < closes)
        return (*before, (closes, "closing_auction"), (closes + PRINT_MS, "closed"))
    if market == "CN" and day.kind == "full":
        boards = [name for name, since in AFTER_HOURS_SINCE.items() if on >= since]
        if (board is None and boards) or board in boards:
            phases += _AFTER_HOURS
    return phases


def minute_of(market: str, day: TradingDay, offset: int) -> int | None:
    """Return the opening of the minute that a trade at a time of the day belongs to; None: to none."""
    opens = at(9, 30) if day.opens is None else day.opens * MINUTE_MS
    if offset < opens:
        # Hong Kong's opening print is a minute of its own: 331 a day. Before 13:00 there is none that it could be.
        own = market == "HK" and day.opens != CONTINUOUS["HK"][1][0]
        return opens - MINUTE_MS if own else opens
    if day.closes is not None and offset >= day.closes * MINUTE_MS:
        return (day.closes - 1) * MINUTE_MS
    rule = _hong_kong_minute if market == "HK" else _mainland_minute
    return rule(offset, day.kind == "half")


def _mainland_minute(offset: int, half: bool) -> int | None:
    if at(11, 30) <= offset < at(13, 0):
        return at(11, 29)
    if offset >= at(15, 5) or (half and offset >= at(13, 0)):
        return None
    return min(offset // MINUTE_MS * MINUTE_MS, at(14, 59))


def _hong_kong_minute(offset: int, half: bool) -> int | None:
    if at(12, 0) <= offset and (half or offset < at(13, 0)):
        return at(11, 59)
    return min(offset // MINUTE_MS * MINUTE_MS, at(15, 59))
