"""Health, stored subscriptions and what they show over HTTP."""

import uuid

import pytest

from tests.streaming.conftest import (
    wait_for,
)
from tests.streaming.rt_receiver.conftest import Theirs, theirs
from tests.streaming.test_socket import Client

pytestmark = pytest.mark.whole


def test_health_and_stats_have_their_keys_and_our_values(receiver):
    health = receiver.http.get("/health").json()
    assert set(health) == {"status", "timestamp"}
    assert health["status"] == "ok"
    with Theirs(receiver, theirs()) as socket:
        socket.ask("subscribe", symbols=["600519.SH", "000001.SZ"])
        stats = wait_for(lambda: (got := receiver.http.get("/stats").json())["subscription_rows"] >= 2 and got)
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
    wait_for(lambda: receiver.ask("/latest?ts_code=600050.SH", token).json().get("count") == 1)
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


def test_latest_takes_a_limit_that_is_no_number_and_a_market_that_it_does_not_know(receiver):
    token = theirs()

    assert receiver.ask("/latest?limit=x", token).status_code == 200
    assert receiver.ask("/latest?market=us", token).json() == {"count": 0, "data": []}


def test_a_mode_that_is_no_word_leaves_what_is_stored(receiver):
    token = theirs()
    receiver.ask("/subscription/sync", token, mode="replace", symbols=["600519.SH"])

    refused = receiver.ask("/subscription/sync", token, mode={}, symbols=["000001.SZ"])

    assert (refused.status_code, refused.json()["message"]) == (400, "mode must be replace, add, or remove")
    assert receiver.ask("/subscription/list", token).json()["subscribed_symbols"] == ["600519.SH"]
