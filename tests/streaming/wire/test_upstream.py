"""What a node of another language tells us: every language that can be read says it in the same words."""

from typing import get_args

import pytest

from kernel.errors import PlatformError
from kernel.instruments import InstrumentId
from streaming.domain.intervals import FormedBar
from streaming.domain.ticks import Levels, Snapshot, Trade
from streaming.records.window import Print
from streaming.reference import directory
from streaming.wire.channels import Channel
from streaming.wire.dialect import brought
from streaming.wire.upstream import Heard, IntervalBar
from tests.streaming.spoken import DIALECTS

LISTED = directory()

MOUTAI = InstrumentId.parse("600519.SH")
UPSTREAMS = brought("upstream")


def test_a_feed_hears_trades_pictures_orders_and_bars_and_nothing_else():
    assert set(get_args(Heard)) == {Trade, Snapshot, Levels, IntervalBar}


def test_a_bar_says_of_what_and_of_which_interval_it_is():
    bar = FormedBar(60_000, 1, 2, 3, 4, 5, 6)

    assert IntervalBar(MOUTAI, "1m", bar) == IntervalBar(MOUTAI, "1m", bar)
    assert IntervalBar(MOUTAI, "1m", bar) != IntervalBar(MOUTAI, "5m", bar)


def test_every_language_that_is_read_is_also_spoken():
    assert set(UPSTREAMS) <= set(DIALECTS)
    assert {"itick", "tickdb", "alltick"} <= set(UPSTREAMS)


@pytest.mark.parametrize("name", ["itick", "tickdb", "alltick"])
def test_what_a_node_of_ours_tells_of_a_trade_is_heard_as_that_trade(name):
    spoken = DIALECTS[name]
    (tencent,) = [one.id for one in directory() if one.symbol == "00700.HK"]
    shown = spoken.shown(Channel(tencent, "tick", dialect=name))

    (heard,) = UPSTREAMS[name].read(
        spoken.tick(shown, Print("00700.HK", 8, 1_790_000_000_000, 4_624_000, 200, 924_800_000, "B"), None), LISTED
    )

    assert (heard.instrument, heard.price_e4, heard.volume) == (tencent, 4_624_000, 200)


@pytest.mark.parametrize("name", ["itick", "tickdb", "alltick"])
@pytest.mark.parametrize("text", ["", "[" * 100_000, "7", "null", "\x00"])
def test_garbage_of_a_node_is_heard_as_nothing_or_refused(name, text):
    try:
        heard = UPSTREAMS[name].read(text, LISTED)
    except PlatformError:
        return
    assert not heard
