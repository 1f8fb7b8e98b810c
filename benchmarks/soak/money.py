"""Part `money`: whatever gateways, networks and `kill -9` do, each yuan that was taken stands in the books once.

Three emulated gateways take money for orders and tell of it up to eight times, late, in any order, with forgeries
between; the shop's web process and worker are killed. The figures are those of the gateways' own lists of money.
"""

import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.soak.ground import ROOT, Ground
from benchmarks.soak.report import Figure, Skipped
from config.embedded import servers
from config.embedded.children import Child

SEED = 11
SHORT, FULL = (2_000, 20), (10_000, 20)  # payments, kills
_LONGEST_S = 3 * 3600


def run(ground: Ground, *, short: bool, seed: int = SEED, size: tuple[int, int] | None = None) -> list[Figure]:
    """Sell for a while under faults; say what does not add up."""
    payments, kills = size or (SHORT if short else FULL)
    with tempfile.TemporaryDirectory(prefix="tickpack-money-") as folder:
        var = Path(folder)
        (var / "log").mkdir()
        started: list[Child] = []
        try:
            environment = _servers(var, started)
            _manage(environment, "prepare_database")
            _manage(environment, "seed_plans")
            _manage(environment, "token_keys", "create")
            told = _day(environment, payments, kills, seed)
        finally:
            for child in reversed(started):
                child.ask_to_stop()
                child.make_sure_stopped(time.monotonic() + 10)
    wanted = {
        "payments": f">= {payments}", "kills": f"= {kills}", "lost fen": "= 0", "doubled fen": "= 0",
        "refunds that differ fen": "= 0", "orders that should have been settled": "= 0",
        "orders settled without their money": "= 0", "grants without a settled order": "= 0",
        "differences in the books": "= 0", "notices refused that were genuine": "= 0",
        "forged notices believed": "= 0", "books agree after s": "<= 60",
    }  # fmt: skip
    return [Figure("money", name, value, wanted.get(name, "")) for name, value in told.items()]


def _servers(var: Path, started: list[Child]) -> dict[str, str]:
    passwords = servers.SqlPasswords(owner=secrets.token_hex(8), application=secrets.token_hex(8))
    try:
        sql = servers.postgres(var, passwords, fsync=False)
    except servers.PostgresImpossible as error:
        raise Skipped(str(error)) from None
    store, redis_url, broker_url = servers.valkey(var, secrets.token_hex(8), keep=False)
    for child in (sql.child, store):
        child.start()
        started.append(child)
        child.wait_ready()
    sql.make_roles(passwords)
    return {
        **os.environ,
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'platform'}",
        "TICKPACK_EMBEDDED": "0",
        "TICKPACK_ROLE": "panel",
        "DEBUG": "1",
        "SECRET_KEY": secrets.token_hex(32),
        "OWNER_URL": sql.owner_url,
        "DATABASE_URL": sql.application_url,
        "DATABASE_APPLICATION_ROLE": servers.APPLICATION_ROLE,
        "REDIS_URL": redis_url,
        "CELERY_BROKER_URL": broker_url,
        "TICKPACK_VAR": str(var),
        "TOKEN_KEYS_DIR": str(var / "keys"),
        "TOKEN_JWKS": str(var / "keys" / "jwks.json"),
        "ONE_PERSON_SHOP": "1",
        "TICKPACK_FEED": "none",
        "EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend",
    }


def _manage(environment: dict[str, str], *words: str) -> None:
    owner = {**environment, "DATABASE_URL": environment["OWNER_URL"]}
    done = subprocess.run(
        [sys.executable, "manage.py", *words], cwd=ROOT, env=owner, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"manage.py {' '.join(words)}: {done.stderr[-600:]}")


def _day(environment: dict[str, str], payments: int, kills: int, seed: int) -> dict[str, float]:
    """Run the day in a process of its own, whose settings name these servers."""
    command = [sys.executable, "-m", "benchmarks.soak.money_day", str(payments), str(kills), str(seed)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        said, _ = process.communicate(timeout=_LONGEST_S)
    except BaseException:
        process.send_signal(signal.SIGKILL)
        raise
    if process.returncode:
        raise RuntimeError(f"the day ended with {process.returncode}")
    told: dict[str, float] = json.loads(said.splitlines()[-1])
    return told
