"""tickpack.js in a real Chromium and the product's own node, with a proxy between; the windows in Redis judge."""

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
