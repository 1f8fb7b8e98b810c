"""`./dev up` on two days of 2027, of which the mainland has published nothing: New Year's Day, and the Monday after it."""

import json
import subprocess
import sys
import time
from contextlib import contextmanager

import httpx
import pytest
from websockets.sync.client import connect

from tests.journeys.conftest import ROOT
from tests.journeys.moved_clock import clock_set_to
from tests.journeys.test_up import _environment_of
from tests.streaming.conftest import wait_for

pytestmark = [pytest.mark.whole, pytest.mark.alone]
PUSH_TOKEN = "a-sender-of-the-test"
PUSH_FEEDS = """
from django.db import transaction
from nodes import announcements
from nodes.models import FeedSetting
with transaction.atomic():
    for lane in ("CN", "HK"):
        FeedSetting.objects.create(lane=lane, feed="live")
        announcements.feed_setting(lane=lane)
"""
MOUTAI, TENCENT = "600519.SH", "00700.HK"
SENT_AS = {MOUTAI: "a_stock", TENCENT: "hk"}


class Shop:
    """A run whose markets are fed by pushes."""

    def __init__(self, run) -> None:
        self.run, self.versions = run, 0
        self.http = httpx.Client(base_url=run.facts["panel_url"], timeout=60)
        self.environment = _environment_of(run.pid_of("web"))
        self.manage("shell", "-v", "0", "-c", PUSH_FEEDS)
        wait_for(lambda: all(self.lanes()[lane].get("feed") == "live" for lane in ("CN", "HK")), 90)

    def manage(self, *command: str, notice: str | None = None) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *command], cwd=ROOT, env=self.environment, input=notice,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def health(self) -> dict:
        return self.http.get("/healthz").json()

    def lanes(self) -> dict:
        return self.health()["lanes"]

    def markets(self) -> dict:
        return {name: (told["state"], told["presumed"]) for name, told in self.health()["markets"].items()}

    def asked(self, path: str) -> dict:
        answer = self.http.get(path, headers={"Authorization": f"Bearer {self.run.facts['token']}"})
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def push(self, symbol: str, volume: int) -> None:
        """Send one row; its price is 10 and its previous close 10, whatever was traded."""
        self.versions += 1
        now_s = self.health()["server_time_ms"] / 1000
        day = time.strftime("%Y%m%d", time.gmtime(now_s + 8 * 3600))
        tick = {
            "ts_code": symbol, "name": "", "pre_close": 10.0, "open": 10.0, "high": 10.0, "low": 10.0, "close": 10.0,
            "vol": volume, "amount": volume * 10.0, "trade_date": day, "bid": 10.0, "ask": 10.01,
            "bid_volume1": 300, "ask_volume1": 200,
        }  # fmt: skip
        item = {
            "stream_id": f"{self.versions}-0",
            "ts_code": symbol,
            "version": str(self.versions),
            "shard_id": 1,
            "tick": tick,
        }
        body = {
            "schema_version": "v2", "mode": "raw_tick_batch", "batch_seq": self.versions, "event_time": "",
            "market": SENT_AS[symbol], "source_api": "rt_k", "count": 1, "first_stream_id": "", "last_stream_id": "",
            "items": [item],
        }  # fmt: skip
        answer = self.http.post("/api/v1/rt-kline/push", json=body, headers={"Authorization": f"Bearer {PUSH_TOKEN}"})
        assert answer.status_code == 200, answer.text


@pytest.fixture
def shop_at(start):
    def begin(wall: str) -> Shop:
        environment = clock_set_to(wall) | {"TICKPACK_PUSH_TOKEN": PUSH_TOKEN}
        shops.append(Shop(start("--db", "sqlite", environment=environment).wait(300)))
        return shops[-1]

    shops: list[Shop] = []
    yield begin
    for shop in shops:
        shop.http.close()


@contextmanager
def open_stream(shop: Shop):
    """Yield a socket that follows one product of each market, and its greeting."""
    facts = shop.run.facts
    with connect(facts["ws_url"], additional_headers={"Authorization": f"Bearer {facts['token']}"}) as stream:
        welcome = json.loads(stream.recv(timeout=90))
        stream.send(json.dumps({"action": "subscribe", "symbols": [MOUTAI, TENCENT]}))
        yield stream, welcome


