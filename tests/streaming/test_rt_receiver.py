"""The newer HTTP node of seed 0 on a running node: its nine defects (protocols.md 0.3), its REST, and what is pushed.

The market is the feed `push`: what these tests push over HTTP goes through a real ingest lane to real sockets.
"""

import gzip
import json
import os
import sys
import threading
import time
import urllib.parse
import uuid
from collections.abc import Iterator

import httpx
import jwt
import pytest
import redis
from cryptography.hazmat.primitives.asymmetric import rsa
from jsonschema import Draft202012Validator
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from config.embedded.children import free_port
from kernel import clock, keyspace
from streaming.domain.calendar import exchange_day
from streaming.ingest.lane import run_lane
from streaming.store.connection import redis_sync
from streaming.store.lanes import LaneStore
from streaming.wire.describe import descriptions
from tests.streaming.conftest import (
    FOREIGN_KEY,
    GROUP,
    ISSUER,
    ServedNode,
    jwks,
    make_scope,
    make_token,
    serve,
    wait_for,
)
from tests.streaming.test_socket import Client

pytestmark = pytest.mark.whole
PUSH, POLICY = "push-token-of-the-test", "policy-token-of-the-test"
RSA, RSA_KID = rsa.generate_private_key(65537, 2048), "rsa-key"
PAGE = "https://panel.example"
BASE = "/api/v1/rt-kline"


def theirs(lives_s: float = 3600, *, key=RSA, drop=(), scope=None, **change) -> str:
    """Return a token of their shape, with the claims that ours adds and without steps."""
    now = int(time.time())
    inner = {"type": "realtime_stock", "markets": ["CN", "HK"], "levels": ["L1"], "symbols": {"mode": "all", "list": []}, "quota": {"max_subs": 5}}  # fmt: skip
    claims = {"iss": ISSUER, "sub": uuid.uuid4().hex, "aud": GROUP, "jti": uuid.uuid4().hex, "iat": now - 600, "nbf": now - 600,
              "exp": int(now + lives_s), "rev": 1, "node_id": "n1", "scope": inner | (scope or {})} | change  # fmt: skip
    claims = {name: value for name, value in claims.items() if name not in drop}
    return jwt.encode(claims, key, algorithm="RS256", headers={"kid": RSA_KID, "typ": "rt+jwt"})


class Receiver(ServedNode):
    """The node, a client for its HTTP, and what a provider pushes to it."""

    def __init__(self, base: str, store: redis.Redis) -> None:
        super().__init__(int(base.rpartition(":")[2]))
        self.store, self.http = store, httpx.Client(base_url=base, timeout=10)
        self.versions = int(time.time() * 1000)

    def ask(self, path: str, token: str | None = None, **body) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return (
            self.http.post(BASE + path, headers=headers, json=body)
            if body
            else self.http.get(BASE + path, headers=headers)
        )

    def tick(self, code: str, price: float, volume: int, *, version: str = "", **more) -> dict:
        self.versions += 1
        day = f"{exchange_day(clock.now_ms()):%Y%m%d}"
        tick = {"ts_code": code, "name": "", "pre_close": 10.0, "open": 10.0, "high": max(10.0, price), "low": min(10.0, price), "close": price,
                "vol": volume, "amount": volume * price, "trade_date": day, "bid": price, "ask": price + 0.01, "bid_volume1": 300, "ask_volume1": 200}  # fmt: skip
        return {
            "stream_id": f"{self.versions}-0",
            "ts_code": code,
            "version": version or str(self.versions),
            "shard_id": self.versions % 7,
            "tick": tick | more,
        }

    def push(
        self, *items: dict, market: str = "a_stock", seq: int = 900001, packed: bool = False, **change
    ) -> httpx.Response:
        body = {"schema_version": "v2", "mode": "raw_tick_batch", "batch_seq": seq, "event_time": "", "market": market, "source_api": "rt_k",
                "count": len(items), "first_stream_id": "", "last_stream_id": "", "items": list(items)} | change  # fmt: skip
        raw, headers = (
            json.dumps(body).encode(),
            {"Authorization": f"Bearer {PUSH}", "Content-Type": "application/json"},
        )
        if packed:
            raw, headers = gzip.compress(raw), headers | {"Content-Encoding": "gzip"}
        return self.http.post(f"{BASE}/push", content=raw, headers=headers)


