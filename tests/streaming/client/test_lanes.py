"""The client's place in the stream: what it asks for after a cut, what it hands out, what it tells."""

import subprocess
import sys

import pytest

from streaming.client.events import Bar, Gap, Recovered, Said
from streaming.client.lanes import MOST_SYMBOLS, REACH, Lanes, Send, SendLater, lane_of

A, B, H = "600519.SH", "000001.SZ", "00700.HK"
DATA = {"open": 1, "high": 1, "low": 1, "close": 1, "volume": 1, "amount": 1, "timestamp": "t"}


def bar(symbol: str, seq: int, **more) -> dict:
    return {"type": "kline", "symbol": symbol, "seq": seq, "data": DATA, **more}


def subscribed(*current: str, resume: dict | None = None, rejected: tuple = ()) -> dict:
    answer = {"type": "subscribed", "added": [], "current": list(current), "rejected": list(rejected), "quota": {}}
    return answer if resume is None else answer | {"resume": resume}


def welcome(**epochs: str) -> dict:
    return {"type": "welcome", "epoch": epochs}


def give(lanes: Lanes, *messages: dict) -> list:
    """Return what the messages lead to, bars as (symbol, seq), without what is only passed on."""
    told = [outcome for message in messages for outcome in lanes.take(message)]
    return [(one.symbol, one.seq) if isinstance(one, Bar) else one for one in told if not isinstance(one, Said)]


def following(*symbols: str, **more) -> Lanes:
    """Return a client that is connected in epoch e1 and follows the symbols live."""
    lanes = Lanes(symbols, **more)
    lanes.subscribe()
    give(lanes, welcome(CN="e1", HK="e1", TEST="e1"), subscribed(*symbols))
    return lanes


def cursor(lanes: Lanes) -> object:
    (message,) = lanes.subscribe()[0]
    return message.get("since")


@pytest.mark.parametrize(
    ("symbol", "lane"), [("600519.SH", "CN"), ("920001.bj", "CN"), ("700.hk", "HK"), ("HSI", "HK"), ("test.cn", "TEST")]
)
def test_the_lane_follows_from_the_symbol_as_people_write_it(symbol, lane):
    assert lane_of(symbol) == lane


def test_at_first_it_asks_for_nothing_that_was():
    assert Lanes([A]).subscribe() == ([{"action": "subscribe", "symbols": [A]}], [])


def test_bars_are_handed_out_once_and_in_order():
    lanes = following(A)
    assert give(lanes, bar(A, 5), bar(A, 5), bar(A, 4), bar(A, 6)) == [(A, 5), (A, 6)]


def test_intervals_of_a_symbol_are_counted_apart():
    lanes = following(A, intervals=["1.5s", "1m"])
    assert give(lanes, bar(A, 5), bar(A, 5, interval="1m"), bar(A, 5, interval="1m")) == [(A, 5), (A, 5)]


def test_after_a_cut_it_asks_from_the_symbol_that_is_furthest_behind():
    lanes = following(A, B, H)
    give(lanes, bar(A, 10), bar(B, 10), bar(H, 900), bar(A, 11))
    assert lanes.subscribe()[0] == [
        {"action": "subscribe", "symbols": [A, B, H], "since": {"CN": 10, "HK": 900}, "epoch": {"CN": "e1", "HK": "e1"}}
    ]


def test_a_symbol_cut_off_before_its_first_bar_gets_the_one_of_that_window():
    lanes = following(A, B)
    give(lanes, bar(A, 10))
    assert cursor(lanes) == {"CN": 9}


def test_a_symbol_that_says_nothing_holds_a_resume_back_by_a_minute_at_most():
    lanes = following(A, B)
    give(lanes, bar(B, 10), *(bar(A, seq) for seq in range(10, 2001)))
    assert cursor(lanes) == {"CN": 2000 - REACH}


def test_what_a_resume_sends_twice_is_dropped_and_its_end_is_told():
    lanes = following(A, B)
    give(lanes, bar(A, 10), bar(B, 10), bar(A, 11))
    lanes.subscribe()
    told = give(
        lanes,
        welcome(CN="e1"),
        subscribed(A, B, resume={"CN": {"recovered": True, "epoch": "e1", "since": 10}}),
        bar(A, 11), bar(B, 11), bar(B, 12), bar(A, 12),
        {"type": "resumed", "market": "CN", "seq": 12},
        bar(A, 13),
    )  # fmt: skip
    assert told == [(B, 11), (B, 12), (A, 12), Recovered("CN", 10, 12), (A, 13)]


