"""What of a subscribe a plan includes, rule by rule."""

import pytest

from kernel.instruments import InstrumentId
from kernel.scope import Scope, Step
from streaming.wire.included import included
from streaming.wire.requests import Subscribe

NOW_S = 1_790_000_000
MOUTAI, TENCENT, TEST = (InstrumentId.parse(one) for one in ("600519.SH", "00700.HK", "TEST.CN"))
ALL = ((MOUTAI, "600519"), (TENCENT, "700"), (TEST, "TEST.CN"))


def scope(*, markets=("CN", "HK"), levels=("L1",), types=None, intervals=None, **more):
    restricted = [None if one is None else frozenset(one) for one in (types, intervals)]
    step = Step(NOW_S - 1, 5, 2, frozenset(markets), frozenset(levels), *restricted)
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


def test_a_scope_that_names_a_former_code_has_the_instrument():
    narrow = scope(symbols=frozenset({"600518.SH"}))

    for codes, claims in ((("600519.SH", "600518.SH"), [MOUTAI]), (("600519.SH",), [])):
        _, found, _ = included(
            Subscribe(("600519",)), ALL[:1], narrow, NOW_S * 1000, lambda _: True, lambda _, codes=codes: codes
        )
        assert list(found) == claims


def test_what_no_feed_carries_is_unknown():
    _, found, refused = included(Subscribe(("600519",)), ALL[:1], scope(), NOW_S * 1000, lambda _: False)

    assert (found, reasons(refused)) == ({}, [("600519", "unknown_symbol")])


def test_without_a_level_the_request_keeps_its_bars_alone():
    request, _, _ = included(
        Subscribe(("600519",), kinds=("1.5s", "depth")), ALL[:1], scope(levels=()), NOW_S * 1000, lambda _: True
    )

    assert request.kinds == ("1.5s",)


@pytest.mark.parametrize(
    ("plan", "asked", "left", "why"),
    [
        ({"types": ["kline"]}, ("1.5s", "1m", "quote", "tick"), ("1.5s", "1m"), ["type_not_allowed"]),
        ({"types": ["quote"]}, ("1.5s", "quote"), ("quote",), ["type_not_allowed"]),
        ({"intervals": ["1.5s"]}, ("1.5s", "1m", "depth"), ("1.5s", "depth"), ["interval_not_allowed"]),
        ({"types": ["kline"], "intervals": ["1m"]}, ("1.5s", "1m", "tick"), ("1m",),
         ["interval_not_allowed", "type_not_allowed"]),
        ({"types": ["tick"]}, ("1.5s",), (), ["type_not_allowed"]),
        ({"types": []}, ("1.5s", "quote"), (), ["type_not_allowed"]),
        ({"types": ["depth"], "levels": ()}, ("depth", "quote"), (), ["level_not_allowed", "type_not_allowed"]),
    ],
)  # fmt: skip
def test_a_kind_that_the_plan_leaves_out_is_named_and_the_others_are_followed(plan, asked, left, why):
    request, claims, refused = included(
        Subscribe(("600519",), kinds=asked), ALL[:1], scope(**plan), NOW_S * 1000, lambda _: True
    )

    assert request.kinds == (left or request.kinds)
    assert list(claims) == ([MOUTAI] if left else [])
    assert sorted(one.reason for one in refused) == why
