"""Starts every part of an embedded run, watches them, and ends them: what `manage.py up` does."""

import fcntl
import json
import os
import secrets
import shlex
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from config.embedded import earlier, servers
from config.embedded.children import PYTHON, Child, ChildFailed, free_port, port_is_taken
from config.embedded.parts import PARTS
from config.embedded.rotation import rotate
from config.embedded.watching import Watch

STOP_SECONDS = 2.3  # for each of two rounds: "Ctrl-C ends everything within 5 s"
PREPARE_SECONDS = 300.0
MOST_DEATHS, IN_SECONDS = 4, 60.0
NEEDED_BYTES = 200 * 1024 * 1024
WARN_BYTES = 100 * 1024 * 1024


class CannotStart(Exception):
    """One sentence for the person at the terminal."""


class StopAsked(Exception):
    """A signal asked us to end."""


@dataclass(frozen=True)
class Options:
    """What the person asked for on the command line."""

    port: int
    feed: str
    data: Path | None
    speed: str
    paced_from: str
    db: str
    var: Path


class Supervisor:
    """One embedded run. `run` returns the exit code."""

    def __init__(self, options: Options, root: Path, out: TextIO) -> None:
        self.options, self.root, self.out = options, root, out
        self.var = options.var
        self.watch = Watch(self.say, MOST_DEATHS, IN_SECONDS)
        self.facts = self.var / "up.json"
        self._stopping = False
        self._warned_of_disk = False
        self.preparing: subprocess.Popen[str] | None = None

    def say(self, text: str = "") -> None:
        """Tell the person at the terminal one line, at once."""
        self.out.write(text + "\n")
        self.out.flush()

    def run(self) -> int:
        """Start everything, watch it until a signal or a failure, end it; return the exit code."""
        # Explicitly: a shell that started us with `&` has set SIGINT to "ignore".
        for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(one, self._on_signal)
        code = 0
        try:
            self._start()
            self._watch()
        except StopAsked:
            self.say("Stopping ...")
        except (CannotStart, ChildFailed) as error:
            self.say(f"Tickpack stops: {error}")
            code = 1
        except OSError as error:
            where = f" ({error.filename})" if error.filename else ""
            self.say(f"Tickpack stops: {error.strerror or error}{where}")
            code = 1
        finally:
            self._stop()
        return code

    def _on_signal(self, number: int, frame: Any) -> None:
        if not self._stopping:
            self._stopping = True
            raise StopAsked

    # -- starting ------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        started, self._began_ms = time.monotonic(), time.time() * 1000
        self._take_folder()
        port = self._port()
        keys = self._secrets()
        panel, stream = f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}/ws/stock"
        ours = [str(self.root), str(self.root / "platform")]
        os.environ |= {
            "TICKPACK_EMBEDDED": "1",
            "TICKPACK_VAR": str(self.var),
            "SECRET_KEY": keys["secret_key"],
            "SANDBOX_KEY": keys["sandbox_key"],
            "TICKPACK_METRICS_TOKEN": keys["metrics_token"],
            "PANEL_URL": panel,
            "TICKPACK_FEED": self.options.feed,
            "TICKPACK_REPLAY_DATA": str(self.options.data or ""),
            "TICKPACK_REPLAY_SPEED": self.options.speed,
            "TICKPACK_REPLAY_FROM": self.options.paced_from,
            # A new run starts a replay again; a worker that was restarted within one goes on where it was.
            "TICKPACK_REPLAY_RUN": str(int(time.time())),
            "PYTHONPATH": os.pathsep.join(filter(None, [*ours, os.environ.get("PYTHONPATH")])),
            "PYTHONUNBUFFERED": "1",
        }
        self._start_stores(keys)
        self._refuse_earlier_data()
        self.say("Preparing the database; starting " + ", ".join(PARTS) + " ...")
        preparing = self._begin_preparing(keys, panel, stream)
        # What does not touch SQL while it starts does so meanwhile; a second of every import is saved.
        parts = self._parts(port)
        for name in ("ingest", "web"):
            self.watch.launch(parts.pop(name))
        token = self._prepared(preparing)
        for child in parts.values():
            self.watch.launch(child)
        next(child for child in self.watch.children if child.name == "web").wait_ready()
        self._wait_for_a_bar(panel)
        people = {
            "buyer": {"email": keys["buyer_email"], "password": keys["buyer_password"]},
            "admin": {"email": keys["admin_email"], "password": keys["admin_password"]},
        }
        self._write_facts(
            {
                "panel_url": panel,
                "ws_url": stream,
                **people,
                "token": token,
                "metrics_token": keys["metrics_token"],
                "pid": os.getpid(),
            }
        )
        self._greet(panel, stream, keys, time.monotonic() - started)

    def _take_folder(self) -> None:
        (self.var / "log").mkdir(parents=True, exist_ok=True)
        self.var.chmod(0o700)
        self.lock = (self.var / "lock").open("a+")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CannotStart(
                f"another ./dev up is running from {self.var}; end it, or choose another folder with --var DIR"
            ) from None
        self.facts.unlink(missing_ok=True)
        free = shutil.disk_usage(self.var).free
        if free < NEEDED_BYTES:
            raise CannotStart(
                f"the disk that holds {self.var} is full ({free // 2**20} MB free, {NEEDED_BYTES // 2**20} MB needed); "
                "free some space or choose another folder with --var DIR"
            )
        for old in (self.var / "log").glob("*.log"):
            old.replace(old.with_suffix(".log.1"))

    def _port(self) -> int:
        if self.options.port == 0:
            return free_port()
        if not 0 < self.options.port < 65_536:
            raise CannotStart(
                f"--port {self.options.port} is no port; choose one from 1024 to 65535, or 0 for a free one"
            )
        try:
            taken = port_is_taken(self.options.port)
        except PermissionError:
            raise CannotStart(
                f"only root may have port {self.options.port} on this machine; choose another one: ./dev up --port 8000"
            ) from None
        if taken:
            raise CannotStart(
                f"port {self.options.port} is in use; choose another one: ./dev up --port {self.options.port + 1}"
            )
        return self.options.port

    def _secrets(self) -> dict[str, str]:
        """Return this folder's keys and passwords, made at the first start."""
        file = self.var / "secrets.json"
        self.first_time = not file.exists()
        if self.first_time:
            made = {
                "secret_key": secrets.token_urlsafe(50),
                "sandbox_key": secrets.token_urlsafe(32),
                **_store_passwords(),
                "buyer_email": "buyer@tickpack.example",
                "buyer_password": secrets.token_urlsafe(9),
                "admin_email": "admin@tickpack.example",
                "admin_password": secrets.token_urlsafe(12),
            }
            _write_private(file, json.dumps(made, indent=1))
        try:
            kept: dict[str, str] = json.loads(file.read_text())
        except ValueError:
            raise CannotStart(f"{file} cannot be read; remove it and new passwords are made") from None
        if missing := _store_passwords().keys() - kept.keys():  # the folder is of a version that had fewer
            kept |= {name: made for name, made in _store_passwords().items() if name in missing}
            _write_private(file, json.dumps(kept, indent=1))
        return kept

    def _start_stores(self, keys: dict[str, str]) -> None:
        """Start the stores that the environment does not name already, at the same time, and wait for all."""
        stores: list[Child] = []
        if not os.environ.get("REDIS_URL"):
            valkey, data, broker = servers.valkey(self.var, keys["redis_password"])
            os.environ |= {"REDIS_URL": data, "CELERY_BROKER_URL": broker}
            stores.append(valkey)
        elif not os.environ.get("CELERY_BROKER_URL"):
            os.environ["CELERY_BROKER_URL"] = os.environ["REDIS_URL"]
        if not os.environ.get("CLICKHOUSE_URL"):
            history, os.environ["CLICKHOUSE_URL"] = servers.clickhouse(self.var, keys["history_password"])
            stores.append(history)
        for child in stores:
            self.watch.launch(child)
        self._named_sql = bool(os.environ.get("DATABASE_URL"))
        if not self._named_sql:
            self._start_sql(stores, servers.SqlPasswords(keys["sql_owner_password"], keys["sql_password"]))
        else:
            self._owner_url = os.environ.get("DATABASE_OWNER_URL") or os.environ["DATABASE_URL"]
        for child in stores:
            child.wait_ready()
            self.say(f"  {child.name:<10} ready")

    def _start_sql(self, stores: list[Child], passwords: servers.SqlPasswords) -> None:
        chosen = self.var / "database"
        before = chosen.read_text().strip() if chosen.exists() else None
        wanted = self.options.db
        if wanted == "postgres" and before != "sqlite-fallback":
            try:
                postgres = servers.postgres(self.var, passwords)
                self.watch.launch(postgres.child)
                postgres.child.wait_ready()
                postgres.make_roles(passwords)
                # The shop works with a role that owns nothing; who prepares the database gets the owner's.
                self._owner_url, os.environ["DATABASE_URL"] = postgres.owner_url, postgres.application_url
                os.environ["DATABASE_APPLICATION_ROLE"] = servers.APPLICATION_ROLE
                chosen.write_text("postgres")
                stores.append(postgres.child)
                return
            except servers.PostgresImpossible as error:
                self.say(f"  PostgreSQL cannot run here ({error}); SQLite is used instead.")
                wanted = "sqlite-fallback"
        self._owner_url = os.environ["DATABASE_URL"] = f"sqlite:///{self.var / 'panel.sqlite3'}"
        chosen.write_text(wanted)
        self.say("  sqlite     ready")

    def _refuse_earlier_data(self) -> None:
        """Stop before anything of ours writes, where the database is one that this version cannot take over."""
        if not earlier.is_of_an_earlier_version(self._owner_url):
            return
        if self._named_sql:
            raise CannotStart(
                "the database that DATABASE_URL names was made by an earlier version of Tickpack, whose data this one "
                "cannot take over; name an empty one"
            )
        raise CannotStart(
            f"{self.var} was made by an earlier version of Tickpack, whose data this one cannot take over; move that "
            "folder away, or choose another one with --var DIR"
        )

    def _begin_preparing(self, keys: dict[str, str], panel: str, stream: str) -> "subprocess.Popen[str]":
        """Migrate and seed, in a process of its own."""
        command = [PYTHON, "manage.py", "prepare_embedded", "--ws-url", stream, "--health-url", f"{panel}/healthz"]
        people = {
            "DATABASE_URL": self._owner_url,
            "TICKPACK_DEMO_EMAIL": keys["buyer_email"],
            "TICKPACK_DEMO_PASSWORD": keys["buyer_password"],
            "TICKPACK_ADMIN_EMAIL": keys["admin_email"],
            "TICKPACK_ADMIN_PASSWORD": keys["admin_password"],
        }
        self.preparing = subprocess.Popen(
            command, cwd=self.root, env=os.environ | people, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        return self.preparing

    def _prepared(self, preparing: "subprocess.Popen[str]") -> str:
        """Wait until the database is ready; return the demo buyer's token."""
        try:
            said, complained = preparing.communicate(timeout=PREPARE_SECONDS)
        except subprocess.TimeoutExpired:
            raise CannotStart(f"the database was not prepared within {PREPARE_SECONDS:.0f} s") from None
        _write_private(self.var / "log" / "prepare.log", complained)
        if preparing.returncode != 0:
            last = (complained.strip().splitlines() or ["it said nothing"])[-1]
            raise CannotStart(f"the database could not be prepared: {last} (log: {self.var / 'log' / 'prepare.log'})")
        return str(json.loads(said.strip().splitlines()[-1])["buyer_token"])

    def _parts(self, port: int) -> dict[str, Child]:
        more = {"web": ["--port", str(port)], "beat": ["-s", str(self.var / "beat-schedule")]}
        children = {}
        for name, argv in PARTS.items():
            log = self.var / "log" / f"{name}.log"
            children[name] = Child(name=name, argv=[PYTHON, *argv, *more.get(name, [])], log=log, ready=lambda: True)
        children["ingest"].alive_file = self.var / "ingest.alive"
        children["web"].ready = lambda: _health(f"http://127.0.0.1:{port}/healthz") is not None
        return children

    def _wait_for_a_bar(self, panel: str, seconds: float = 20.0) -> None:
        """Wait until the stream moves, so that what we print is true."""
        deadline, began_ms = time.monotonic() + seconds, self._began_ms
        while time.monotonic() < deadline:
            lanes = (_health(f"{panel}/healthz") or {}).get("lanes", {})
            # What an earlier run left behind does not count.
            if any(float(lane.get("reported_ms", 0)) > began_ms for lane in lanes.values()):
                return
            self.watch.look_after()
            time.sleep(0.1)
        self.say(f"  No feed has written anything in {seconds:.0f} s; see {self.var / 'log' / 'ingest.log'}")

    def _write_facts(self, facts: dict[str, Any]) -> None:
        draft = self.facts.with_suffix(".new")
        _write_private(draft, json.dumps(facts, indent=1) + "\n")
        draft.replace(self.facts)

    def _greet(self, panel: str, stream: str, keys: dict[str, str], seconds: float) -> None:
        facts = self.facts if self.facts.is_relative_to(self.root) is False else self.facts.relative_to(self.root)
        admin = (
            f"{keys['admin_email']} / {keys['admin_password']}"
            if self.first_time
            else f"{keys['admin_email']} (password: {facts})"
        )
        self.say(
            f"\nTickpack is up ({seconds:.1f} s). Ctrl-C ends it; the data stays in {self.var}.\n\n"
            f"  Panel       {panel}/\n"
            f"  Buyer       {keys['buyer_email']} / {keys['buyer_password']}\n"
            f"  Admin       {admin}   at {panel}/admin/\n"
            f"  WebSocket   {stream}\n"
            f"  Live bars   .venv/bin/tickpack watch 600519.SH 00700.HK TEST.CN --up {shlex.quote(str(facts))}\n"
        )

    # -- watching ------------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        while True:
            self.watch.look_after()
            self._look_at_the_disk()
            rotate(self.var / "log")
            time.sleep(0.2)

    def _look_at_the_disk(self) -> None:
        free = shutil.disk_usage(self.var).free
        if free < WARN_BYTES and not self._warned_of_disk:
            self.say(f"The disk that holds {self.var} is almost full ({free // 2**20} MB free): bars may stop.")
        self._warned_of_disk = free < WARN_BYTES

    # -- ending --------------------------------------------------------------------------------------------------

    def _stop(self) -> None:
        for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(one, signal.SIG_IGN)
        if hasattr(self, "lock"):
            try:
                fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self.facts.unlink(missing_ok=True)
            except OSError:
                return  # the folder is somebody else's: neither its facts nor any child are ours
        if self.preparing is not None and self.preparing.poll() is None:
            self.preparing.kill()
        stores = {"valkey", "postgres", "history"}
        self.watch.stop((lambda one: one.name not in stores, lambda one: one.name in stores), STOP_SECONDS)
        if self.watch.children:
            self.say("Everything has ended.")


def _store_passwords() -> dict[str, str]:
    names = ("redis_password", "history_password", "sql_owner_password", "sql_password", "metrics_token")
    return {name: secrets.token_urlsafe(24) for name in names}


def _write_private(file: Path, text: str) -> None:
    """Write it whole or not at all: a full disk or a kill must not leave half a file for the next start."""
    draft = file.with_name(f".{file.name}.new")
    draft.touch(mode=0o600)
    draft.chmod(0o600)
    draft.write_text(text)
    draft.replace(file)


def _health(url: str) -> dict[str, Any] | None:
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:  # noqa: S310  (our own loopback address)
            body: dict[str, Any] = json.load(answer)
            return body
    except (OSError, ValueError, urllib.error.URLError):
        return None