def test_a_cut_in_the_middle_of_a_replay_begins_where_the_furthest_behind_was():
    """While a replay runs nothing may be concluded from the newest bar: symbols arrive minutes apart."""
    lanes = following(A, B)
    give(lanes, bar(A, 1000), bar(B, 1000))
    lanes.subscribe()
    give(
        lanes,
        subscribed(A, B, resume={"CN": {"recovered": True, "epoch": "e1", "since": 1000}}),
        *(bar(A, seq) for seq in range(1001, 1200)),
    )
    assert cursor(lanes) == {"CN": 1000}


def test_a_resumed_lane_is_complete_up_to_the_end_that_was_told_even_for_silent_symbols():
    lanes = following(A, B)
    give(lanes, bar(A, 1000))
    lanes.subscribe()
    give(
        lanes,
        subscribed(A, B, resume={"CN": {"recovered": True, "epoch": "e1", "since": 999}}),
        {"type": "resumed", "market": "CN", "seq": 3000},
    )
    assert cursor(lanes) == {"CN": 3000}


def test_a_refused_resume_is_a_gap_and_what_is_left_is_asked_for():
    lanes = following(A)
    give(lanes, bar(A, 10))
    lanes.subscribe()
    refused = {"recovered": False, "epoch": "e1", "since": 10, "first": 500, "reason": "trimmed"}
    gap, ask = give(lanes, subscribed(A, resume={"CN": refused}))
    assert gap == Gap("CN", 10, 500, "trimmed")
    assert ask == Send({"action": "subscribe", "symbols": [A], "since": {"CN": 499}, "epoch": {"CN": "e1"}})

    # Live frames that come before the replay are in it too.
    assert give(lanes, bar(A, 900)) == []
    whole = {"recovered": True, "epoch": "e1", "since": 499}
    assert give(lanes, subscribed(A, resume={"CN": whole}), bar(A, 500), bar(A, 900)) == [(A, 500), (A, 900)]


def test_a_cut_between_a_refusal_and_the_second_try_does_not_hide_what_is_left():
    lanes = following(A)
    give(lanes, bar(A, 10))
    lanes.subscribe()
    refused = {"recovered": False, "epoch": "e1", "since": 10, "first": 500, "reason": "trimmed"}
    give(lanes, subscribed(A, resume={"CN": refused}), bar(A, 900))
    assert cursor(lanes) == {"CN": 499}


def test_a_refusal_that_comes_again_and_again_is_told_and_the_stream_goes_on_live():
    lanes = following(A)
    give(lanes, bar(A, 10))
    lanes.subscribe()
    told = []
    for since in (10, 499, 599, 699):
        refused = {
            "recovered": False,
            "epoch": "e1",
            "since": since,
            "first": since // 100 * 100 + 200,
            "reason": "trimmed",
        }
        told += give(lanes, subscribed(A, resume={"CN": refused}))
    told += give(lanes, bar(A, 900))
    assert [type(one) for one in told] == [Gap, Send, Gap, Send, Gap, Send, Gap, tuple]


def test_a_replay_that_the_node_breaks_off_is_asked_for_from_there():
    lanes = following(A, B)
    give(lanes, bar(A, 10), bar(B, 10), bar(A, 40))
    lanes.subscribe()
    give(
        lanes, subscribed(A, B, resume={"CN": {"recovered": True, "epoch": "e1", "since": 10}}), bar(B, 11), bar(B, 12)
    )
    (ask,) = give(lanes, {"type": "resumed", "market": "CN", "seq": 12, "recovered": False})
    assert ask.message["since"] == {"CN": 12}
    # Live ones in between are in what was asked for, and a cut does not skip it.
    assert give(lanes, bar(B, 901)) == []
    whole = {"recovered": True, "epoch": "e1", "since": 12}
    told = give(
        lanes, subscribed(A, B, resume={"CN": whole}), bar(B, 13), {"type": "resumed", "market": "CN", "seq": 901}
    )
    assert told == [(B, 13), Recovered("CN", 12, 901)]


def test_a_cut_after_a_replay_was_broken_off_skips_nothing():
    lanes = following(A, B)
    give(lanes, bar(A, 10), bar(B, 10), bar(A, 40))
    lanes.subscribe()
    give(
        lanes,
        subscribed(A, B, resume={"CN": {"recovered": True, "epoch": "e1", "since": 10}}),
        {"type": "resumed", "market": "CN", "seq": 12, "recovered": False},
    )
    assert cursor(lanes) == {"CN": 12}