@pytest.fixture(scope="module")
def receiver(tmp_path_factory) -> Iterator[Receiver]:
    url = os.environ["REDIS_URL"].rsplit("/", 1)[0] + "/8"
    tmp, port, stop = tmp_path_factory.mktemp("receiver"), free_port(), threading.Event()
    entry = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(RSA.public_key())) | {"kid": RSA_KID, "alg": "RS256"}
    (tmp / "both.json").write_text(json.dumps({"keys": [*jwks()["keys"], entry]}))
    env = {"REDIS_URL": url, "TOKEN_JWKS": str(tmp / "both.json"), "TICKPACK_PUSH_TOKEN": PUSH, "TICKPACK_POLICY_TOKEN": POLICY, "TICKPACK_STREAM_ORIGINS": PAGE}  # fmt: skip
    with redis.Redis.from_url(url) as store:
        store.flushdb()
        for lane in ("CN", "HK"):
            store.set(keyspace.feed_setting(lane), json.dumps({"feed": "push"}))
        lanes = [
            threading.Thread(target=run_lane, args=(LaneStore(redis_sync(url), lane), stop)) for lane in ("CN", "HK")
        ]
        for thread in lanes:
            thread.start()
        try:
            argv = [sys.executable, "manage.py", "serve", "--port", str(port)]
            for served in serve("receiver", argv, port, tmp, **env):
                wait_for(lambda: store.exists(keyspace.epoch("CN")) and store.exists(keyspace.epoch("HK")))
                found = Receiver(served.base, store)
                yield found
                found.http.close()
        finally:
            stop.set()
            for thread in lanes:
                thread.join(10)


class Theirs(Client):
    """A socket on /ws."""

    def __init__(self, receiver: Receiver, token: str, **more) -> None:
        self._connecting = connect(
            f"{receiver.base.replace('http', 'ws')}/ws?token={urllib.parse.quote(token)}", max_size=None, **more
        )
        self.waiting = []

    def ask(self, action: str, **more) -> dict:
        self.send({"action": action, **more})
        answers = {"subscribe": "subscribed", "unsubscribe": "unsubscribed", "list": "subscription_list"}
        return self.get(answers.get(action, action))


def refused(receiver: Receiver, token: str, **more) -> tuple[int, str]:
    with pytest.raises(InvalidStatus) as caught, Theirs(receiver, token, **more):
        pass
    answer = caught.value.response
    return answer.status_code, json.loads(answer.body)["message"]


SUCCESSORS: list[tuple[threading.Event, threading.Thread]] = []


def run_until(store: LaneStore, stop: threading.Event) -> None:
    while not stop.is_set():
        run_lane(store, stop)
        stop.wait(0.2)


@pytest.fixture(scope="module", autouse=True)
def _successors_end() -> Iterator[None]:
    yield
    for stop, thread in SUCCESSORS:
        stop.set()
        thread.join(10)


# -- the nine defects, protocols.md 0.3 --------------------------------------------------------------------------------


def test_defect_1_who_has_no_good_token_gets_401_before_the_upgrade(receiver):
    assert refused(receiver, "") == (401, "missing token")
    assert refused(receiver, "garbage")[0] == 401
    assert refused(receiver, theirs(-100)) == (401, "token expired")
    assert refused(receiver, make_token(key=FOREIGN_KEY))[0] == 401


def test_defect_1_a_socket_that_subscribes_nothing_gets_nothing(receiver):
    with Theirs(receiver, theirs()) as socket:
        receiver.push(receiver.tick("600000.SH", 10.5, 100))

        socket.none("tick", seconds=2.5)


