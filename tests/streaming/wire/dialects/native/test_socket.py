"""The native socket's answers: each is one of the documented messages, and symbols are canonical but in `rejected`."""

import json

import pytest
from jsonschema import Draft202012Validator

from kernel.instruments import InstrumentId
from kernel.scope import Scope, Step
from streaming.domain.intervals import FormedBar
from streaming.errors import StoreUnavailable, Unsupported
from streaming.records.window import Book, Newest, Print
from streaming.wire import announced
from streaming.wire.dialects.native.describe import SOCKET
from streaming.wire.requests import (
    List,
    Ping,
    Rejection,
    ResumeDecision,
    SnapshotRequest,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
    Welcome,
)
from tests.streaming.spoken import NATIVE as native

NOW_S = 1_790_000_000
MOUTAI, PINGAN = InstrumentId.parse("600519.SH"), InstrumentId.parse("000001.SZ")
L1, CN = frozenset({"L1"}), frozenset({"CN"})
SCOPE = Scope("alice", "cn", 1, (Step(NOW_S - 60, 5, 2, CN, L1), Step(NOW_S + 60, 0, 0, frozenset(), frozenset())))
WELCOME = Welcome("sh-1", NOW_S * 1000, {"CN": "e1"}, SCOPE, SCOPE.steps[0], 1, {"CN": ("open", None, False, "live")})
NO = Rejection("700.hk", "quota_exceeded", "no more")
LOST = ResumeDecision("CN", False, "e1", 7, 9, "trimmed")
FOUND = ResumeDecision("HK", True, "e2", 7, 3, "")
BAR = Newest(
    1, 10_000, 20_000, 5_000, 15_000, 7, 70_000, "halted", 9_000, "1970-01-01", 10_000, 20_000, 5_000, 8, 80_000
)
NO_BAR = Newest(0, 0, 0, 0, 9_000, 0, 0, "trading", 9_000, "1970-01-01", 0, 0, 0, 0, 0)
BOOK = Book("600519.SH", 9, 1_500, 1, 2, 3, 4, 5, 6, 7, [(1, 1)], [])


def subscribed(**more) -> str:
    return native.subscribed(Subscribed(Subscribe(("600519.SH",)), [MOUTAI], [MOUTAI, PINGAN], [NO], 2, 5, **more))


SAID = {
    "welcome": native.welcome(WELCOME),
    "subscribed": subscribed(),
    "subscribed with a replay": subscribed(resume=[LOST, FOUND], live_only=["1m"]),
    "unsubscribed": native.unsubscribed(Unsubscribed(Unsubscribe(None), [MOUTAI], [], [NO], 0, 5)),
    "list": native.listing(request=List(), current=[MOUTAI, PINGAN], used=2, max_subs=5),
    "snapshot": native.snapshot(
        request=SnapshotRequest(), pictures={}, newest=[(MOUTAI, BAR), (PINGAN, NO_BAR)], rejected=[NO]
    ),
    "pong": native.pong(request=Ping("7"), now_ms=NOW_S * 1000),
    "bare pong": native.pong(request=Ping(), now_ms=NOW_S * 1000),
    "error": native.error(Unsupported("no such thing")),
    "market's status": native.market_status(market="CN", state="open", until_ms=1_500, epoch="e1"),
    "instrument's status": native.instrument_status(symbol="600519.SH", state="halted"),
    "heartbeat": native.heartbeat(now_ms=NOW_S * 1000, last={"CN": 7}, epochs={"CN": "e1"}),
    "quota_changed": native.quota_changed(max_subs=1, used=1, dropped={PINGAN: "000001.SZ"}),
    "announcement": native.announcement(announced.read(announced.EXAMPLE)),
    "expiring": native.expiring(seconds=60, ends_at_s=NOW_S + 60),
    "slow_reader": native.slow_reader(skipped=3),
    "resumed": native.resumed(market="CN", seq=7, recovered=True),
    "broken off": native.resumed(market="CN", seq=7, recovered=False),
    "bar": native.bar_encoder(1)("600519.SH", 1, 2, 3, 4, 5, 6),
    "stamped": native.stamped(
        native.bar_encoder(1)("600519.SH", 1, 2, 3, 4, 5, 6), closed_ms=NOW_S * 1000, sent_ms=NOW_S * 1000
    ),
    "longer bar": native.formed("600519.SH", "1m", 1, FormedBar(0, 1, 2, 3, 4, 5, 6), final=True),
    "tick": native.tick("600519.SH", Print("600519.SH", 1, 0, 1, 1, 1, "B"), BOOK),
    "quote": native.quote("600519.SH", BOOK),
    "depth": native.depth("600519.SH", BOOK),
}


@pytest.mark.parametrize("what", SAID)
def test_whatever_is_said_is_exactly_one_of_the_documented_messages(what):
    said = json.loads(SAID[what])

    assert len([one.name for one in SOCKET.hears if Draft202012Validator(one.payload).is_valid(said)]) == 1


def test_the_welcome_names_the_steps_that_are_still_to_come():
    quota = json.loads(SAID["welcome"])["quota"]

    assert (quota["used"], quota["max_subs"], quota["max_conns"]) == (1, 5, 2)
    assert [(step["from"], step["max_subs"]) for step in quota["steps"]] == [(NOW_S + 60, 0)]


def test_symbols_are_canonical_and_sorted_and_only_what_was_rejected_is_echoed():
    said = json.loads(SAID["subscribed"])

    assert (said["added"], said["current"]) == (["600519.SH"], ["000001.SZ", "600519.SH"])
    assert said["rejected"] == [{"symbol": "700.hk", "reason": "quota_exceeded", "message": "no more"}]


def test_a_long_symbol_is_echoed_by_its_beginning():
    told = Unsubscribed(Unsubscribe(None), [], [], [Rejection("x" * 65, "bad_symbol", "no")], 0, 5)

    assert json.loads(native.unsubscribed(told))["rejected"][0]["symbol"] == "x" * 64


def test_a_lone_surrogate_that_a_client_sent_comes_back_as_ascii():
    told = Unsubscribed(Unsubscribe(None), [], [], [Rejection("\ud800", "bad_symbol", "no")], 0, 5)

    assert native.unsubscribed(told).isascii()


def test_a_replay_says_of_each_market_whether_it_can_be_and_why_not():
    said = json.loads(SAID["subscribed with a replay"])

    assert said["resume"] == {
        "CN": {"recovered": False, "epoch": "e1", "since": 7, "first": 9, "reason": "trimmed"},
        "HK": {"recovered": True, "epoch": "e2", "since": 7},
    }
    assert said["live_only"] == ["1m"]
    assert "resume" not in json.loads(SAID["subscribed"])


def test_a_snapshot_has_no_bar_before_the_first_trade_but_a_day():
    traded, quiet = json.loads(SAID["snapshot"])["data"]

    assert (traded["state"], traded["data"]["close"], traded["data"]["timestamp"]) == (
        "halted", 1.5, "1970-01-01T00:00:01.500Z",
    )  # fmt: skip
    assert (quiet["data"], quiet["day"]["last"], quiet["day"]["volume"]) == (None, 0.9, 0)


def test_a_store_that_is_away_is_called_unavailable():
    assert json.loads(native.error(StoreUnavailable()))["code"] == "unavailable"
    assert json.loads(SAID["error"]) == {"type": "error", "code": "unsupported", "message": "no such thing"}


def test_pages_of_other_origins_are_refused_and_no_token_is_taken_from_the_address():
    assert (native.auth.any_origin, native.auth.query, native.auth.by_message) == (False, (), False)
    assert native.paths == {"ws/stock": ""}