def test_a_replay_that_is_broken_off_each_time_is_a_gap_in_the_end():
    lanes = following(A)
    give(lanes, bar(A, 10))
    lanes.subscribe()
    told = []
    for _ in range(4):
        told += give(
            lanes,
            subscribed(A, resume={"CN": {"recovered": True, "epoch": "e1", "since": 10}}),
            {"type": "resumed", "market": "CN", "seq": 12, "recovered": False},
        )
    assert [type(one) for one in told] == [Send, Send, Send, Gap]
    assert told[-1] == Gap("CN", 12, None, "broken_off")
    assert give(lanes, bar(A, 900)) == [(A, 900)]


def test_a_store_that_cannot_judge_a_resume_is_asked_again_before_anything_live_is_taken():
    lanes = following(A)
    give(lanes, bar(A, 10))
    lanes.subscribe()
    away = {"recovered": False, "epoch": "e1", "since": 10, "first": None, "reason": "store_unavailable"}
    (later,) = give(lanes, subscribed(A, resume={"CN": away}), bar(A, 14))
    assert lanes.retry(later.request)["since"] == {"CN": 10}
    whole = {"recovered": True, "epoch": "e1", "since": 10}
    assert give(lanes, subscribed(A, resume={"CN": whole}), bar(A, 11)) == [(A, 11)]


def test_a_timestamp_and_a_seq_go_in_requests_of_their_own():
    """A request holds one timestamp, or a seq for each lane."""
    lanes = Lanes([A, H, B], since={"CN": 7, "HK": "2026-03-09T01:30:00Z"})
    assert lanes.subscribe()[0] == [
        {"action": "subscribe", "symbols": [A, B], "since": {"CN": 7}, "epoch": {}},
        {"action": "subscribe", "symbols": [H], "since": "2026-03-09T01:30:00Z", "epoch": {}},
    ]


def test_a_cut_in_a_replay_from_a_timestamp_forgets_no_symbol():
    lanes = Lanes([A, B], since="2026-03-09T01:30:00Z")
    lanes.subscribe()
    give(lanes, subscribed(A, B, resume={"CN": {"recovered": True, "epoch": "e1", "since": 5}}), bar(A, 6), bar(A, 7))
    assert cursor(lanes) == {"CN": 5}


def test_the_end_of_a_longer_bar_and_the_beginning_of_the_next_share_a_window():
    lanes = following(A, intervals=["1.5s", "1m"])

    def formed(opened: str, seq: int) -> dict:
        return bar(A, seq, interval="1m") | {"data": DATA | {"timestamp": opened}}

    told = give(
        lanes, formed("01:30", 40), formed("01:30", 41), formed("01:31", 41), formed("01:30", 41), formed("01:31", 41)
    )
    assert told == [(A, 40), (A, 41), (A, 41)]


def test_another_epoch_begins_a_new_count():
    lanes = following(A)
    give(lanes, bar(A, 1000))
    status = {"type": "status", "market": "CN", "state": "open", "epoch": "e2"}
    assert give(lanes, status, bar(A, 7)) == [Gap("CN", 1000, None, "epoch_changed"), (A, 7)]


def test_a_welcome_of_another_epoch_leaves_the_word_to_the_answer():
    lanes = following(A)
    give(lanes, bar(A, 1000))
    lanes.subscribe()
    refused = {"recovered": False, "epoch": "e2", "since": 1000, "first": None, "reason": "epoch_changed"}
    told = give(lanes, welcome(CN="e2"), subscribed(A, resume={"CN": refused}), bar(A, 3))
    assert told == [Gap("CN", 1000, None, "epoch_changed"), (A, 3)]


def test_a_resume_called_whole_in_another_epoch_is_a_gap_all_the_same():
    lanes = following(A)
    give(lanes, bar(A, 1000))
    lanes.subscribe()
    odd = {"recovered": True, "epoch": "e2", "since": 1000}
    assert give(lanes, subscribed(A, resume={"CN": odd}))[0] == Gap("CN", 1000, None, "epoch_changed")


def test_a_clock_that_goes_back_before_the_epoch_is_named_is_one_gap_not_two():
    lanes = following(A)
    give(lanes, bar(A, 100_000))
    heartbeat = {"type": "heartbeat", "epoch": {"CN": "e2"}}
    told = give(lanes, bar(A, 5), heartbeat, bar(A, 6))
    assert told == [Gap("CN", 100_000, 5, "clock_went_back"), (A, 5), (A, 6)]


