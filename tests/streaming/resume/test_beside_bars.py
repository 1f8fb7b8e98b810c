"""`since` brings trades, quotes, depth and bars of longer intervals too, as they were sent live; what cannot is named."""

import threading

import pytest

from kernel import keyspace
from streaming.records.window import Book, Print, end_ms
from tests.streaming.conftest import make_token
from tests.streaming.test_socket import Client

pytestmark = pytest.mark.whole
MOUTAI, PINGAN = "600519.SH", "000001.SZ"
BAR = (10.0, 11.0, 9.0, 10.5, 100, 1000.0)


class Told:
    """Writes windows that tell a trade and a picture each."""

    def __init__(self, cn) -> None:
        self.cn, self.number = cn, 0

    def write(self, *bars: tuple, symbol: str = MOUTAI) -> int:
        self.number += 1
        at_ms = end_ms(self.cn.seqs["CN"] + 1) - 500
        price = 100_000 + self.number
        trade = Print(symbol, self.number, at_ms, price, 100, price * 100, "B")
        picture = Book(symbol, self.number, at_ms, 0, 0, 0, 0, price, 0, 0, [(price, 100)] * 5, [(price + 1, 100)] * 5)
        return self.cn.write(*bars, prints=[trade], books=[picture])


@pytest.fixture
def told(cn) -> Told:
    cn.know(MOUTAI, PINGAN)
    cn.redis.delete(keyspace.events("CN", cn.epoch))
    cn.write(skip=cn.to_next_minute())
    return Told(cn)


@pytest.mark.parametrize("kind", ["tick", "quote", "depth"])
def test_what_was_told_beside_the_bars_comes_first_and_then_live(node, told, kind):
    since = told.write()
    for _ in range(4):
        told.write()
        told.write(symbol=PINGAN)
    with Client(node, make_token()) as client:
        answer = client.ask("subscribe", symbols=[MOUTAI], types=[kind], since=since)
        assert answer["resume"]["CN"]["recovered"]
        assert "live_only" not in answer
        done = client.get("resumed")
        replayed = [one["seq"] for one in client.waiting if one["type"] == kind]
        live = told.write() and told.number
        assert client.get(kind, seq=live)["symbol"] == MOUTAI
        left = [one["seq"] for one in client.waiting if one["type"] == kind]

    assert replayed == [2, 4, 6, 8]
    assert left == replayed, "and nothing comes twice"
    assert done["seq"] == told.cn.seqs["CN"] - 1


def test_bars_of_a_minute_come_as_they_formed_each_end_once_and_then_live(node, told):
    told.cn.write((MOUTAI, *BAR))
    since = told.cn.write((MOUTAI, *BAR))
    for _ in range(60):  # into the next minute, after which the one before is final
        told.cn.write((MOUTAI, *BAR))
    with Client(node, make_token()) as client:
        answer = client.ask("subscribe", symbols=[MOUTAI], intervals=["1m"], since=since)
        assert answer["resume"]["CN"]["recovered"]
        assert "live_only" not in answer
        client.get("resumed", 10)
        replayed = [one for one in client.waiting if one["type"] == "kline"]
        live = told.cn.write((MOUTAI, *BAR))
        newest = client.get("kline", seq=live)

    seqs = [one["seq"] for one in replayed]
    assert seqs == sorted(seqs)
    assert (seqs[0], seqs[-1]) == (since + 1, live - 1)
    finals = [one for one in replayed if one["final"]]
    opened = {one["data"]["timestamp"] for one in replayed}
    assert len(finals) == len(opened) - 1 >= 1
    assert finals[0]["data"]["volume"] == 3900, "39 of its 40 windows had trades, those before `since` too"
    assert newest["data"]["volume"] == replayed[-1]["data"]["volume"] + 100


def test_bars_and_what_was_told_come_in_the_order_of_windows(node, told):
    since = told.write((MOUTAI, *BAR))
    for _ in range(3):
        told.write((MOUTAI, *BAR))
    with Client(node, make_token()) as client:
        client.ask("subscribe", symbols=[MOUTAI], types=["kline", "tick"], since=since)
        client.get("resumed")
        kinds = [one["type"] for one in client.waiting if one["type"] in ("kline", "tick")]

    assert kinds == ["tick", "kline"] * 3, "as it was sent live: what was told, then the bar that has it"


def test_what_the_store_has_no_more_is_named_and_the_rest_is_replayed(node, told):
    since = told.write()
    told.write((MOUTAI, *BAR))
    told.cn.redis.xtrim(keyspace.events("CN", told.cn.epoch), maxlen=0, approximate=False)
    told.write((MOUTAI, *BAR))
    told.write((MOUTAI, *BAR))
    told.cn.redis.xtrim(keyspace.events("CN", told.cn.epoch), maxlen=1, approximate=False)
    with Client(node, make_token()) as client:
        answer = client.ask(
            "subscribe", symbols=[MOUTAI], types=["kline", "tick"], intervals=["1.5s", "1m", "1d"], since=since
        )
        client.get("resumed")
        ticks = [one for one in client.waiting if one["type"] == "tick"]
        bars = [one["seq"] for one in client.waiting if one["type"] == "kline" and "interval" not in one]

    assert sorted(answer["live_only"]) == ["1d", "tick"]
    assert ticks == []
    assert len(bars) == 3


