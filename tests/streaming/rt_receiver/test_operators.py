"""What operators and providers send: policies and pushes."""

import gzip
import json
import os
import threading
import uuid

import httpx
import pytest
from jsonschema import Draft202012Validator
from websockets.sync.client import connect

from kernel import keyspace
from streaming.store.connection import redis_sync
from streaming.store.lanes import LaneStore
from streaming.wire.describe import descriptions
from tests.streaming.conftest import (
    make_token,
)
from tests.streaming.rt_receiver.conftest import (
    BASE,
    POLICY,
    PUSH,
    SUCCESSORS,
    Receiver,
    Theirs,
    run_until,
    theirs,
)
from tests.streaming.test_socket import Client

pytestmark = pytest.mark.whole


def apply(receiver: Receiver, *users: dict, token: str = POLICY) -> httpx.Response:
    return receiver.http.post(
        f"{BASE}/policies/apply",
        headers={"Authorization": f"Bearer {token}"} if token else {},
        json={"users": list(users)},
    )


def test_who_may_not_apply_policies_is_told_as_there(receiver):
    assert apply(receiver, token="wrong").json() == {"code": 403, "message": "invalid policy token", "status": "error"}
    missing = apply(receiver, token="")
    assert (missing.status_code, missing.json()["message"]) == (401, "missing Authorization header")
    assert receiver.http.post(
        f"{BASE}/policies/apply", headers={"Authorization": f"Bearer {POLICY}"}, json={"users": {}}
    ).json() == {"code": 400, "message": "users must be an array", "status": "error"}


def test_one_bad_user_of_a_batch_is_named_and_the_others_count(receiver):
    told = apply(receiver, {"user_id": 5, "max_subs": 1}, {"user_id": "u", "levels": ["L9"]}).json()

    assert (told["applied"], [(one["index"], one["user_id"]) for one in told["rejected"]]) == (1, [(1, "u")])


def test_a_policy_narrows_every_language_and_open_sockets_within_two_seconds(receiver):
    customer = uuid.uuid4().hex
    token = theirs(sub=customer)
    with Client(receiver, token) as native, Theirs(receiver, token) as socket:
        native.ask("subscribe", symbols=["600519.SH", "00700.HK"])
        socket.ask("subscribe", symbols=["000001.SZ"])
        policy = {
            "user_id": customer,
            "markets": ["CN"],
            "symbols": {"mode": "list", "list": ["600519.SH"]},
            "max_subs": 1,
            "revision": 5,
        }

        assert apply(receiver, policy).json() == {"applied": 1, "code": 0, "status": "ok"}

        assert native.get("quota_changed", seconds=2)["dropped"] == ["00700.HK"]
        assert "000001.SZ" in socket.get("error", seconds=2)["message"]
        told = native.ask("subscribe", symbols=["000001.SZ", "00700.HK"])
        assert [row["reason"] for row in told["rejected"]] == ["symbol_not_allowed", "market_not_allowed"]
        assert socket.ask("subscribe", symbols=["000001.SZ"])["rejected_symbols"][0]["reason"] == "symbol_not_allowed"
        assert receiver.ask("/subscription/list", token).json()["revision"] == 5
        refused_by_tickdb = receiver.http.get("/v1/market/stock-info?symbol=000001.SZ", headers={"X-API-Key": token})
        assert (refused_by_tickdb.status_code, refused_by_tickdb.json()["code"]) == (403, 1004)

        assert apply(receiver, policy | {"revision": 4}).json()["applied"] == 0  # an older one comes too late
        assert apply(receiver, {"user_id": customer, "revision": 6}).json()["applied"] == 1
        assert native.get("quota_changed", seconds=2)["max_subs"] == 5


