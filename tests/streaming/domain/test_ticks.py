"""A tick says only what its venue said: what a feed has not, has no value."""

from kernel.instruments import InstrumentId
from streaming.domain.ticks import Levels, Snapshot, Trade

MOUTAI = InstrumentId.parse("600519.SH")


def test_what_a_feed_does_not_tell_of_a_trade_is_unknown():
    trade = Trade(MOUTAI, 1000, 10, 100, 1000)

    assert trade.side == "N"


def test_what_a_feed_does_not_tell_of_a_picture_is_empty():
    snapshot = Snapshot(MOUTAI, 1000, 10, 10, 10, 10, 10, 100, 1000)

    assert (snapshot.phase, snapshot.bids, snapshot.asks, snapshot.iopv_e4) == (
        "",
        (),
        (),
        0,
    )


def test_orders_alone_tell_neither_an_indicative_value_nor_a_day():
    levels = Levels(MOUTAI, 1000, (), ())

    assert (levels.iopv_e4, levels.day) == (0, None)
