"""What of a subscribe a plan includes, rule by rule."""

import pytest

from kernel.instruments import InstrumentId
from kernel.scope import Scope, Step
from streaming.wire.included import included
from streaming.wire.requests import Subscribe

NOW_S = 1_790_000_000
MOUTAI, TENCENT, TEST = (InstrumentId.parse(one) for one in ("600519.SH", "00700.HK", "TEST.CN"))
ALL = ((MOUTAI, "600519"), (TENCENT, "700"), (TEST, "TEST.CN"))


def scope(*, markets=("CN", "HK"), levels=("L1",), **more):
    step = Step(NOW_S - 1, 5, 2, frozenset(markets), frozenset(levels))
    return Scope("alice", "cn", 1, (step, Step(NOW_S + 10, 0, 0, frozenset(), frozenset())), **more)


def reasons(rejected):
    return [(one.symbol, one.reason) for one in rejected]


@pytest.mark.parametrize(
    ("scope", "claims", "rejected"),
    [
        (scope(), [MOUTAI, TENCENT, TEST], []),
        (scope(markets=("HK",)), [TENCENT, TEST], [("600519", "market_not_allowed")]),
        (scope(symbols=frozenset({"600519.SH"})), [MOUTAI, TEST], [("700", "symbol_not_allowed")]),
        (scope(levels=()), [MOUTAI, TENCENT, TEST], [(asked, "level_not_allowed") for _, asked in ALL]),
    ],
)
def test_what_a_plan_leaves_out_is_named_as_it_was_written(scope, claims, rejected):
    request = Subscribe(("600519", "700", "TEST.CN"), kinds=("1.5s", "quote"))

    _, found, refused = included(request, ALL, scope, NOW_S * 1000, lambda _: True)

    assert (list(found), reasons(refused)) == (claims, rejected)


def test_what_no_feed_carries_is_unknown():
    _, found, refused = included(Subscribe(("600519",)), ALL[:1], scope(), NOW_S * 1000, lambda _: False)

    assert (found, reasons(refused)) == ({}, [("600519", "unknown_symbol")])


def test_without_a_level_the_request_keeps_its_bars_alone():
    request, _, _ = included(
        Subscribe(("600519",), kinds=("1.5s", "depth")), ALL[:1], scope(levels=()), NOW_S * 1000, lambda _: True
    )

    assert request.kinds == ("1.5s",)
