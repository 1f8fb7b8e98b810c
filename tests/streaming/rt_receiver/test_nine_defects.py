"""None of the nine defects of the newer HTTP node (the rt-receiver's pages) is ours."""

import json
import uuid

import pytest

from kernel import keyspace
from tests.streaming.conftest import (
    FOREIGN_KEY,
    GROUP,
    make_scope,
    make_token,
    wait_for,
)
from tests.streaming.rt_receiver.conftest import PAGE, Theirs, refused, theirs
from tests.streaming.test_socket import Client

pytestmark = pytest.mark.whole


def test_defect_1_who_has_no_good_token_gets_401_before_the_upgrade(receiver):
    assert refused(receiver, "") == (401, "missing token")
    assert refused(receiver, "garbage")[0] == 401
    assert refused(receiver, theirs(-100)) == (401, "token expired")
    assert refused(receiver, make_token(key=FOREIGN_KEY))[0] == 401


def test_defect_1_a_socket_that_subscribes_nothing_gets_nothing(receiver):
    with Theirs(receiver, theirs()) as socket, Theirs(receiver, theirs()) as follower:
        follower.ask("subscribe", symbols=["600000.SH"])
        receiver.push(receiver.tick("600000.SH", 10.5, 100))
        assert follower.get("tick", seconds=15)["close"] == 10.5  # the market has moved

        socket.ask("list")  # what comes behind whatever was sent with that tick

        assert [message for message in socket.waiting if message["type"] == "tick"] == []


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
    with Client(receiver, make_token()) as witness:
        witness.ask("subscribe", symbols=["600016.SH"])
        with Client(receiver, make_token()) as socket:
            socket.ask("subscribe", symbols=["600016.SH"])
            receiver.push(receiver.tick("600016.SH", 10.1, 100))
            begun = socket.get("kline", symbol="600016.SH")["seq"]
        receiver.push(receiver.tick("600016.SH", 10.2, 300))
        while witness.get("kline", 15.0, symbol="600016.SH")["data"]["close"] != 10.2:
            pass  # it is in the window once somebody has heard it

    with Client(receiver, make_token()) as socket:
        told = socket.ask("subscribe", symbols=["600016.SH"], since={"CN": begun})

        assert told["resume"]["CN"]["recovered"] is True
        bar = socket.get("kline", symbol="600016.SH")
        assert (bar["data"]["close"], bar["data"]["volume"]) == (10.2, 200)
    epoch = receiver.store.get(keyspace.epoch("CN")).decode()
    assert receiver.store.ttl(keyspace.stream("CN", epoch)) == -1  # nothing wipes it at 09:00


def test_defect_7_history_holds_minutes_and_each_once(history_server):
    from streaming.domain.minutes import MinuteBar
    from streaming.history.connection import _client
    from streaming.history.minutes import insert_minutes
    from tests.streaming.references import stored_minutes

    opened_ms = 1_675_215_000_000
    for version, close in ((1, 105_000), (2, 106_000), (2, 106_000)):
        insert_minutes(
            [MinuteBar("600018.SH", opened_ms, 100_000, 106_000, 100_000, close, 500, 52_000_000)], version=version
        )

    read = stored_minutes("600018.SH", opened_ms, opened_ms + 60_000)
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
    receiver.ask("/subscription/sync", token, mode="add", symbols=["00005.HK"])
    bulk = receiver.ask("/latest?limit=5000", token).json()
    assert {row["market"] for row in bulk["data"]} == {"hk"}  # and with one no more than was stored
    # Nothing of it is remembered: after a failure the same request is answered again.
    assert receiver.ask("/subscription/latest", "garbage").status_code == 401
    assert receiver.ask("/subscription/latest", token).json()["status"] == "ok"