def test_a_push_becomes_a_bar_and_a_quote_on_a_native_socket(receiver):
    with Client(receiver, make_token()) as socket:
        socket.ask("subscribe", symbols=["601988.SH"], types=["kline", "quote"])
        assert receiver.push(receiver.tick("601988.SH", 10.2, 5_000)).json() == {
            "accepted_count": 1, "ack_seq": 900001, "code": 0, "rejected_count": 0, "status": "ok",
        }  # fmt: skip
        first = socket.get("quote", symbol="601988.SH")["data"]
        assert (first["last"], first["volume"], first["prev_close"]) == (10.2, 5_000, 10.0)
        assert socket.get("kline", symbol="601988.SH")["data"]["volume"] == 0  # it was traded before we listened

        assert receiver.push(receiver.tick("601988.SH", 10.3, 5_400), packed=True).status_code == 200

        bar = socket.get("kline", symbol="601988.SH")["data"]
        assert (bar["close"], bar["volume"]) == (10.3, 400)
        assert socket.get("quote", symbol="601988.SH")["data"]["volume"] == 5_400


def test_a_restarted_lane_goes_on_without_a_loss_or_a_double(receiver):
    """Volume that was traded while nobody wrote the lane counts in the first bar after it."""
    symbol = "601398.SH"
    with Client(receiver, make_token()) as socket:
        socket.ask("subscribe", symbols=[symbol], types=["kline", "quote"])
        once = receiver.tick(symbol, 10.2, 1_000)
        receiver.push(once)
        socket.get("quote", symbol=symbol)
        socket.get("kline", symbol=symbol)
        receiver.store.delete(keyspace.lease("CN"))  # its holder stops; the next one takes over
        url = os.environ["REDIS_URL"].rsplit("/", 1)[0] + "/8"
        receiver.push(receiver.tick(symbol, 10.4, 1_600))
        receiver.push(once)  # a retry across the restart
        stop = threading.Event()
        successor = threading.Thread(target=run_until, args=(LaneStore(redis_sync(url), "CN"), stop))
        successor.start()
        try:
            bars = []
            while sum(bar["volume"] for bar in bars) < 600:
                bars.append(socket.get("kline", seconds=8, symbol=symbol)["data"])
            assert sum(bar["volume"] for bar in bars) == 600
            assert bars[-1]["close"] == 10.4
            socket.none("kline", seconds=2.5)
        finally:
            SUCCESSORS.append((stop, successor))


def test_a_push_that_cannot_be_taken_is_refused_as_there(receiver):
    one = receiver.tick("600519.SH", 10.5, 100)
    assert receiver.push(one, one, count=3).json() == {
        "accepted_count": 0, "ack_seq": 900001, "code": 400, "message": "count mismatch: declared 3, actual 2", "rejected_count": 3, "status": "error",
    }  # fmt: skip
    assert receiver.push(schema_version="v9").json()["message"] == "unsupported schema_version: v9, expected: [v2]"
    no_json = receiver.http.post(f"{BASE}/push", content=b"{", headers={"Authorization": f"Bearer {PUSH}"})
    assert (no_json.status_code, no_json.json()) == (
        400,
        {"accepted_count": 0, "ack_seq": 0, "code": 400, "rejected_count": 0, "status": "error"},
    )
    missing = receiver.http.post(f"{BASE}/push", content=b"{}")
    assert (missing.status_code, missing.json()) == (
        401,
        {"code": 401, "message": "missing Authorization header", "status": "error"},
    )
    wrong = receiver.http.post(f"{BASE}/push", content=b"{}", headers={"Authorization": "Bearer nope"})
    assert (wrong.status_code, wrong.json()["message"]) == (403, "invalid push token")
    user = receiver.http.post(f"{BASE}/push", content=b"{}", headers={"Authorization": f"Bearer {make_token()}"})
    assert user.status_code == 403  # who may listen may not tell


def test_a_gzip_bomb_is_refused_and_a_broken_gzip_too(receiver):
    headers = {"Authorization": f"Bearer {PUSH}", "Content-Encoding": "gzip"}
    bomb = gzip.compress(b"[" * 300_000_000, compresslevel=9)
    assert len(bomb) < 1_000_000

    assert receiver.http.post(f"{BASE}/push", content=bomb, headers=headers).status_code == 413
    assert receiver.http.post(f"{BASE}/push", content=bomb[:1000], headers=headers).status_code == 400
    assert receiver.http.post(f"{BASE}/push", content=b"nonsense", headers=headers).status_code == 400
    assert receiver.http.get("/health").status_code == 200


