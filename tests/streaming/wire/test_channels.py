"""What can be followed: one channel is one thing, and what differs is another."""

import pytest

from kernel.instruments import InstrumentId
from streaming.wire.channels import EVENTS, INTERVALS, WINDOW, Channel

MOUTAI, PINGAN = InstrumentId.parse("600519.SH"), InstrumentId.parse("000001.SZ")


def test_a_bare_channel_is_the_product_in_our_own_language():
    assert Channel(MOUTAI) == Channel(MOUTAI, "1.5s", fill=True, stamp=False, dialect="native", form="", rows=0)


@pytest.mark.parametrize(
    "change",
    [{"instrument": PINGAN}, {"kind": "1m"}, {"fill": False}, {"stamp": True}, {"dialect": "itick"}, {"form": "600519"},
     {"rows": 5}],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_whatever_makes_another_frame_makes_another_channel(change):
    assert len({Channel(MOUTAI), Channel(MOUTAI)._replace(**change)}) == 2


def test_kinds_are_intervals_or_events_and_the_window_is_the_shortest_interval():
    assert INTERVALS == (
        WINDOW, "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "1d", "1w", "1M",
    )  # fmt: skip
    assert set(EVENTS) & set(INTERVALS) == set()


def test_channels_can_be_put_in_order():
    assert sorted([Channel(MOUTAI, "tick"), Channel(MOUTAI)]) == [Channel(MOUTAI), Channel(MOUTAI, "tick")]