def test_a_node_that_is_behind_is_waited_for():
    lanes = following(A)
    give(lanes, bar(A, 1000))
    lanes.subscribe()
    behind = {"recovered": False, "epoch": "e1", "since": 1000, "first": 1, "reason": "ahead"}
    told = give(lanes, subscribed(A, resume={"CN": behind}), bar(A, 500), bar(A, 1000), bar(A, 1001))
    assert told == [Gap("CN", 1000, 1, "ahead"), (A, 1001)]


def test_a_lane_that_the_answer_leaves_out_is_a_gap():
    lanes = following(A)
    give(lanes, bar(A, 10))
    lanes.subscribe()
    assert give(lanes, subscribed(A)) == [Gap("CN", 10, None, "unanswered")]


def test_a_node_without_resume_is_asked_without_it():
    lanes = following(A)
    give(lanes, bar(A, 10))
    lanes.subscribe()
    told = give(lanes, {"type": "error", "code": "unsupported", "message": "since"})
    assert told == [Gap("CN", 10, None, "unsupported"), Send({"action": "subscribe", "symbols": [A]})]


def test_a_store_that_is_away_is_asked_the_same_again():
    lanes = following(A)
    give(lanes, bar(A, 10))
    ((asked,), _) = lanes.subscribe()
    (later,) = give(lanes, {"type": "error", "code": "unavailable", "message": "x"})
    assert isinstance(later, SendLater)
    assert lanes.retry(later.request) == asked


def test_what_was_refused_or_dropped_is_not_asked_for_again():
    lanes = Lanes([A, "nonsense", "700.hk"])
    lanes.subscribe()
    give(lanes, subscribed(A, H, rejected=({"symbol": "nonsense", "reason": "unknown_symbol"},)))
    assert list(lanes.wanted) == [A, H]
    give(lanes, {"type": "quota_changed", "max_subs": 1, "used": 1, "dropped": [H]})
    assert lanes.subscribe()[0][0]["symbols"] == [A]


def test_what_was_left_is_not_brought_back_by_an_earlier_answer():
    lanes = following(A)
    lanes.follow([B])
    lanes.unfollow([A])
    give(lanes, subscribed(A, B))
    assert list(lanes.wanted) == [B]


def test_what_is_followed_again_survives_the_answer_to_leaving_it():
    lanes = following(A)
    lanes.unfollow([A])
    lanes.follow([A])
    give(lanes, {"type": "unsubscribed", "removed": [A], "current": [], "rejected": [], "quota": {}})
    assert list(lanes.wanted) == [A]


def test_a_long_absence_is_a_gap_where_that_was_wished():
    lanes = following(A)
    give(lanes, bar(A, 10))
    messages, gaps = lanes.subscribe(away_too_long=True)
    assert messages == [{"action": "subscribe", "symbols": [A]}]
    assert gaps == [Gap("CN", 10, None, "away_too_long")]


def test_it_begins_where_it_is_told_to_and_only_once():
    lanes = Lanes([A], since="2026-03-09T01:30:00.000Z")
    assert lanes.subscribe()[0][0]["since"] == "2026-03-09T01:30:00.000Z"
    give(lanes, subscribed(A, resume={"CN": {"recovered": True, "epoch": "e1", "since": 5}}), bar(A, 7))
    assert cursor(lanes) == {"CN": 7}


def test_more_symbols_than_a_request_holds_are_asked_for_in_parts_that_end_together():
    symbols = [f"{number:06}.SZ" for number in range(1, MOST_SYMBOLS + 2)]
    lanes = following(*symbols)
    give(lanes, bar(symbols[0], 10), bar(symbols[-1], 10))
    messages, _ = lanes.subscribe()
    assert [len(message["symbols"]) for message in messages] == [MOST_SYMBOLS, 1]
    whole = {"CN": {"recovered": True, "epoch": "e1", "since": 9}}
    ended = {"type": "resumed", "market": "CN", "seq": 12}
    told = give(lanes, subscribed(*symbols, resume=whole), subscribed(*symbols, resume=whole), ended, ended)
    assert told == [Recovered("CN", 9, 12)]


@pytest.mark.whole
def test_the_client_runs_where_django_is_not_installed():
    code = """
import sys
class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("django", "channels", "redis", "kernel", "config", "httpx"):
            raise ImportError(name + " is asked for")
sys.meta_path.insert(0, Nothing())
import streaming.client.cli, streaming.client.stream
"""
    subprocess.run([sys.executable, "-c", code], check=True)