def test_a_tick_of_another_day_does_not_count(receiver):
    with Theirs(receiver, theirs()) as socket:
        socket.ask("subscribe", symbols=["600085.SH"])
        told = receiver.push(receiver.tick("600085.SH", 9.9, 9_000_000, trade_date="20200102")).json()
        assert (told["accepted_count"], told["rejected_count"]) == (0, 1)
        assert (told["rejected_items"][0]["reason"], told["rejected_items"][0]["ts_code"]) == (
            "another_day",
            "600085.SH",
        )
        receiver.push(receiver.tick("600085.SH", 10.1, 100))

        assert socket.get("tick")["vol"] == 100
        socket.none("tick", seconds=2)


def test_what_operators_are_answered_is_described(receiver):
    described = {one.path: one for one in descriptions()["rt_receiver"].rest.operations}
    one = receiver.tick("600519.SH", 10.5, 100)
    for path, good, bad in (
        ("push", receiver.push(one), receiver.push(one, count=9)),
        ("policies/apply", apply(receiver, {"user_id": "nobody"}), apply(receiver, token="wrong")),
    ):
        operation = described[f"api/v1/rt-kline/{path}"]
        assert Draft202012Validator(operation.answer).is_valid(good.json())
        assert bad.status_code in operation.refusals
        assert Draft202012Validator(descriptions()["rt_receiver"].rest.error).is_valid(bad.json())


def metric(receiver: Receiver, lane: str, outcome: str) -> float:
    wanted = f'tickpack_pushed_ticks_total{{lane="{lane}",outcome="{outcome}"}}'
    lines = receiver.http.get("/metrics").text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(wanted))


def test_a_push_that_no_market_takes_is_told_so_and_counted(receiver):
    setting = receiver.store.get(keyspace.feed_setting("HK"))
    before = metric(receiver, "HK", "no_market")
    receiver.store.set(keyspace.feed_setting("HK"), '{"feed":"none"}')
    try:
        told = receiver.push(receiver.tick("00005.HK", 60.5, 100), market="hk").json()
    finally:
        receiver.store.set(keyspace.feed_setting("HK"), setting)

    assert (told["status"], told["accepted_count"], told["rejected_count"]) == ("ok", 0, 1)
    assert told["rejected_items"] == [
        {
            "index": 0,
            "ts_code": "00005.HK",
            "reason": "no_market",
            "message": "no market takes it: the feed of HK is none",
        }
    ]
    assert metric(receiver, "HK", "no_market") == before + 1


def test_pushed_ticks_are_counted_by_what_became_of_them(receiver):
    one = receiver.tick("600519.SH", 10.5, 100)
    before = {outcome: metric(receiver, "CN", outcome) for outcome in ("accepted", "repeated", "malformed")}

    receiver.push(one)
    receiver.push(one, receiver.tick("600519.SH", 10.5, 100, close="x"))

    assert {outcome: metric(receiver, "CN", outcome) - count for outcome, count in before.items()} == {
        "accepted": 1, "repeated": 1, "malformed": 1,
    }  # fmt: skip


def test_a_body_of_millions_of_empty_rows_costs_no_memory(receiver):
    headers = {"Authorization": f"Bearer {PUSH}", "Content-Encoding": "gzip"}
    body = gzip.compress(b'{"items":[' + b"{}," * 10_000_000 + b"{}]}")

    refused = receiver.http.post(f"{BASE}/push", content=body, headers=headers)

    assert (refused.status_code, refused.json()["message"]) == (
        400,
        "too many values in one batch, at most 20000 items",
    )