def heard(stream, seconds: float) -> list[dict]:
    """Return what comes within a time."""
    got, deadline = [], time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        try:
            got.append(json.loads(stream.recv(timeout=left)))
        except TimeoutError:
            break
    return got


def volumes(messages: list[dict], symbol: str) -> list[int]:
    return [one["data"]["volume"] for one in messages if one["type"] == "kline" and one["symbol"] == symbol]


def test_new_years_day_is_closed_though_nobody_has_published_it(shop_at):
    shop = shop_at("2027-01-01T09:29:50")
    wait_for(lambda: {shop.markets()[lane][0] for lane in ("CN", "HK")} == {"closed"}, 90)  # as the node sees them

    with open_stream(shop) as (stream, welcome):
        assert welcome["markets"] == {
            "CN": {"state": "closed", "until": "2027-01-04T01:15:00.000Z", "feed": "live"},
            "HK": {"state": "closed", "until": "2027-01-04T01:00:00.000Z", "feed": "live"},
        }
        shop.push(MOUTAI, 0)
        messages = heard(stream, 4)

    assert volumes(messages, MOUTAI) == volumes(messages, TENCENT) == []
    ready = shop.http.get("/readyz").json()
    assert ready["ready"] is True
    assert "CN are known until 2026-12-31, which is past" in ready["warnings"][0]


def test_the_first_monday_is_presumed_and_has_no_flats_before_something_moved(shop_at):
    shop = shop_at("2027-01-04T09:29:50")
    # No line has said anything: the mainland has no feed. Hong Kong's day is published, and is as ever.
    wait_for(lambda: shop.markets()["CN"] == ("no_feed", True) and not shop.markets()["HK"][1], 90)
    wait_for(lambda: shop.markets()["HK"] == ("open", False), 60)

    # Other languages' words for it: an ordinary day's, and which days are presumed where they have a place for that.
    assert shop.asked("/market/status?code=CN")["s"] == "OPEN"
    days = shop.asked("/v1/market/trade-days?market=CN")
    assert days["trade_days"][0] == days["presumed_trade_days"][0] == "20270104"

    with open_stream(shop) as (stream, welcome):
        assert welcome["markets"]["CN"] == {"state": "no_feed", "until": None, "presumed": True, "feed": "live"}
        assert "presumed" not in welcome["markets"]["HK"]

        # A line that tells what is known already is connected: the market is open, and nothing is told as flat.
        shop.push(MOUTAI, 0)
        shop.push(TENCENT, 0)
        wait_for(lambda: shop.markets()["CN"] == ("open", True), 10)
        quiet = heard(stream, 10)
        assert {one["presumed"] for one in quiet if one["type"] == "status" and one.get("market") == "CN"} == {True}
        assert volumes(quiet, MOUTAI) == []
        assert volumes(quiet, TENCENT)
        assert set(volumes(quiet, TENCENT)) == {0}

        shop.push(MOUTAI, 500)
        moved = heard(stream, 4)
        shop.push(MOUTAI, 800)  # a worker that took over in between takes the first total as where the day stands
        moved += heard(stream, 8)
    assert sum(volumes(moved, MOUTAI)) in (800, 300)
    assert 0 in volumes(moved, MOUTAI)
    assert shop.markets()["CN"] == ("open", True)

    # The notice comes: within a second the day is no longer presumed, at the node and in ingest.
    told = shop.manage(
        "import_calendar",
        "--yes",
        "--by",
        "Lin",
        notice="CN 2027-02-05..2027-02-11 closed Spring Festival\nCN 2027 published\n",
    )
    assert "known until 2026-12-31 -> 2027-12-31" in told
    wait_for(lambda: shop.markets()["CN"] == ("open", False), 10)
    assert "warnings" not in shop.http.get("/readyz").json()

    # A storm: the market closes at once where it had closed already by the override.
    shop.manage("import_calendar", "--yes", notice="HK 2027-01-04 opens 10:30 typhoon\n")
    wait_for(lambda: shop.markets()["HK"][0] in ("closed", "opening_auction"), 10)
