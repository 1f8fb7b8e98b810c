"""Proves that a pushed tick without orders is read as one that has none."""

from streaming.records.pushed import PushedTick, unpack_pushed_tick
from streaming.records.versions import pack


def test_a_tick_without_orders_has_none() -> None:
    read = unpack_pushed_tick(pack(PushedTick("600519.SH", "", 10, 10, 12, 9, 11, 100, 1100)))

    assert (read.bid, read.ask, read.day) == ((0, 0), (0, 0), "")
