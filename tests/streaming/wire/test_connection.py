"""Every rule about one connection, with plain calls: no socket, no Redis, no clock."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.instruments import InstrumentId
from kernel.scope import Scope, Step
from streaming.wire.channels import Channel
from streaming.wire.connection import Connection, costs_quota
from streaming.wire.requests import Claim, Close, Follow, Lookup, Release, Send, Shrink
from tests.streaming.spoken import DIALECTS, NATIVE

NOW_S = 1_790_000_000
NOW = NOW_S * 1000
BOTH, L1, NONE = frozenset({"CN", "HK"}), frozenset({"L1"}), frozenset()
MOUTAI, PINGAN, TENCENT = (InstrumentId.parse(s) for s in ("600519.SH", "000001.SZ", "00700.HK"))


def scope(max_subs=2, *, rev=1, ends_in=10**6, markets=BOTH):
    return Scope(
        "alice", "cn", rev, (Step(NOW_S - 1, max_subs, 2, markets, L1), Step(NOW_S + ends_in, 0, 0, NONE, NONE))
    )


def opened(**more):
    connection = Connection(dialect=NATIVE, scope=scope(**more), carried=lambda one: one.code != "999999")
    connection.opened(node="n", now_ms=NOW, used=0, epochs={}, markets={})
    return connection


def texts(effects):
    return [json.loads(effect.text) for effect in effects if isinstance(effect, Send)]


def subscribe(connection, *symbols, granted=None, used=None, now=NOW, **more):
    """Ask, and let the store grant everything (or `granted`)."""
    (claim,) = connection.received(json.dumps({"action": "subscribe", "symbols": symbols, **more}), now)
    assert isinstance(claim, Claim)
    got = frozenset(claim.instruments if granted is None else granted)
    return connection.claimed(claim, got, len(got) if used is None else used, now)


def test_the_welcome_tells_quota_node_and_markets_of_the_plan_alone():
    connection = Connection(dialect=NATIVE, scope=scope(markets=frozenset({"CN"})), carried=lambda _: True)
    (welcome,) = texts(
        connection.opened(
            node="sh-1",
            now_ms=NOW,
            used=1,
            epochs={"CN": "e"},
            markets=dict.fromkeys(("CN", "HK"), ("open", None, False, "live")),
        )
    )
    assert (welcome["node"], welcome["quota"]["used"], welcome["quota"]["max_subs"]) == ("sh-1", 1, 2)
    assert welcome["markets"] == {"CN": {"state": "open", "until": None, "feed": "live"}}


def test_symbols_are_claimed_in_their_order_each_once():
    (claim,) = opened().received('{"action":"subscribe","symbols":["700.HK","600519.SH","00700.HK"]}', NOW)
    assert claim.instruments == (TENCENT, MOUTAI)


def test_what_is_granted_is_followed_and_what_is_not_is_named_as_written():
    connection = opened()
    effects = subscribe(connection, "600519.SH", "000001.SZ", "700.HK", granted=[MOUTAI, PINGAN], used=2)
    (answer,) = texts(effects)
    assert answer["added"] == ["600519.SH", "000001.SZ"]
    assert answer["rejected"] == [
        {"symbol": "700.HK", "reason": "quota_exceeded", "message": "Max subscriptions reached (2 of 2)"}
    ]
    assert effects[-1] == Follow(frozenset({Channel(MOUTAI), Channel(PINGAN)}))


def test_the_answer_comes_before_the_first_bar():
    effects = subscribe(opened(), "600519.SH")
    assert [type(effect) for effect in effects] == [Send, Follow]


def test_a_symbol_nobody_carries_is_looked_up_before_it_is_refused():
    connection = opened()
    (lookup,) = connection.received('{"action":"subscribe","symbols":["999999.SH"]}', NOW)
    assert isinstance(lookup, Lookup)
    (claim,) = connection.looked_up(lookup.request, frozenset(), NOW)
    assert [row.reason for row in claim.rejected] == ["unknown_symbol"]
    (claim,) = connection.looked_up(lookup.request, frozenset(lookup.unknown), NOW)
    assert claim.instruments == lookup.unknown


def test_unsubscribing_stops_the_bars_first_and_answers_when_the_quota_is_back():
    connection = opened()
    subscribe(connection, "600519.SH")
    follow, release = connection.received('{"action":"unsubscribe","symbols":["600519.SH","000001.SZ"]}', NOW)
    assert (follow, release.instruments) == (Follow(frozenset()), (MOUTAI,))
    assert isinstance(release, Release)
    (answer,) = texts(connection.released(release, 0, NOW))
    assert (answer["removed"], [row["reason"] for row in answer["rejected"]]) == (["600519.SH"], ["not_subscribed"])


def test_growth_is_told_at_once_and_shrinkage_asks_for_a_fit():
    connection = opened()
    assert texts(connection.entitled(scope(5, rev=2), NOW))[0]["max_subs"] == 5
    assert connection.entitled(scope(5, rev=2), NOW) == []
    assert connection.entitled(scope(1, rev=3), NOW) == [Shrink(1)]


def test_an_older_scope_changes_nothing():
    connection = opened(rev=5)
    assert connection.entitled(scope(9, rev=4), NOW) == []


def test_what_a_fit_drops_is_named_newest_first():
    connection = opened()
    subscribe(connection, "600519.SH", "000001.SZ")
    effects = connection.shrunk(Shrink(1), [PINGAN], 1)
    assert texts(effects) == [{"type": "quota_changed", "max_subs": 1, "used": 1, "dropped": ["000001.SZ"]}]
    assert list(connection.following) == [MOUTAI]


def test_a_market_that_leaves_the_plan_leaves_the_socket():
    connection = opened()
    subscribe(connection, "600519.SH", "700.HK")
    assert connection.entitled(scope(2, rev=2, markets=frozenset({"CN"})), NOW) == [Shrink(2)]
    assert connection.outside(NOW) == (TENCENT,)


@pytest.mark.parametrize(("left", "told"), [(90_000, []), (86_400, [86_400]), (3_600, [3_600]), (60, [60])])
def test_the_end_is_announced_a_day_an_hour_and_a_minute_before(left, told):
    connection = opened(ends_in=left)
    assert [notice["in_seconds"] for notice in texts(connection.entitled(connection.scope, NOW))] == told
    assert connection.entitled(connection.scope, NOW) == []


def test_after_the_end_the_socket_closes_4401():
    connection = opened(ends_in=10)
    assert connection.entitled(connection.scope, NOW + 10_000) == [Close(4401, "subscription_expired")]


def test_sixty_messages_at_once_are_served_then_twenty_a_second():
    connection = opened()
    assert [connection.wait_ms(NOW) for _ in range(62)] == [0] * 60 + [50, 100]


def test_a_flood_that_has_filled_what_may_wait_is_closed_4429():
    connection = opened()
    waits = [connection.wait_ms(NOW) for _ in range(1061)]

    assert waits[-2:] == [50_000, None]
    assert connection.flooded() == Close(4429, "too many messages; at most 20 a second")


def test_test_cn_costs_nothing():
    assert not costs_quota(InstrumentId.parse("TEST.CN"))
    assert costs_quota(MOUTAI)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["action", "symbols", "fill", "types", "since", "id", "x"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)
almost = st.fixed_dictionaries(
    {"action": st.sampled_from(["subscribe", "unsubscribe", "list", "snapshot", "ping", "?", 5, None])},
    optional={
        "symbols": json_values,
        "fill": json_values,
        "types": json_values,
        "since": json_values,
        "id": json_values,
    },
)


@settings(max_examples=300)
@given(st.text(max_size=60) | json_values.map(json.dumps) | almost.map(json.dumps))
def test_nothing_a_client_can_send_raises(text):
    for effect in opened().received(text, NOW):
        if isinstance(effect, Send):
            answer = json.loads(effect.text)
            assert answer["type"] in ("error", "pong", "list", "snapshot", "unsubscribed")
            assert answer.get("code") in (None, "malformed", "unsupported")


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 50_000, "1" * 5000, '"\\ud800"', "NaN", "\x00", '{"action":"ping","id":1e999}']
)
def test_the_ugly_examples_are_answered(text):
    (answer,) = texts(opened().received(text, NOW))
    assert answer["type"] in ("error", "pong")


def test_a_bar_reads_as_the_seed_prints_it():
    bar = json.loads(
        NATIVE.bar_encoder(1_181_986_801)("000001.SZ", 105_000, 105_500, 104_800, 105_200, 123_456, 12_987_650_000)
    )
    assert bar == {
        "type": "kline", "symbol": "000001.SZ", "seq": 1_181_986_801,
        "data": {"open": 10.5, "high": 10.55, "low": 10.48, "close": 10.52, "volume": 123456, "amount": 1298765.0,
                 "timestamp": "2026-03-08T14:30:01.500Z"},
    }  # fmt: skip


@pytest.mark.parametrize("dialect", ["native", "itick", "tickdb"])
def test_what_a_smaller_quota_takes_away_is_named_as_the_client_wrote_it(dialect):
    spoken = {
        "native": '{"action":"subscribe","symbols":["600519.SH"]}',
        "itick": '{"ac":"subscribe","params":"600519$sh","types":"kline@1"}',
        "tickdb": '{"cmd":"subscribe","data":{"channel":"trade","symbols":["600519"]}}',
    }
    wanted = {"native": "600519.SH", "itick": "600519$sh", "tickdb": "600519"}
    connection = Connection(dialect=DIALECTS[dialect], scope=scope(), carried=lambda _: True)
    connection.opened(node="n", now_ms=NOW, used=0, epochs={}, markets={})
    (claim,) = connection.received(spoken[dialect], NOW)
    connection.claimed(claim, frozenset({MOUTAI}), 1, NOW)

    (answer,) = texts(connection.shrunk(Shrink(0), [MOUTAI], 0))

    assert f'"{wanted[dialect]}"' in json.dumps(answer)


def test_a_type_or_interval_that_ends_is_followed_no_longer_and_gives_its_quota_back():
    bars = frozenset({"kline"}), frozenset({"1m"})
    later = Step(NOW_S + 100, 2, 2, BOTH, L1, *bars)
    steps = (Step(NOW_S - 1, 2, 2, BOTH, L1), later, Step(NOW_S + 10**6, 0, 0, NONE, NONE))
    connection = Connection(dialect=NATIVE, scope=Scope("alice", "cn", 1, steps), carried=lambda _: True)
    connection.opened(node="n", now_ms=NOW, used=0, epochs={}, markets={})
    subscribe(connection, "600519.SH", intervals=["1.5s", "1m", "5m"], types=["kline", "quote"])
    subscribe(connection, "000001.SZ", types=["quote"])
    assert connection.entitled(connection.scope, NOW) == []

    effects = connection.entitled(connection.scope, (NOW_S + 100) * 1000)

    follow, release = effects
    assert [(one.instrument, one.kind) for one in follow.channels] == [(MOUTAI, "1m")]
    assert release == Release((PINGAN,))


def test_spaces_in_a_symbol_of_itick_do_not_come_back_in_every_frame():
    itick = DIALECTS["itick"]
    request = itick.parse('{"ac":"subscribe","params":" 700 ' + " " * 1000 + '$ HK","types":"quote,kline@1"}')

    forms = [itick.form(request.symbols[0], kind, request) for kind in request.kinds]

    assert forms == ["700$HK", "kline@1 700$HK"]