def test_defect_2_quota_and_markets_hold_on_the_socket(receiver):
    token = theirs(scope={"markets": ["CN"], "quota": {"max_subs": 2}})
    with Theirs(receiver, token) as socket:
        told = socket.ask("subscribe", symbols=["00700.HK", "600519.SH", "000001.SZ", "601318.SH", "600036.SH"])

        assert told["added"] == ["600519.SH", "000001.SZ"]
        assert {row["symbol"]: row["reason"] for row in told["rejected_symbols"]} == {
            "00700.HK": "market_not_allowed", "601318.SH": "quota_exceeded", "600036.SH": "quota_exceeded",
        }  # fmt: skip
        listed = receiver.ask("/subscription/list", token).json()
        assert (listed["subscribed_symbols"], listed["max_subs"]) == (["600519.SH", "000001.SZ"], 2)


def test_defect_3_a_socket_ends_when_its_token_does(receiver):
    with Theirs(receiver, theirs(2)) as socket:
        assert socket.closed_with(6) == 4401


def test_defect_3_a_renewal_in_the_store_does_not_outlive_the_token(receiver):
    customer = uuid.uuid4().hex
    renewed = make_scope(customer, rev=9)
    receiver.store.set(keyspace.entitlement(customer, GROUP), json.dumps(renewed.as_json()))
    with Theirs(receiver, theirs(-3, sub=customer)) as socket:  # five seconds of leeway
        assert socket.closed_with(6) == 4401


def test_defect_3_issuer_audience_and_jti_count_and_a_revoked_token_is_refused(receiver):
    for token in (theirs(iss="evil"), theirs(aud="another"), theirs(drop=("jti",)), theirs(drop=("exp",))):
        assert refused(receiver, token)[0] == 401
    receiver.store.set(keyspace.revoked("j-revoked"), "1", ex=60)
    assert refused(receiver, theirs(jti="j-revoked"))[0] == 401


def test_defect_4_a_token_of_another_scope_type_is_refused(receiver):
    for scope in (
        {"type": "mcp_query"},
        {"type": ""},
        {"type": "mcp_query", "quota": {"total": 9, "used": 0, "remaining": 9}},
    ):
        assert refused(receiver, theirs(scope=scope))[0] == 401
        assert receiver.ask("/subscription/list", theirs(scope=scope)).status_code == 401


def test_defect_5_the_same_batch_twice_reaches_clients_once(receiver):
    first, second = receiver.tick("600010.SH", 10.5, 100), receiver.tick("600010.SH", 10.6, 300)
    with Theirs(receiver, theirs()) as socket:
        socket.ask("subscribe", symbols=["600010.SH"])
        for _ in range(3):  # a sender that never hears our answer
            assert receiver.push(first).json()["accepted_count"] == 1
        assert receiver.push(first | {"stream_id": "1-0", "shard_id": 99}, seq=1).status_code == 200

        tick = socket.get("tick")
        assert (tick["close"], tick["vol"]) == (10.5, 100)
        socket.none("tick", seconds=2.5)

        receiver.push(second, seq=1)  # their sequence begins again with every start
        after = socket.get("tick")
        assert (after["close"], after["vol"]) == (10.6, 300)
        assert after["batch_seq"] == tick["batch_seq"] + 1  # a gap would show


def test_defect_6_what_was_missed_can_be_had_from_the_window(receiver):
    with Client(receiver, make_token()) as socket:
        socket.ask("subscribe", symbols=["600016.SH"])
        receiver.push(receiver.tick("600016.SH", 10.1, 100))
        begun = socket.get("kline", symbol="600016.SH")["seq"]
    receiver.push(receiver.tick("600016.SH", 10.2, 300))
    time.sleep(2)

    with Client(receiver, make_token()) as socket:
        told = socket.ask("subscribe", symbols=["600016.SH"], since={"CN": begun})

        assert told["resume"]["CN"]["recovered"] is True
        bar = socket.get("kline", symbol="600016.SH")
        assert (bar["data"]["close"], bar["data"]["volume"]) == (10.2, 200)
    epoch = receiver.store.get(keyspace.epoch("CN")).decode()
    assert receiver.store.ttl(keyspace.stream("CN", epoch)) == -1  # nothing wipes it at 09:00


