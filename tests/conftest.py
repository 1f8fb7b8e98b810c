"""Fixtures that every test may ask for."""

import os
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from playwright.sync_api import Browser, expect, sync_playwright

expect.set_options(timeout=30_000)  # a busy machine takes longer than 5 s; what is there is seen at once all the same
CHROMIUM_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
]  # fmt: skip


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Django empties tables between tests that commit; the ledger's refuse that, so their triggers sleep in tests."""
    from django.db import connection

    with django_db_blocker.unblock():
        # Where no test asked for the database there are no tables.
        if connection.vendor == "postgresql" and "billing_ledgerline" in connection.introspection.table_names():
            with connection.cursor() as cursor:
                for table in ("billing_ledgerentry", "billing_ledgerline"):
                    cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {table}_kept")


@pytest.fixture(autouse=True)
def default_language():
    """A test begins in the shop's own language, whatever the page that a test before it asked for was in."""
    from django.utils import translation

    translation.deactivate()


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium; without one, what asks is skipped with the one command that mends it."""
    names = ("chromium", "chromium-browser", "google-chrome")
    path = os.environ.get("TICKPACK_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.skip("no Chromium here; mend it with: sudo apt-get install -y chromium fonts-wqy-microhei")
    return path


@pytest.fixture(scope="module")
def browser(chromium) -> Iterator[Browser]:
    """A real headless Chromium. A module's, not the session's: while it is open its event loop counts as running,
    and every asynchronous test after it would fail."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def market_data() -> Path:
    """The recorded sets: TICKPACK_DATA, or ../shared/data beside the checkout."""
    folder = Path(os.environ.get("TICKPACK_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
    if not (folder / "replay-l2-20230201").is_dir():
        pytest.skip(
            f"no recorded market data at {folder}; set TICKPACK_DATA to the folder that holds replay-l2-20230201"
        )
    return folder


@pytest.fixture
def redis_url() -> str:
    return os.environ["REDIS_URL"]


@pytest.fixture
def data_redis(redis_url) -> Iterator[redis.Redis]:
    """A client of the panel's own Redis."""
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture(scope="session")
def second_redis_url(tmp_path_factory) -> Iterator[str]:
    """A Redis of another node group: a server of its own, since control messages cross a server's databases."""
    from config.embedded import servers

    var = tmp_path_factory.mktemp("second-redis")
    (var / "log").mkdir()
    child, url, _ = servers.valkey(var, secrets.token_hex(8), keep=False)
    child.start()
    child.wait_ready()
    yield url
    child.ask_to_stop()
    child.make_sure_stopped(time.monotonic() + 4)
