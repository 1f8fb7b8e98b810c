"""Starts the real servers before Django reads its settings: pytest-django imports them earlier than any conftest.

Loaded by `-p tests.plug` (pyproject). A run of pure tests alone (`-m "not whole"`, ./dev fast) starts nothing.
Servers that the environment names (DATABASE_URL, REDIS_URL, CLICKHOUSE_URL) are used instead of embedded ones.
"""

import os
import secrets
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "platform")]

# No example has a time that it could miss on a busy machine.
settings.register_profile("ordinary", deadline=None)
settings.register_profile("quick", max_examples=20, deadline=None)
settings.load_profile("ordinary")

_started: list = []
_var: Path | None = None


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config, parser, args):
    global _var
    os.environ.setdefault("TICKPACK_EMBEDDED", "1")
    # With several workers (-n) each has servers of its own; who hands the tests out needs none.
    hands_out = "-n" in args and "PYTEST_XDIST_WORKER" not in os.environ
    pure = "not whole" in args or hands_out
    _var = Path(tempfile.mkdtemp(prefix="tickpack-test-"))
    os.environ["TICKPACK_VAR"] = str(_var)
    (_var / "log").mkdir()
    if pure or any(flag in args for flag in ("--help", "--version")):
        return
    from config.embedded import servers

    postgres = None
    if "REDIS_URL" not in os.environ:
        child, data, broker = servers.valkey(_var, secrets.token_hex(8), keep=False)
        child.start()
        _started.append(child)
        os.environ["REDIS_URL"], os.environ["CELERY_BROKER_URL"] = data, broker
    if "DATABASE_URL" not in os.environ:
        passwords = servers.SqlPasswords(secrets.token_hex(8), secrets.token_hex(8))
        postgres = servers.postgres(_var, passwords, fsync=False)
        postgres.child.start()
        _started.append(postgres.child)
        # Tests make and drop databases: they are the owner. What runs as in a deployment takes the other one.
        os.environ["DATABASE_URL"] = postgres.owner_url
        os.environ["DATABASE_APPLICATION_URL"] = postgres.application_url
    if "CLICKHOUSE_URL" not in os.environ:
        # Half a second and 200 MB: started by the fixture `history_server` only where it is asked for.
        child, url = servers.clickhouse(_var, secrets.token_hex(16))
        os.environ["CLICKHOUSE_URL"] = url
        early_config._tickpack_history = child
    for child in _started:
        child.wait_ready()
    if postgres is not None:
        postgres.make_roles(passwords)


@pytest.fixture(scope="session")
def history_server(request):
    """The ClickHouse engine answering at settings.CLICKHOUSE_URL."""
    child = getattr(request.config, "_tickpack_history", None)
    if child is not None:
        from config.embedded.children import ChildFailed

        child.start()
        _started.append(child)
        try:
            child.wait_ready()
        except ChildFailed as error:  # suspected twice in ten runs on two busy cores; its last words say why
            print(f"\n{error}\nStarting it again.", file=sys.stderr)
            child.start()
            child.wait_ready()
    return os.environ["CLICKHOUSE_URL"]


def pytest_unconfigure(config):
    import time

    for child in reversed(_started):
        child.ask_to_stop()
    for child in reversed(_started):
        child.make_sure_stopped(time.monotonic() + 4)
    _started.clear()
    if _var is not None:
        shutil.rmtree(_var, ignore_errors=True)
