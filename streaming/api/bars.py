"""Bars for REST: closed ones out of history, and where a dialect shows it, the present one behind them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from kernel import clock
from streaming.domain.calendar import Calendar, exchange_day
from streaming.domain.instruments import Instrument
from streaming.domain.intervals import opening_of
from streaming.domain.windows import end_ms, seq_of
from streaming.history import threads
from streaming.history.adjusted import read_adjusted
from streaming.history.rollup import Span
from streaming.history.spliced import read_spliced
from streaming.runtime.process import StreamProcess
from streaming.store.calendars import calendar_of
from streaming.wire.dialects.numbers import OpenedBar

_MINUTE_MS = 60_000
_WRITTEN_MS = 10_000  # history has a minute a few seconds after its end


async def closed(
    node: StreamProcess, instruments: Sequence[Instrument], interval: str, span: Span, adjust: str = "none"
) -> dict[str, list[OpenedBar]]:
    """Return closed bars by symbol, oldest first.

    Args:
        adjust: none, forward or backward; a made-up market has no corporate actions.

    Raises:
        HistoryUnavailable: history did not answer.
    """
    found: dict[str, list[OpenedBar]] = {}
    for lane in sorted({one.lane for one in instruments}):
        sessions = node.pinned.sessions(lane)
        without = _forming(node, lane, interval, sessions=sessions)
        former = {one.symbol: one.former_codes.split() for one in instruments if one.lane == lane}
        closed_span = replace(span, without=without)
        if adjust == "none" or not sessions:
            bars = await threads.run(read_spliced, former, interval, closed_span, sessions=sessions)
        else:
            ticks_e4 = {one.symbol: one.tick_e4(0) for one in instruments}
            today = exchange_day(clock.now_ms())
            bars = await threads.run(
                read_adjusted, former, interval, closed_span, how=adjust, today=today, ticks_e4=ticks_e4
            )
        found |= {symbol: list(rows) for symbol, rows in bars.items()}
    return found


def of_now(node: StreamProcess, instruments: Iterable[Instrument], span: Span) -> list[Instrument]:
    """Return those whose present bar `up_to_now` would show; a span that was over a minute ago is history."""
    found = []
    for one in instruments:
        seq = node.hub.latest[one.lane].seq
        if span.end_ms > (end_ms(seq) if seq else clock.now_ms()) - _MINUTE_MS:
            found.append(one)
    return found


async def up_to_now(
    node: StreamProcess,
    instruments: Sequence[Instrument],
    interval: str,
    span: Span,
    left_out: frozenset[str] = frozenset(),
) -> dict[str, list[OpenedBar]]:
    """Return closed bars with the present one behind them; raises as `closed`.

    Args:
        left_out: symbols whose present bar the plan has no room for; what is closed is shown all the same.
    """
    found = await closed(node, instruments, interval, span)
    present = [one for one in of_now(node, instruments, span) if one.symbol not in left_out]
    for symbol, bar in (await node.pinned.formed(present, interval)).items():
        of_one = found[symbol]
        if bar.opened_ms < span.end_ms and (not of_one or bar.opened_ms > of_one[-1].opened_ms):
            found[symbol] = [*of_one, bar][-span.limit :]
    return found


def _forming(node: StreamProcess, lane_name: str, interval: str, *, sessions: bool) -> frozenset[int]:
    """Return the openings of the intervals that are not over, or that history may not have all minutes of yet."""
    lane = node.hub.latest[lane_name]
    if interval == "1m" or not lane.seq:
        return frozenset()  # minutes are written when they are over; a lane that nobody runs forms nothing
    long = interval in ("1w", "1M")
    over = lane.state in ("closed", "no_feed")
    if over and (not long or lane.feed == "replay"):
        return frozenset()
    now_ms = end_ms(lane.seq)
    openings = set()
    for at_ms in (now_ms, now_ms - int(_WRITTEN_MS * max(1.0, lane.speed))):
        minute = lane.sessions.minute_of(seq_of(at_ms))
        if minute is None:
            minute = at_ms // _MINUTE_MS * _MINUTE_MS
        openings.add(opening_of(minute, interval, sessions=sessions))
    return frozenset(openings)


def calendar(node: StreamProcess | None, market: str) -> Calendar:
    """Return a market's trading days; the published ones where no feed has run here yet."""
    known = node.hub.latest[market].calendar if node is not None else None
    return known if isinstance(known, Calendar) else calendar_of(market, {})
