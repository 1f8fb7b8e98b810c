"""A worker takes an operator's changes of providers while it runs: connections come and go, the stream goes on."""

import json
import threading

import pytest

from kernel import clock, keyspace
from streaming.ingest.sources.live import pacing
from tests.streaming.ingest.conftest import wait_for
from tests.streaming.ingest.sources.live.emulators.pages import SinaPages, serving
from tests.streaming.ingest.sources.live.emulators.rows import Moment, sina_row
from tests.streaming.ingest.sources.live.playing import Day

pytestmark = pytest.mark.whole


def connections(store) -> dict[str, dict[str, str]]:
    lines = json.loads(store._client.hget(keyspace.feed_state("CN"), "lines") or b"[]")
    return {line["name"]: line.get("connection", {}) for line in lines}


def threads() -> int:
    return sum(thread.name.startswith("line CN line") for thread in threading.enumerate())


def choose(store, **sources: str) -> None:
    lines = [{"name": name, "source": source} for name, source in sources.items()]
    store._client.set(keyspace.feed_setting("CN"), json.dumps({"feed": "live", "lines": lines}))


def test_a_lines_source_is_changed_added_and_taken_away_and_the_epoch_stays(clean_lane, worker, monkeypatch, settings):
    day, store, pages = Day(speed=1), clean_lane("CN"), SinaPages()
    monkeypatch.setattr(clock, "now_ms", day.now_ms)
    pacing.bucket_of.cache_clear()
    pages.rows["sh600519"] = sina_row(Moment(100_000, clock=day.clock()))
    with serving(pages) as url:
        quick = {"url": url, "symbols": ("600519.SH",), "seconds": 0.1, "per_minute": 6_000}
        settings.PROVIDERS = {**settings.PROVIDERS, "sina": {**settings.PROVIDERS["sina"], **quick}}
        choose(store, a="push")
        running = worker(store)
        wait_for(lambda: store.epoch() and connections(store) == {"a": {}})
        epoch = store.epoch()

        choose(store, a="sina")  # the same name, another source
        wait_for(lambda: connections(store).get("a", {}).get("state") == "live")
        wait_for(lambda: "600519.SH" in store.newest())
        pages.rows["sh600519"] = sina_row(Moment(100_400, clock=day.clock()))
        wait_for(lambda: store.newest()["600519.SH"].volume == 400)

        choose(store, a="sina", b="sina", c="itick")
        wait_for(lambda: connections(store).get("b", {}).get("state") == "live")
        wait_for(lambda: "TICKPACK_ITICK_KEY" in connections(store).get("c", {}).get("problem", ""))
        assert threads() == 2

        choose(store, b="sina")
        wait_for(lambda: set(connections(store)) == {"b"} and threads() == 1)
        assert store.epoch() == epoch

        running.end()
        assert threads() == 0