def test_defect_7_history_holds_minutes_and_each_once(history_server):
    from streaming.domain.minutes import MinuteBar
    from streaming.history.minutes import _client, insert_minutes, read_minutes

    opened_ms = 1_675_215_000_000
    for version, close in ((1, 105_000), (2, 106_000), (2, 106_000)):
        insert_minutes(
            [MinuteBar("600018.SH", opened_ms, 100_000, 106_000, 100_000, close, 500, 52_000_000)], version=version
        )

    read = read_minutes("600018.SH", opened_ms, opened_ms + 60_000, 10)
    assert [(bar.opened_ms, bar.close_e4, bar.volume) for bar in read] == [(opened_ms, 106_000, 500)]
    keys = _client().query("SELECT sorting_key FROM system.tables WHERE engine LIKE 'Replacing%'").result_rows
    assert keys
    assert all("version" not in key for (key,) in keys)


def test_defect_8_latest_wants_a_token_and_pages_of_foreign_origins_are_refused(receiver):
    assert receiver.ask("/latest").json() == {"code": 401, "message": "missing token", "status": "error"}
    assert refused(receiver, theirs(), origin="https://evil.example")[0] == 403
    with Theirs(receiver, theirs(), origin=PAGE) as socket:
        assert socket.welcome["user_id"]


def test_defect_9_there_is_no_bulk_to_fall_back_to(receiver):
    token = theirs(scope={"markets": ["HK"]})
    receiver.push(receiver.tick("600022.SH", 10.5, 100))
    receiver.push(receiver.tick("00005.HK", 60.5, 100), market="hk")
    wait_for(lambda: receiver.ask("/latest?ts_code=00005.HK", token).json()["count"] == 1)

    assert receiver.ask("/latest?limit=5000").status_code == 401  # without a token there is nothing at all
    bulk = receiver.ask("/latest?limit=5000", token).json()
    assert {row["market"] for row in bulk["data"]} == {"hk"}  # and with one no more than the plan has
    # Nothing of it is remembered: after a failure the same request is answered again.
    assert receiver.ask("/subscription/latest", "garbage").status_code == 401
    assert receiver.ask("/subscription/latest", token).json()["status"] == "ok"


# -- REST --------------------------------------------------------------------------------------------------------------


def test_health_and_stats_have_their_keys_and_our_values(receiver):
    health = receiver.http.get("/health").json()
    assert set(health) == {"status", "timestamp"}
    assert health["status"] == "ok"
    with Theirs(receiver, theirs()) as socket:
        socket.ask("subscribe", symbols=["600519.SH", "000001.SZ"])
        time.sleep(1.1)
        stats = receiver.http.get("/stats").json()
    assert set(stats) == {
        "daily_cleanup_timezone", "daily_cleanup_trigger_hour", "flush_interval_seconds", "last_daily_cleanup_date",
        "last_flush_at", "last_flush_items", "latest_counts", "offset_files", "policy_count", "subscription_rows",
        "subscription_users", "ws_clients",
    }  # fmt: skip
    assert stats["ws_clients"] >= 1
    assert stats["subscription_users"] >= 1
    assert stats["subscription_rows"] >= 2


def test_sync_answers_as_the_capture_has_it(receiver):
    token = theirs(sub=(customer := uuid.uuid4().hex), scope={"quota": {"max_subs": 2}})

    told = receiver.ask(
        "/subscription/sync", token, mode="replace", symbols=["000001.SZ", "bad", "600519.SH", "00700.HK"]
    ).json()

    assert told == {
        "accepted_symbols": ["000001.SZ", "600519.SH"], "code": 0, "current_subscriptions": 2, "max_subs": 2, "mode": "replace",
        "rejected_symbols": [{"reason": "invalid symbol: bad", "symbol": "bad"}, {"reason": "quota_exceeded", "symbol": "00700.HK"}],
        "revision": 1, "status": "ok", "user_id": customer,
    }  # fmt: skip
    assert receiver.ask("/subscription/sync", token, mode="remove", symbols=["000001.SZ", "600036.SH"]).json() == told | {
        "accepted_symbols": ["600519.SH"], "current_subscriptions": 1, "mode": "remove",
        "rejected_symbols": [{"reason": "not_subscribed", "symbol": "600036.SH"}],
    }  # fmt: skip
    added = receiver.ask("/subscription/sync", token, mode="add", symbols=["700.HK"]).json()
    assert added["accepted_symbols"] == ["600519.SH", "00700.HK"]
    assert receiver.ask("/subscription/list", token).json() == {
        "code": 0, "current_subscriptions": 2, "max_subs": 2, "rejected_symbols": [], "revision": 1, "status": "ok",
        "stored_count": 2, "subscribed_symbols": ["600519.SH", "00700.HK"], "user_id": customer,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"mode": "merge", "symbols": []}, "mode must be replace, add, or remove"),
        ({"mode": "add", "symbols": "600519.SH"}, "symbols must be an array"),
    ],
)
def test_a_wrong_sync_is_refused_with_their_text(receiver, body, message):
    answer = receiver.ask("/subscription/sync", theirs(), **body)

    assert (answer.status_code, answer.json()) == (400, {"code": 400, "message": message, "status": "error"})