def test_while_the_market_moves_nothing_is_lost_doubled_or_out_of_order_where_the_replay_becomes_live(node, told):
    since = told.write((MOUTAI, *BAR))
    over = threading.Event()

    def move() -> None:
        while not over.wait(0.01):
            told.write((MOUTAI, *BAR))

    mover = threading.Thread(target=move)
    mover.start()
    try:
        for _ in range(6):
            with Client(node, make_token()) as client:
                client.ask(
                    "subscribe", symbols=[MOUTAI], types=["kline", "tick"], intervals=["1.5s", "1m"], since=since
                )
                until = client.get("resumed", 10)["seq"] + 20
                client.get("kline", 10, seq=until)
                heard = client.waiting
            ticks = [one["seq"] for one in heard if one["type"] == "tick"]
            bars = [one["seq"] for one in heard if one["type"] == "kline" and "interval" not in one]
            formed = [one["seq"] for one in heard if one["type"] == "kline" and one.get("final") is False]
            assert ticks == list(range(2, 2 + len(ticks)))
            assert bars == list(range(since + 1, since + 1 + len(bars)))
            # Where nothing had moved yet, how the minute stood is told first.
            assert formed == list(range(formed[0], formed[0] + len(formed)))
            assert formed[0] - since in (0, 1)
            assert min(map(len, (ticks, bars, formed))) >= until - since - 2
    finally:
        over.set()
        mover.join()


def test_what_is_told_between_windows_joins_the_replay_without_a_gap_or_a_double(node, told):
    """Trades come at any time; the replay hands over in the middle of a window that is not closed yet."""
    since = told.write((MOUTAI, *BAR))
    first, over = told.number, threading.Event()

    def move() -> None:
        while not over.wait(0.003):
            told.number += 1
            price = 100_000 + told.number
            trade = Print(MOUTAI, told.number, end_ms(told.cn.seqs["CN"] + 1) - 500, price, 100, price * 100, "B")
            told.cn.tell([trade])
            if told.number % 7 == 0:
                told.cn.write((MOUTAI, *BAR))

    mover = threading.Thread(target=move)
    mover.start()
    try:
        for _ in range(8):
            with Client(node, make_token()) as client:
                client.ask("subscribe", symbols=[MOUTAI], types=["kline", "tick"], since=since)
                client.get("resumed", 10)
                until = told.number + 20
                client.get("tick", 10, seq=until)
                ticks = [one["seq"] for one in client.waiting if one["type"] == "tick"]
                bars = [one["seq"] for one in client.waiting if one["type"] == "kline"]
            assert ticks == list(range(first + 1, until))
            assert bars == list(range(since + 1, since + 1 + len(bars)))
    finally:
        over.set()
        mover.join()


def test_what_was_told_since_the_last_window_is_replayed_too(node, told):
    since = told.write((MOUTAI, *BAR))
    told.number += 1
    trade = Print(MOUTAI, told.number, end_ms(since) + 10, 100_000, 100, 10_000_000, "B")
    with Client(node, make_token()) as witness:
        witness.ask("subscribe", symbols=[MOUTAI], types=["tick"])
        told.cn.tell([trade])
        witness.get("tick", seq=told.number)
    with Client(node, make_token()) as client:
        client.ask("subscribe", symbols=[MOUTAI], types=["tick"], since=since)
        resumed = client.get("resumed")
        replayed = [one["seq"] for one in client.waiting if one["type"] == "tick"]

    assert (replayed, resumed["seq"]) == ([told.number], since)


def test_what_a_dead_worker_told_before_a_window_that_never_came_is_replayed(node, told):
    since = told.write((MOUTAI, *BAR))
    told.number += 1
    trade = Print(MOUTAI, told.number, end_ms(since) + 10, 100_000, 100, 10_000_000, "B")
    told.cn.tell([trade])
    told.cn.write((MOUTAI, *BAR), skip=3)
    told.number += 1
    told.cn.tell([Print(MOUTAI, told.number, end_ms(since) + 10, 100_000, 100, 10_000_000, "B")])
    last = told.cn.write((MOUTAI, *BAR), skip=450)
    with Client(node, make_token()) as client:
        client.ask("subscribe", symbols=[MOUTAI], types=["tick"], since=since)
        resumed = client.get("resumed")
        replayed = [one["seq"] for one in client.waiting if one["type"] == "tick"]

    assert (replayed, resumed["seq"]) == ([told.number - 1, told.number], last)


def test_who_missed_nothing_hears_how_its_minute_stands_and_then_every_window_of_it(node, told):
    """Though no window is replayed, the bar goes on from where it stood, so its end is not lost either."""
    since = told.write((MOUTAI, *BAR))
    with Client(node, make_token()) as client:
        client.ask("subscribe", symbols=[MOUTAI], intervals=["1m"], since=since)
        assert client.get("resumed")["seq"] == since
        for _ in range(60):
            last = told.write((MOUTAI, *BAR))
        newest = client.get("kline", seq=last)
        heard = [*(one for one in client.waiting if one["type"] == "kline"), newest]

    assert [one["seq"] for one in heard if not one["final"]] == list(range(since, last + 1))
    assert [one["seq"] for one in heard if one["final"]] == [since + 39]
    assert heard[0]["data"]["volume"] == 100
