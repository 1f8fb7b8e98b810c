"""tickpack.js in a real Chromium and the product's own node, with a proxy between; the windows in Redis judge."""

import itertools

import pytest

from tests.journeys.fault_proxy import FaultProxy
from tests.journeys.test_tickpack_js import background, enter, origin, tab  # noqa: F401  fixtures
from tests.streaming.client.test_stream_of_a_node import NOTHING, SYMBOLS, judge, running  # noqa: F401  a fixture
from tests.streaming.conftest import make_token, node, store  # noqa: F401  fixtures

pytestmark = pytest.mark.whole
BARS = (
    """() => window.told.filter(([kind]) => kind === "bar").map(([, bar]) => [bar.symbol, bar.seq, bar.data.volume])"""
)


def test_fifty_cuts_at_any_byte_lose_double_and_reorder_nothing(tab, enter, node, running):  # noqa: F811
    target = int(node.base.rsplit(":", 1)[1])
    proxy = enter(FaultProxy(target, seed=21, cut_between=(1, 12_000), cuts=50))
    tab.begin(f"ws://127.0.0.1:{proxy.port}/ws/stock", token=make_token(), symbols=SYMBOLS)
    tab.until(lambda: proxy.cut >= 50, 120)
    tab.more_bars(300)
    assert tab.of("gap") == []
    assert tab.count("recovered") > 10
    assert judge([tuple(bar) for bar in tab.page.evaluate(BARS)], running) == NOTHING


CHART = """({ symbol, bars }) => {
    window.row = [];
    window.fresh = 0;
    window.chart = window.stream.chart(symbol, "1.5s", { bars }, ({ bars, live }) => {
        if (!live) { window.row = []; window.fresh += 1; window.past = bars.length; }
        for (const bar of bars) window.row.push(bar.time);
    });
}"""


def test_a_chart_has_bars_from_before_it_began_and_no_cut_makes_a_gap_or_a_double(tab, enter, node, running):  # noqa: F811
    target = int(node.base.rsplit(":", 1)[1])
    proxy = enter(FaultProxy(target, seed=5, cut_between=(4_000, 40_000), cuts=15))
    tab.begin(f"ws://127.0.0.1:{proxy.port}/ws/stock", token=make_token(), symbols=SYMBOLS)
    tab.more_bars(60)

    tab.page.evaluate(CHART, {"symbol": SYMBOLS[0], "bars": 20})
    tab.until(lambda: proxy.cut >= 15 and tab.page.evaluate("window.fresh > 0 && window.row.length > 60"), 120)

    times = sorted(set(tab.page.evaluate("window.row")))
    assert tab.page.evaluate("window.past") >= 15  # what was there before it began
    assert {later - sooner for sooner, later in itertools.pairwise(times)} == {1.5}
    assert tab.of("gap") == []
    assert judge([tuple(bar) for bar in tab.page.evaluate(BARS)], running) == NOTHING  # the stream itself is as whole