def test_a_pushs_own_words_reach_sockets_snapshots_and_rest_with_one_version(receiver):
    said = {"name": "中行", "trade_time": "2026-03-09 09:31:02", "num": 812}
    token = theirs()
    with Theirs(receiver, token) as socket:
        socket.ask("subscribe", symbols=["601939.SH"])
        receiver.push(receiver.tick("601939.SH", 10.1, 100, **said))
        tick = socket.get("tick")
        (row,) = socket.ask("snapshot")["data"]
        (latest,) = receiver.ask("/latest?ts_code=601939.SH", token).json()["data"]

    for told in (tick, row, latest):
        assert {name: told[name] for name in said} == said
        assert type(told["version"]) is int
    assert tick["version"] == row["version"] == latest["version"]


def test_a_push_reaches_sockets_and_rest_at_once_and_the_bar_of_its_window_comes_behind_it(receiver):
    symbol, token = "601166.SH", make_token()
    receiver.push(receiver.tick(symbol, 10.0, 100))
    with Client(receiver, token) as client:
        client.ask("subscribe", symbols=[symbol], types=["kline", "quote", "tick"])
        numbers: list[int] = []
        for nth in range(1, 6):
            volume = 100 + nth * 10
            receiver.push(receiver.tick(symbol, 10.0 + nth / 100, volume))
            quote = client.get("quote")
            while quote["data"]["volume"] < volume:
                quote = client.get("quote")
            (latest,) = receiver.ask(f"/latest?ts_code={symbol}", token).json()["data"]
            trade = client.get("tick")
            assert (quote["data"]["last"], quote["data"]["volume"]) == (10.0 + nth / 100, volume)
            assert (latest["vol"], latest["close"]) == (volume, 10.0 + nth / 100), "REST is not behind the socket"
            assert trade["data"]["volume"] == 10
            numbers.append(trade["seq"])
            bars = [one for one in client.waiting if one["type"] == "kline" and one["data"]["volume"] > 0]
            assert sum(one["data"]["volume"] for one in bars) < volume - 100, "its window is open still"
            client.get("kline", seq=_bar_with(client, volume - 100))
    assert numbers == list(range(numbers[0], numbers[0] + 5))


def _bar_with(client: Client, volume: int) -> int:
    """Wait until the bars have come to a sum; return the number of the last one."""
    while True:
        moved = [one for one in client.waiting if one["type"] == "kline" and one["data"]["volume"] > 0]
        if sum(one["data"]["volume"] for one in moved) >= volume:
            last: int = moved[-1]["seq"]
            client.waiting.append(moved[-1])  # `get` takes one of the two
            return last
        client.waiting.append(json.loads(client.socket.recv(timeout=30)))


def test_a_halt_reaches_sockets_snapshots_rest_and_itick_in_the_window_of_its_push(receiver):
    symbol, token = "601628.SH", make_token()
    with (
        Client(receiver, token) as socket,
        connect(f"{receiver.base.replace('http', 'ws')}/stock?token={token}") as itick,
    ):
        itick.send('{"ac":"subscribe","params":"601628$SH","types":"quote"}')
        socket.ask("subscribe", symbols=[symbol], types=["kline", "quote"])

        receiver.push(receiver.tick(symbol, 10.1, 100, trade_status="停牌"))

        assert socket.get("status", symbol=symbol)["state"] == "suspended"
        assert itick_status(itick) == 1
        (row,) = socket.ask("snapshot")["data"]
        quote = receiver.http.get("/stock/quote?region=SH&code=601628", headers={"token": token}).json()["data"]
        assert (row["state"], quote["ts"]) == ("suspended", 1)

        receiver.push(receiver.tick(symbol, 10.2, 200, trade_status="trading"))

        assert socket.get("status", symbol=symbol)["state"] == "trading"
        assert itick_status(itick) == 0
        receiver.push(receiver.tick(symbol, 10.3, 300))
        assert socket.get("kline", symbol=symbol)["data"]["close"] in (10.1, 10.2, 10.3)


def itick_status(socket) -> int:
    """Return what the next quote says of its instrument."""
    while True:
        data = json.loads(socket.recv(timeout=30)).get("data", {})
        if data.get("type") == "quote":
            return data["ts"]
