"""`./dev bench terminal [--seconds N] [--replay DIR]`: what the live page costs a trader's machine.

A whole run, a buyer with fifty symbols, and a real Chromium: the share of a core that the page's main thread takes with
quotes, orders and bars of all of them, beside a page of the same panel that does nothing; and what its heap grows by.
With `--replay` a recorded day is played sixty times as fast, and the heap is looked at over an hour of it a minute.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from streaming.reference import directory

ROOT = Path(__file__).resolve().parents[1]
SYMBOLS = 50
SETTLE_S = 15  # history, names and the first minutes are fetched
MAKE_LIST = """async (symbols) => {
    const { lists, csrf } = document.getElementById("terminal").dataset;
    const headers = { "Content-Type": "application/json", "X-CSRFToken": csrf };
    await fetch(lists, { method: "POST", headers, body: JSON.stringify({ name: "Bench", symbols }) });
}"""
ALL_DEPTH = """async () => {
    const { stream } = await import(document.querySelector("script[type=module]").src);
    stream.also(stream.symbols, "depth");
    return stream.symbols.length;
}"""


def log_in(page: Page, known: dict[str, Any]) -> None:
    page.goto(f"{known['panel_url']}/accounts/login/")
    page.fill("input[name=login]", known["buyer"]["email"])
    page.fill("input[name=password]", known["buyer"]["password"])
    page.locator("main button[type=submit]").first.click()
    page.wait_for_url("**/dashboard/**")


def buy_fifty(page: Page, known: dict[str, Any]) -> None:
    page.goto(f"{known['panel_url']}/subscribe/?plan=pack-50")
    page.get_by_test_id("plan-pack-50").click()
    page.get_by_test_id("buy-kind-stack").check()
    page.get_by_test_id("pay").click()
    page.wait_for_url("**/sandbox/pay/**")
    page.get_by_test_id("sandbox-pay").click()
    page.get_by_test_id("settled").wait_for(timeout=60_000)


def busy_s(session: CDPSession) -> float:
    """Return how long the page's main thread has worked so far."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return next(float(one["value"]) for one in metrics if one["name"] == "TaskDuration")


def heap_bytes(session: CDPSession) -> int:
    session.send("HeapProfiler.collectGarbage")
    return int(session.send("Runtime.getHeapUsage")["usedSize"])


def share(page: Page, seconds: float) -> tuple[float, int]:
    """Return the share of a core that a page's main thread takes, and the bytes that its heap grows by meanwhile."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    heap = heap_bytes(session)
    start, began = busy_s(session), time.monotonic()  # collecting garbage was ours
    page.wait_for_timeout(seconds * 1000)
    worked = (busy_s(session) - start) / (time.monotonic() - began)
    return worked, heap_bytes(session) - heap


def measured(browser: Browser, known: dict[str, Any], seconds: float) -> dict[str, float]:
    page = browser.new_context(viewport={"width": 1600, "height": 900}).new_page()
    page.set_default_timeout(60_000)
    log_in(page, known)
    buy_fifty(page, known)
    idle = page.context.new_page()
    idle.goto(f"{known['panel_url']}/carried/")
    idle_share, _ = share(idle, min(seconds, 10))
    idle.close()
    page.goto(f"{known['panel_url']}/live/")
    page.locator("#lamp[data-state=open]").wait_for()
    symbols = [one.symbol for one in directory() if one.prev_close_e4 and one.market is not None][:SYMBOLS]
    page.evaluate(MAKE_LIST, symbols)
    page.reload()
    page.locator("#quotes tbody tr").nth(len(symbols) - 1).wait_for()
    page.wait_for_timeout(SETTLE_S * 1000)
    followed = page.evaluate(ALL_DEPTH)
    page.wait_for_timeout(3000)
    busy, grown = share(page, seconds)
    return {
        "symbols": followed,
        "live_share_of_a_core": busy,
        "idle_share_of_a_core": idle_share,
        "live_to_idle": busy / max(idle_share, 1e-4),
        "heap_growth_kib_a_minute": grown / 1024 / (seconds / 60),
    }


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="./dev bench terminal", description="What the live page costs.")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--replay", type=Path, metavar="DIR", help="play this recorded day 60 times as fast")
    parser.add_argument("--json", type=Path, metavar="FILE")
    asked = parser.parse_args(words)
    chromium = os.environ.get("TICKPACK_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("no Chromium here; sudo apt-get install -y chromium")
    ours = ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "CLICKHOUSE_URL", "TICKPACK_VAR")
    env = {name: value for name, value in os.environ.items() if name not in ours}
    feed = ["--feed", "replay", "--data", str(asked.replay), "--speed", "60"] if asked.replay else []
    with tempfile.TemporaryDirectory(prefix="tickpack-bench-") as folder:
        var, log = Path(folder) / "var", Path(folder) / "up.log"
        command = [sys.executable, "manage.py", "up", "--var", str(var), "--port", "0", *feed]
        with log.open("wb") as out:
            process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=out)
        try:
            facts = var / "up.json"
            began = time.monotonic()
            while not (facts.exists() and (known := json.loads(facts.read_text()))["pid"] == process.pid):
                if process.poll() is not None or time.monotonic() - began > 300:
                    sys.exit(f"it did not start: {log.read_text()}")
                time.sleep(0.1)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
                figures = measured(browser, known, asked.seconds)
                browser.close()
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                process.wait(15)
    for name, value in figures.items():
        print(f"  {name:<26} {value:9.3f}")
    if asked.json:
        asked.json.write_text(json.dumps(figures, indent=1) + "\n")