def test_a_sync_without_a_good_token_is_refused_with_their_texts(receiver):
    body = {"mode": "add", "symbols": ["600519.SH"]}
    assert receiver.ask("/subscription/sync", None, **body).json()["message"] == "missing token"
    assert receiver.ask("/subscription/sync", theirs(-100), **body).json()["message"] == "token expired"
    assert receiver.ask("/subscription/sync", "x.y.z", **body).json()["message"].startswith("invalid token: ")


def test_open_sockets_follow_what_is_synced_and_new_ones_begin_with_it(receiver):
    token = theirs(sub=uuid.uuid4().hex)
    with Theirs(receiver, token) as socket:
        socket.ask("subscribe", symbols=["600519.SH"])
        receiver.ask("/subscription/sync", token, mode="replace", symbols=["000001.SZ", "00700.HK"])

        assert socket.get("unsubscribed")["removed"] == ["600519.SH"]
        assert socket.get("auto_subscribed")["symbols"] == ["000001.SZ", "00700.HK"]
        assert socket.ask("list")["symbols"] == ["000001.SZ", "00700.HK"]
    with Theirs(receiver, token) as again:
        assert again.get("auto_subscribed")["symbols"] == ["000001.SZ", "00700.HK"]


def test_what_is_restored_costs_the_quota_that_other_languages_share(receiver):
    token = theirs(sub=uuid.uuid4().hex, scope={"quota": {"max_subs": 2}})
    receiver.ask("/subscription/sync", token, mode="replace", symbols=["600519.SH", "000001.SZ"])
    with Client(receiver, token) as native:
        native.ask("subscribe", symbols=["600036.SH"])
        with Theirs(receiver, token) as socket:
            restored = socket.get("auto_subscribed")

            assert restored["symbols"] == ["600519.SH"]
            assert restored["rejected_symbols"] == [{"reason": "quota_exceeded", "symbol": "000001.SZ"}]


def test_subscription_latest_shows_what_is_stored_and_says_what_is_missing(receiver):
    token = theirs(sub=uuid.uuid4().hex)
    receiver.push(receiver.tick("600050.SH", 10.5, 700))
    wait_for(lambda: receiver.ask("/latest?ts_code=600050.SH", token).json()["count"] == 1)
    receiver.ask("/subscription/sync", token, mode="replace", symbols=["600050.SH", "600999.SH"])

    told = receiver.ask("/subscription/latest?symbols=600050.SH,600999.SH,000001.SZ", token).json()

    assert (told["registered_symbols"], told["accepted_symbols"]) == (
        ["600050.SH", "600999.SH"],
        ["600050.SH", "600999.SH"],
    )
    assert (told["missing"], told["count"], told["step_seconds"]) == (["600999.SH"], 1, 3)
    assert told["rejected_symbols"] == [{"reason": "not_subscribed", "symbol": "000001.SZ"}]
    (row,) = told["data"]
    assert (row["ts_code"], row["market"], row["close"], row["vol"], row["pre_close"], row["pct_chg"]) == (
        "600050.SH",
        "a_stock",
        10.5,
        700,
        10.0,
        5.0,
    )


# -- policies ----------------------------------------------------------------------------------------------------------


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
    assert apply(receiver, {"user_id": 5}).status_code == 400


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


# -- pushes ------------------------------------------------------------------------------------------------------------


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
        receiver.push(receiver.tick("600085.SH", 9.9, 9_000_000, trade_date="20200102"))
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
