"""The rules in which languages differ, with plain calls."""

import json

from kernel.instruments import InstrumentId
from kernel.scope import Scope, Step
from streaming.wire.channels import Channel
from streaming.wire.connection import CLOSE_SLOW, Connection
from streaming.wire.requests import Claim, Close, Follow, Release, Send
from tests.streaming.spoken import DIALECTS

NOW = 1_790_000_000_000
BOTH, L1 = frozenset({"CN", "HK"}), frozenset({"L1"})
MOUTAI, PINGAN, TENCENT = (InstrumentId.parse(s) for s in ("600519.SH", "000001.SZ", "00700.HK"))


def opened(name, *, via="", max_subs=1000):
    steps = (Step(NOW // 1000 - 1, max_subs, 2, BOTH, L1), Step(NOW // 1000 + 10**6, 0, 0, frozenset(), frozenset()))
    spoken = DIALECTS[name]
    connection = Connection(
        dialect=spoken,
        scope=Scope("alice", "cn", 1, steps),
        carried=lambda _: True,
        via=via or next(iter(spoken.paths.values())),
    )
    connection.opened(node="n", now_ms=NOW, used=0, epochs={}, markets={})
    return connection


def follow(connection, text, granted=None):
    """Ask, and let the store grant everything or `granted`; return all effects in their order."""
    todo, done = connection.received(text, NOW), []
    while todo:
        effect = todo.pop(0)
        done.append(effect)
        if isinstance(effect, Claim):
            got = frozenset(effect.instruments if granted is None else granted)
            todo = [*connection.claimed(effect, got, len(got), NOW), *todo]
        elif isinstance(effect, Release):
            todo = [*connection.released(effect, 0, NOW), *todo]
    return done


def alltick_subscribe(command, *codes, seq_id=1):
    data = {"symbol_list": [{"code": code} for code in codes]}
    return json.dumps({"cmd_id": command, "seq_id": seq_id, "trace": "t", "data": data})


def test_who_has_pinged_in_json_must_go_on_and_who_has_not_need_not():
    for name, ping, silence_s in (
        ("itick", '{"ac":"ping","params":1}', 60),
        ("alltick", '{"cmd_id":22000,"seq_id":1,"trace":""}', 30),
    ):
        quiet, pinging = opened(name), opened(name)
        pinging.received(ping, NOW)
        for seconds, ends in ((silence_s, False), (silence_s + 16, True)):
            at = NOW + seconds * 1000
            assert quiet.entitled(quiet.scope, at) == []
            effects = pinging.entitled(pinging.scope, at)
            assert bool(effects) is ends
        assert effects == [Close(CLOSE_SLOW, "no heartbeat")]
        assert pinging.next_due_s(NOW / 1000) == NOW / 1000 + silence_s + 15


def test_an_itick_connection_follows_500_symbols_at_most_and_nothing_of_a_request_beyond():
    connection = opened("itick")
    first = ",".join(f"{600000 + n}$SH" for n in range(400))
    (claim, sent, _) = follow(connection, json.dumps({"ac": "subscribe", "params": first, "types": "tick"}))
    assert len(claim.instruments) == 400
    assert json.loads(sent.text)["code"] == 1
    second = ",".join(f"{601000 + n}$SH" for n in range(101))
    effects = follow(connection, json.dumps({"ac": "subscribe", "params": second, "types": "tick"}))
    sent = next(effect for effect in effects if isinstance(effect, Send))
    assert json.loads(sent.text) == {
        "code": 0, "resAc": "subscribe", "msg": "exceeding the maximum subscription limit",
    }  # fmt: skip
    assert len(connection.following) == 400


def test_an_alltick_subscribe_replaces_its_own_kind_alone_and_frees_the_quota_first():
    connection = opened("alltick")
    follow(connection, alltick_subscribe(22004, "600519.SH", "000001.SZ"))
    follow(connection, alltick_subscribe(22002, "600519.SH"))
    effects = follow(connection, alltick_subscribe(22004, "700.HK"))
    kinds = [type(effect) for effect in effects]
    assert kinds == [Follow, Release, Claim, Send, Follow]
    assert effects[1].instruments == (PINGAN,)
    assert {one: sorted(kinds) for one, kinds in connection.following.items()} == {MOUTAI: ["depth"], TENCENT: ["tick"]}


def test_alltick_passes_over_what_is_beyond_the_quota_without_a_word():
    connection = opened("alltick", max_subs=1)
    effects = follow(connection, alltick_subscribe(22004, "600519.SH", "000001.SZ"), granted=[MOUTAI])
    sent = next(effect for effect in effects if isinstance(effect, Send))
    assert json.loads(sent.text)["ret"] == 200
    assert list(connection.following) == [MOUTAI]


def test_frames_write_a_symbol_as_it_was_asked_for():
    connection = opened("tickdb")
    *_, last = follow(connection, '{"cmd":"subscribe","data":{"channel":"ticker","symbols":[" 0700.hk "]}}')
    assert last == Follow(frozenset({Channel(TENCENT, "quote", dialect="tickdb", form="0700.hk")}))


def test_an_index_and_a_stock_of_one_code_are_told_apart_by_the_path():
    ask = '{"ac":"subscribe","params":"000001","types":"tick"}'
    for via, symbol in (("stock", "000001.SZ"), ("indices", "000001.SH")):
        connection = opened("itick", via=via)
        follow(connection, ask)
        assert [str(one) for one in connection.following] == [symbol]


def test_short_and_former_codes_are_read_in_every_language():
    for code, symbol in (("5.HK", "00005.HK"), ("159915.SZ", "159915.SZ"), ("430047.BJ", None), ("HSI", "HSI.HK")):
        found = {
            str(DIALECTS[name].resolve(code if name != "itick" else code.replace(".", "$")))
            for name in ("native", "itick", "tickdb", "alltick")
        }
        assert len(found) == 1, found
        assert symbol is None or found == {symbol}
