"""Intervals, quotes, trades, depth and stamps over a real socket; and what of them is quota."""

import time

import pytest

from kernel import keyspace
from streaming.records.window import Book, Events, Print, end_ms, pack
from tests.streaming.conftest import ServedNode, make_scope, make_token
from tests.streaming.test_socket import Client

pytestmark = pytest.mark.whole
MOUTAI = "600519.SH"
BAR = (10.0, 11.0, 9.0, 10.5, 100, 1000.0)


@pytest.fixture(params=["node", "plain_node"])
def any_node(request) -> ServedNode:
    return request.getfixturevalue(request.param)


def test_a_longer_interval_is_told_as_it_stands_and_then_with_every_trade(any_node, cn):
    cn.know(MOUTAI)
    cn.write((MOUTAI, *BAR), skip=cn.to_next_minute())
    with Client(any_node, make_token()) as client:
        client.ask("subscribe", symbols=[MOUTAI], intervals=["1m", "1d", "1.5s"])
        standing = client.get("kline", interval="1m")
        assert standing["data"]["high"] >= 11.0, "folded out of the stream"
        seq = cn.write((MOUTAI, 12.0, 12.0, 12.0, 12.0, 7, 84.0))
        window = client.get("kline", seq=seq, interval=None)
        minute, day = (client.get("kline", seq=seq, interval=name) for name in ("1m", "1d"))

    assert window["data"]["volume"] == 7
    assert (minute["data"]["close"], minute["data"]["high"], minute["final"]) == (12.0, 12.0, False)
    assert minute["data"]["volume"] >= 7
    assert day["data"]["close"] == 12.0


def test_a_minute_is_final_when_the_next_one_begins(node, cn):
    cn.know(MOUTAI)
    cn.write((MOUTAI, *BAR), skip=cn.to_next_minute())
    with Client(node, make_token()) as client:
        client.ask("subscribe", symbols=[MOUTAI], types=["kline"], intervals=["1m"])
        client.get("kline", final=False)  # as it stands: folded out of the stream
        cn.write((MOUTAI, *BAR))
        volume = client.get("kline", final=False)["data"]["volume"]
        client.waiting.clear()
        cn.write(skip=40)
        ended = client.get("kline", final=True)
        assert ended["data"]["volume"] >= volume
        assert ended["data"]["timestamp"].endswith(":00.000Z")
        assert client.ask("ping")
        assert not [one for one in client.waiting if one.get("final")]


def test_following_more_leaves_a_bar_that_is_being_formed_as_it_stands(node, cn):
    """The only follower of a channel changed its set, and the channel forgot its bar for good."""
    cn.know(MOUTAI, "000001.SZ")
    cn.write((MOUTAI, *BAR), skip=cn.to_next_minute())
    with Client(node, make_token()) as client:
        client.ask("subscribe", symbols=[MOUTAI], intervals=["1m"])
        standing = client.get("kline", interval="1m")["data"]["volume"]
        client.ask("subscribe", symbols=["000001.SZ"])
        seq = cn.write((MOUTAI, *BAR))
        assert client.get("kline", interval="1m", seq=seq)["data"]["volume"] == standing + 100


def test_quotes_trades_and_depth_come_with_their_own_numbers(any_node, cn, store):
    cn.know(MOUTAI)
    cn.write()
    with Client(any_node, make_token()) as client:
        answer = client.ask("subscribe", symbols=[MOUTAI, "00700.HK"], types=["quote", "tick", "depth"])
        assert answer["quota"]["used"] == 2, "types cost nothing"
        seq = cn.seqs["CN"] + 1
        at_ms = end_ms(seq) - 700
        prints = [
            Print(MOUTAI, 5, at_ms, 18_000_000, 100, 1_800_000_000, "B"),
            Print("000001.SZ", 1, at_ms, 1, 1, 1, "S"),
        ]
        book = Book(MOUTAI, 9, at_ms, 1, 2, 3, 4, 18_000_000, 6, 7, [(17_999_900, 10), (17_999_800, 20)], [])
        store.xadd(keyspace.events("CN", "test"), {"e": pack(Events(prints, [book]))}, id=f"{end_ms(seq)}-0")
        cn.write()
        tick, quote, depth = client.get("tick"), client.get("quote"), client.get("depth")
        client.none("kline")

    assert (tick["symbol"], tick["seq"], tick["data"]["price"], tick["data"]["side"]) == (MOUTAI, 5, 1800.0, "B")
    assert (quote["seq"], quote["data"]["last"], quote["data"]["bid"], quote["data"]["ask"]) == (
        9,
        1800.0,
        1799.99,
        None,
    )
    assert depth["data"]["bids"] == [[1799.99, 10], [1799.98, 20]]
    assert depth["data"]["asks"] == []


def test_unsubscribing_from_one_kind_leaves_the_others_and_the_quota(node, cn):
    cn.know(MOUTAI)
    with Client(node, make_token(make_scope("kinds", max_subs=1))) as client:
        client.ask("subscribe", symbols=[MOUTAI], intervals=["1.5s", "1m"])
        answer = client.ask("unsubscribe", symbols=[MOUTAI], intervals=["1m"])
        assert (answer["removed"], answer["current"], answer["quota"]["used"]) == ([], [MOUTAI], 1)
        seq = cn.write((MOUTAI, *BAR))
        assert client.get("kline", seq=seq)
        assert client.ask("ping")
        assert not [one for one in client.waiting if one["type"] == "kline" and one["seq"] == seq]
        answer = client.ask("unsubscribe", symbols=[MOUTAI])
        assert (answer["removed"], answer["quota"]["used"]) == ([MOUTAI], 0)


def test_a_stamp_tells_when_a_frame_was_made(node, cn):
    cn.know(MOUTAI)
    cn.write()
    with Client(node, make_token()) as client:
        client.ask("subscribe", symbols=[MOUTAI], stamp=True)
        seq = cn.write((MOUTAI, *BAR))
        stamp = client.get("kline", seq=seq)["stamp"]
        assert abs(stamp["sent_ms"] - time.time() * 1000) < 60_000
        assert set(stamp) == {"closed_ms", "sent_ms"}
