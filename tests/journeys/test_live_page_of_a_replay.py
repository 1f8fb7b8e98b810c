"""The live page while a recorded day is played, and played again: the chart goes back with the feed's clock."""

import json
from pathlib import Path

import pytest
import redis
from playwright.sync_api import expect

from kernel import keyspace
from tests.journeys.test_panel_pages import log_in
from tests.streaming.conftest import wait_for

pytestmark = [pytest.mark.whole, pytest.mark.data]
SYMBOL = "300274.SZ"


def test_the_chart_begins_anew_when_the_recording_does(start, open_page, market_data):
    folder = market_data / "replay-snap-sz-20220601"
    run, page = start("--feed", "replay", "--data", str(folder), "--speed", "300").wait(), open_page()
    base = run.facts["panel_url"]
    log_in(page, run, "buyer")
    page.evaluate("symbol => localStorage.setItem('tickpack-live-symbols', JSON.stringify([symbol]))", SYMBOL)
    page.goto(f"{base}/live/")
    clock = page.locator("#clock")
    expect(clock).to_contain_text("2022-06-01", timeout=15_000)
    later = wait_for(lambda: (at := clock.inner_text()) > "2022-06-01 09:45:00" and at, 30)

    environment = Path(f"/proc/{run.pid_of('web')}/environ").read_bytes().decode().split("\0")
    url = next(line for line in environment if line.startswith("REDIS_URL=")).removeprefix("REDIS_URL=")
    with redis.Redis.from_url(url) as store:
        again = {"feed": "replay", "data": str(folder), "speed": "300", "seed": 0, "run": 2**40}
        store.set(keyspace.feed_setting("CN"), json.dumps(again))

    assert wait_for(lambda: clock.inner_text() < later, 30)
    expect(page.locator("#notice")).to_contain_text(
        "Some bars of CN were missed"
    )  # a new epoch is never passed silently
    earlier = clock.inner_text()
    assert wait_for(
        lambda: clock.inner_text() > earlier, 15
    )  # and it goes on; open_page sees to it that no script failed
