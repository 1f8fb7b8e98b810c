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
    page.goto(f"{base}/live/")
    page.keyboard.press("/")
    page.keyboard.insert_text(SYMBOL)
    expect(page.locator("#found [role=option]").first).to_be_visible(timeout=60_000)
    page.keyboard.press("Enter")
    page.keyboard.press("1")
    clock = page.get_by_test_id("legend").locator("span").first
    expect(clock).to_contain_text("2022-06-01", timeout=60_000)
    later = wait_for(lambda: (at := clock.inner_text()) > "2022-06-01 09:45:00" and at, 30)

    environment = Path(f"/proc/{run.pid_of('web')}/environ").read_bytes().decode().split("\0")
    url = next(line for line in environment if line.startswith("REDIS_URL=")).removeprefix("REDIS_URL=")
    with redis.Redis.from_url(url) as store:
        again = {"feed": "replay", "data": str(folder), "speed": "300", "seed": 0, "run": 2**40}
        store.set(keyspace.feed_setting("CN"), json.dumps(again))

    expect(page.locator("#notices")).to_contain_text(
        "Some bars of A-shares were missed", timeout=60_000
    )  # a new epoch is never passed silently
    assert wait_for(lambda: "2022" in clock.inner_text() and clock.inner_text() < later, 60)
    earlier = clock.inner_text()
    assert wait_for(
        lambda: clock.inner_text() > earlier, 60
    )  # and it goes on; open_page sees to it that no script failed
