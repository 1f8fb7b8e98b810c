"""The nested claims that rt-receivers read: what each word stands for, and that nothing is lost on the way back."""

import pytest

from kernel.nested import BadShape, as_nested, flattened, market_of, markets_of, symbols_of
from kernel.scope import BadScope

STEP = {"from": 100, "max_subs": 5, "max_conns": 2, "markets": ["CN", "HK"], "levels": ["L1"]}
OVER = {"from": 900, "max_subs": 0, "max_conns": 0, "markets": [], "levels": []}
FLAT = {
    "iss": "tickpack", "sub": "alice", "aud": "sh-1", "jti": "j1", "iat": 100, "nbf": 110, "exp": 900, "rev": 3,
    "scope_type": "realtime_stock", "markets": ["CN", "HK"], "levels": ["L1"],
    "quota": {"max_subs": 5, "max_conns": 2, "steps": [STEP, OVER]},
}  # fmt: skip


def theirs(**scope):
    """Claims as another control plane signs them: without steps and without a number of sockets."""
    usual = {"type": "realtime_stock", "markets": ["A_STOCK"], "levels": ["L1"], "quota": {"max_subs": 5}}
    return {"sub": "alice", "iat": 100, "nbf": 110, "exp": 900, "rev": 3, "scope": {**usual, **scope}}


@pytest.mark.parametrize("word", ["CN", "A_STOCK", "ASTOCK", "STOCK", "ETF", "INDEX", "a_stock", " etf "])
def test_every_word_for_the_mainland_is_cn(word):
    assert market_of(word) == "CN"


def test_hong_kong_has_one_word():
    assert market_of("hk") == "HK"


@pytest.mark.parametrize("word", ["US", "", "CN,HK", None, 5, ["CN"]])
def test_another_word_is_no_market(word):
    with pytest.raises(BadShape, match="a market is one of"):
        market_of(word)


def test_markets_are_told_once_each_and_in_order():
    assert markets_of(["HK", "ETF", "STOCK"]) == ["CN", "HK"]
    assert markets_of([]) == []
    with pytest.raises(BadShape):
        markets_of("CN")


@pytest.mark.parametrize(
    "value", [None, {}, {"mode": "all"}, {"mode": ""}, {"mode": None}, {"mode": "all", "list": ["?"]}]
)
def test_all_symbols_are_allowed_where_nothing_else_is_said(value):
    assert symbols_of(value) is None


def test_a_list_allows_its_symbols_alone_also_when_it_is_empty():
    assert symbols_of({"mode": "list", "list": ["700.hk", "600519.SH"]}) == {"00700.HK", "600519.SH"}
    assert symbols_of({"mode": "list", "list": []}) == frozenset()


@pytest.mark.parametrize("value", ["all", [], 5, {"mode": "some"}, {"mode": 5}])
def test_another_mode_is_refused(value):
    with pytest.raises(BadShape, match=r"symbols\.mode"):
        symbols_of(value)


@pytest.mark.parametrize("value", [{"mode": "list"}, {"mode": "list", "list": ["?"]}])
def test_a_list_that_is_none_is_refused(value):
    with pytest.raises(BadScope):
        symbols_of(value)


def test_what_is_allowed_stands_under_scope_and_all_else_beside_it():
    assert as_nested(FLAT, "node-1") == {
        "iss": "tickpack", "sub": "alice", "aud": "sh-1", "jti": "j1", "iat": 100, "nbf": 110, "exp": 900, "rev": 3,
        "node_id": "node-1",
        "scope": {
            "type": "realtime_stock", "markets": ["CN", "HK"], "levels": ["L1"], "symbols": {"mode": "all", "list": []},
            "quota": {"max_subs": 5, "max_conns": 2, "steps": [STEP, OVER]},
        },
    }  # fmt: skip


def test_what_we_nest_comes_back_flat():
    flat, symbols = flattened(as_nested(FLAT, "node-1"))

    assert {name: flat[name] for name in FLAT} == FLAT
    assert symbols is None


def test_flat_claims_come_back_as_they_are():
    assert flattened(FLAT) == (FLAT, None)


def test_without_steps_the_quota_holds_from_the_earlier_one_of_iat_and_nbf_until_exp():
    assert flattened(theirs())[0]["quota"]["steps"] == [
        {"from": 100, "max_subs": 5, "max_conns": 3, "markets": ["CN"], "levels": ["L1"]},
        {"from": 900, "max_subs": 0, "max_conns": 0, "markets": [], "levels": []},
    ]
    assert flattened(theirs() | {"iat": 120})[0]["quota"]["steps"][0]["from"] == 110


def test_a_number_of_sockets_that_is_told_counts():
    assert flattened(theirs(quota={"max_subs": 5, "max_conns": 1}))[0]["quota"]["steps"][0]["max_conns"] == 1


def test_steps_that_are_told_stay_as_they_are():
    assert flattened(theirs(quota={"steps": [STEP]}))[0]["quota"] == {"steps": [STEP]}


@pytest.mark.parametrize(
    "claims",
    [
        theirs() | {"scope": "realtime_stock"},
        theirs() | {"scope": []},
        theirs() | {"scope_type": "realtime_stock"},
        theirs(quota=None),
        theirs(quota=[]),
        theirs(markets=None),
        theirs(markets=["US"]),
        theirs(symbols="600519.SH"),
    ],
)
def test_a_scope_of_another_shape_is_refused(claims):
    with pytest.raises(BadShape):
        flattened(claims)


def test_a_nested_scope_without_steps_keeps_its_types_and_intervals():
    flat, _ = flattened(theirs(types=["kline"], intervals=["1m"]))

    first, last = flat["quota"]["steps"]
    assert (first["types"], first["intervals"]) == (["kline"], ["1m"])
    assert "types" not in last


def test_types_beside_a_nested_scope_are_refused():
    with pytest.raises(BadShape):
        flattened({**theirs(), "types": ["kline"]})
