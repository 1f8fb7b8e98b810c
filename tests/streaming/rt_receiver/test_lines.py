"""Two senders push one market for two lines: each share once, and who leads is told, reported and changed by hand."""

import json
from collections.abc import Iterator

import pytest

from kernel import keyspace
from tests.streaming.conftest import GROUP, make_token, wait_for
from tests.streaming.rt_receiver.conftest import Receiver
from tests.streaming.test_socket import Client

pytestmark = pytest.mark.whole
A = {"name": "a", "source": "push", "rank": 1, "weight": 1, "mode": "auto"}
B = {**A, "name": "b", "rank": 2}


def choose(receiver: Receiver, *lines: dict) -> None:
    receiver.store.set(keyspace.feed_setting("CN"), json.dumps({"feed": "live", "lines": list(lines)}))


def standing(receiver: Receiver) -> dict[str, dict]:
    told = receiver.store.hget(keyspace.feed_state("CN"), "lines")
    return {line["name"]: line for line in json.loads(told or "[]")}


@pytest.fixture
def two_lines(receiver) -> Iterator[Receiver]:
    before = receiver.store.get(keyspace.feed_setting("CN"))
    for total in (5_000, 5_400):  # a line that is gone has no share of what is told first
        receiver.push(receiver.tick("600036.SH", 10.2, total), line="push")
    wait_for(lambda: standing(receiver).get("push", {}).get("first"))
    choose(receiver, A, B)
    wait_for(lambda: set(standing(receiver)) == {"a", "b"})
    yield receiver
    receiver.store.set(keyspace.feed_setting("CN"), before)
    wait_for(lambda: set(standing(receiver)) == {"push"})


def test_two_senders_count_once_and_the_stream_goes_on(two_lines):
    receiver, symbol = two_lines, "600028.SH"
    epoch = receiver.store.get(keyspace.epoch("CN"))
    with Client(receiver, make_token()) as socket:
        socket.ask("subscribe", symbols=[symbol], types=["kline", "quote"])
        receiver.push(receiver.tick(symbol, 10.2, 5_000), line="a")
        assert socket.get("kline", symbol=symbol)["data"]["volume"] == 0  # traded before we listened
        version = receiver.tick(symbol, 10.3, 5_400)
        assert receiver.push(version, line="a").json()["accepted_count"] == 1
        receiver.push(version, line="b")  # of one version: each line has versions of its own
        receiver.push(receiver.tick(symbol, 10.4, 5_900), line="b")
        socket.get("quote", symbol=symbol)
        wait_for(lambda: standing(receiver)["b"]["first"])
        receiver.push(receiver.tick(symbol, 10.4, 5_900), line="a")
        total = 0
        while total < 900:
            total += socket.get("kline", symbol=symbol)["data"]["volume"]
        assert total == 900
    assert receiver.store.get(keyspace.epoch("CN")) == epoch
    wait_for(lambda: standing(receiver)["b"]["symbols"] == 1)
    told = standing(receiver)
    assert told["a"]["state"] == "leading"
    assert told["a"]["first"] > 0 < told["b"]["first"]
    assert told["a"]["first"] + told["b"]["first"] == pytest.approx(1), "shares, as the admin shows them"


@pytest.mark.parametrize("line", ["", "nonsense"])
def test_a_push_that_no_line_takes_names_those_that_there_are(two_lines, line):
    told = two_lines.push(two_lines.tick("600028.SH", 10.2, 100), line=line).json()
    assert (told["accepted_count"], told["rejected_count"]) == (0, 1)
    (row,) = told["rejected_items"]
    assert row["reason"] == "no_market"
    assert row["message"].endswith("name one with ?line=, of a, b")


def test_a_line_that_is_drained_by_hand_gives_the_lead_at_once_and_that_is_told_and_reported(two_lines):
    receiver, symbol = two_lines, "601818.SH"
    reports = keyspace.reports(GROUP)
    last = (receiver.store.xrevrange(reports, count=1) or [(b"0-0", {})])[0][0]
    with Client(receiver, make_token()) as socket:
        socket.ask("subscribe", symbols=[symbol], types=["kline", "quote"])
        for line in ("a", "b"):
            receiver.push(receiver.tick(symbol, 10.2, 5_000), line=line)
        socket.get("quote", symbol=symbol)
        choose(receiver, {**A, "mode": "drain"}, B)
        assert socket.get("status", market="CN", line="b", seconds=6)["state"]
        receiver.push(receiver.tick(symbol, 10.3, 9_000), line="a")
        receiver.push(receiver.tick(symbol, 10.3, 5_300), line="b")
        assert socket.get("quote", symbol=symbol, seconds=4)["data"]["volume"] in (5_000, 5_300)
        wait_for(lambda: standing(receiver)["a"]["reasons"].get("standby"))
    told = [
        json.loads(fields[b"body"])
        for _, fields in receiver.store.xrange(reports, min=b"(" + last)
        if fields[b"kind"] == b"line_switch"
    ]
    assert {"market": "CN", "before": "a", "after": "b", "reason": "drained"}.items() <= told[-1].items()
