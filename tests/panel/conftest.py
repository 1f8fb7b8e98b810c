"""Buyers for Django's client, and a running shop for the browser: server, worker and beat, on a fresh database."""

import json
import os
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from config.embedded.children import Child, free_port
from tests.emulators.weixin import WeixinEmulator
from tests.people import alice, keys_dir, node, quick_passwords

__all__ = ["alice", "keys_dir", "node", "quick_passwords"]

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Shop:
    """Where the shop is and how to run its commands."""

    base: str
    env: dict[str, str]
    var: Path

    def manage(self, *arguments: str, **more: str) -> str:
        """Run a management command in the shop's environment; return what it says."""
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env={**os.environ, **self.env, **more}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="session")
def weixin() -> Iterator[WeixinEmulator]:
    """The WeChat that the shop's people scan with."""
    with WeixinEmulator(domain="127.0.0.1") as emulator:
        yield emulator


@pytest.fixture(scope="session")
def shop(chromium, weixin, tmp_path_factory) -> Iterator[Shop]:
    """The shop, shared by all browser tests: each makes buyers of its own."""
    var, port = tmp_path_factory.mktemp("shop"), free_port()
    base = f"http://127.0.0.1:{port}"
    env = {
        "TICKPACK_EMBEDDED": "1",
        "TICKPACK_VAR": str(var),
        **_fresh_database(),
        # Databases of their own: other tests look into the queues of 0 and 1.
        "REDIS_URL": os.environ["REDIS_URL"].rsplit("/", 1)[0] + "/4",
        "CELERY_BROKER_URL": os.environ["CELERY_BROKER_URL"].rsplit("/", 1)[0] + "/5",
        "PANEL_URL": base,
        "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}",
        "TICKPACK_ADMIN_EMAIL": "admin@example.com",
        "TICKPACK_ADMIN_PASSWORD": PASSWORD,
        "WEIXIN_LOGIN_APP_ID": weixin.app_id,
        "WEIXIN_LOGIN_SECRET": weixin.secret,
        "WECHAT_OPEN_URL": weixin.url,
        "WECHAT_API_URL": weixin.url,
    }
    shop = Shop(base, env, var)
    shop.manage("prepare_database", DATABASE_URL=env["DATABASE_OWNER_URL"])
    shop.manage("seed_embedded", "--ws-url", f"ws://127.0.0.1:{port}/ws/stock", "--health-url", f"{base}/healthz")
    celery = [sys.executable, "-m", "celery", "-A", "config"]
    worker = ["worker", "-Q", "control,ingest", "-P", "threads", "-c", "8", "-l", "INFO", "-n", "shop-test@%h"]
    children = [
        Child(
            "web",
            [sys.executable, "manage.py", "serve", "--port", str(port)],
            var / "web.log",
            lambda: _is_realtime(base),  # else the shop does not sell it
            env,
        ),
        Child(
            "worker", [*celery, *worker], var / "worker.log", lambda: "ready." in (var / "worker.log").read_text(), env
        ),
        Child("beat", [*celery, "beat", "-s", str(var / "beat")], var / "beat.log", lambda: True, env),
    ]
    *first, beat = children
    for child in first:
        child.start()
    try:
        for child in first:
            child.wait_ready()
        beat.start()  # which asks the node how it is
        yield shop
    finally:
        for child in children:
            child.ask_to_stop()
        for child in children:
            child.make_sure_stopped(time.monotonic() + 6)


def _is_realtime(base: str) -> bool:
    try:
        with urllib.request.urlopen(f"{base}/healthz", timeout=2) as answer:
            return bool(json.load(answer)["realtime"])
    except OSError:
        return False


def _fresh_database() -> dict[str, str]:
    """Make a database beside the test run's own one, its owner and the shop apart; with SQLite, a file of its folder."""
    url = os.environ["DATABASE_URL"]
    if not url.startswith("postgres"):
        return {"DATABASE_URL": "", "DATABASE_OWNER_URL": ""}
    name = f"shop_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    owner = f"{url.rsplit('/', 1)[0]}/{name}"
    shop = os.environ.get("DATABASE_APPLICATION_URL")
    if shop is None:  # a server that the environment names has one role
        return {"DATABASE_URL": owner, "DATABASE_OWNER_URL": owner}
    return {
        "DATABASE_URL": f"{shop.rsplit('/', 1)[0]}/{name}",
        "DATABASE_OWNER_URL": owner,
        "DATABASE_APPLICATION_ROLE": "tickpack_app",
    }


@pytest.fixture
def page(browser, shop):
    """A page of a visitor whom nobody knows. Whatever the browser complains about fails the test."""
    context = browser.new_context(base_url=shop.base, viewport={"width": 1200, "height": 900}, locale="en-US")
    page, complaints = context.new_page(), []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    # A request that leaving the page cut off is no complaint, though htmx writes it as one.
    assert [text for text in complaints if not text.startswith(("htmx:afterRequest", "htmx:sendAbort"))] == []


@pytest.fixture
def buyer(page):
    """The same, just signed up."""
    page.goto("/accounts/signup/?next=/subscribe/")
    page.get_by_label("Email").fill(f"{uuid.uuid4().hex[:12]}@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.locator("main button[type=submit]").click()
    page.wait_for_url("**/subscribe/")
    return page


def order(page, plan: str, kind: str = "stack", months: int = 1) -> None:
    """Choose on the subscription page and go to the pay page."""
    page.goto("/subscribe/")
    page.get_by_test_id(f"plan-{plan}").click()
    page.get_by_test_id("months").select_option(str(months))
    page.get_by_test_id(f"buy-kind-{kind}").check()
    page.get_by_test_id("pay").click()
    page.wait_for_url("**/sandbox/pay/**")


def token_of(page) -> dict:
    """Return the claims of the token that the page shows, unverified."""
    import base64

    body = page.get_by_test_id("token").first.inner_text().split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def htmx_is_done(page) -> None:
    """Wait until no part of the page is being asked for or exchanged."""
    page.wait_for_function(
        "() => !document.querySelector('.htmx-request, .htmx-swapping, .htmx-settling, .htmx-added')"
    )
