"""rt-receiver's row of an instrument: the day so far as its push, its WebSocket and its REST all write it."""

from typing import Any

from kernel.instruments import InstrumentId
from streaming.domain import E4
from streaming.domain.calendar import exchange_day
from streaming.domain.instruments import Directory
from streaming.domain.ticks import SenderNote, Snapshot
from streaming.wire.dialects.numbers import amount_or_null, number_or_null, percent
from streaming.wire.dialects.rt_receiver.symbols import market_of, name_of
from streaming.wire.texts import iso

Row = dict[str, Any]


def row(seen: Snapshot, directory: Directory, *, best: bool) -> Row:
    """Return the day so far. A price that nobody knows yet is null; a side without orders is left out.

    Args:
        best: whether the plan shows the best orders.
    """
    before, last, note = seen.prev_close_e4, seen.last_e4, seen.note or SenderNote()
    told: Row = {
        **named(seen.instrument, directory),
        "open": number_or_null(seen.open_e4),
        "high": number_or_null(seen.high_e4),
        "low": number_or_null(seen.low_e4),
        "close": number_or_null(last),
        "vol": seen.cum_volume,
        "amount": amount_or_null(seen.cum_volume, seen.cum_turnover_e4),
        "pre_close": number_or_null(before),
        "pct_chg": percent(last - before, before) if before and last else None,
        "trade_date": f"{exchange_day(seen.at_ms):%Y%m%d}" if seen.at_ms else None,
        "collected_at": iso(seen.at_ms) if seen.at_ms else None,
        "version": seen.at_ms,
    }
    if note.name:
        told["name"] = note.name
    if note.trade_time:
        told["trade_time"] = note.trade_time
    if note.trades:
        told["num"] = note.trades
    if best:
        for side, orders in (("bid", seen.bids), ("ask", seen.asks)):
            if orders:
                told[side], told[f"{side}_volume1"] = orders[0][0] / E4, orders[0][1]
    return told


def named(instrument: InstrumentId, directory: Directory) -> Row:
    """Return what names an instrument."""
    return {
        "ts_code": str(instrument),
        "market": market_of(instrument, directory),
        "name": name_of(instrument, directory),
    }
