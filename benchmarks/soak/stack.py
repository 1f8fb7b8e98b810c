"""A live market as it is deployed, on loopback under a clock of its own, and what is done to it.

Two stores (data with an append-only file, a broker without), history, two Celery workers and beat, a node, two senders
and a follower. Whatever ends is started again, as a supervisor does it.
"""

import json
import os
import secrets
import signal
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import redis

from benchmarks.soak.chaos import OPENS_S, SOURCES, WORKERS, Fault, Size
from benchmarks.soak.ground import ROOT, Ground, healthy, token, wait_for
from benchmarks.soak.report import Skipped
from benchmarks.soak.sender import Line
from config.embedded import servers
from config.embedded.children import Child, free_port
from config.embedded.parts import PARTS
from kernel import keyspace

LANE = "CN"
_LOOK_S, _AGAIN_S, _BOOT_S = 0.05, 0.4, 45.0
_LOST_MS = 1_000  # what everysec may lose
_BEGINS = timedelta(hours=9, minutes=24)  # on the exchange's wall: a minute before the auction's print
_OFFSET = timedelta(hours=8)
_ONCE_EACH = 5  # of so many instruments one trades once


@dataclass
class _Part:
    child: Child
    down_until: float = 0.0  # monotonic
    starts: int = 0


@dataclass
class Done:
    """What was done, for the judge: when the store lost its last second, epoch ms of the market's clock."""

    lost_ms: list[int] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


class Stack:
    """The processes. One thread; `run` looks after them while faults come.

    Args:
        ground: lends its folder.
        symbols: that the exchange trades; every fifth of them once.
    """

    def __init__(self, ground: Ground, *, seed: int, size: Size, symbols: list[str]) -> None:
        self.folder, self.done = ground.folder, Done()
        self.once = symbols[::_ONCE_EACH]
        self.often = [symbol for symbol in symbols if symbol not in self.once]
        self.ahead_ms = _ahead_ms()
        self._clock = _clock(self.ahead_ms)
        self.begins_ms = self.now_ms() + round(_BOOT_S * 1000)
        self.opens_ms = self.begins_ms + round(OPENS_S * 1000)
        self.ends_ms = self.begins_ms + round(size.lasts_s * 1000)
        self._sizes: deque[tuple[float, Path, int]] = deque(maxlen=200)
        self._due: list[tuple[float, str]] = []  # stopped processes go on again: (monotonic, pid)
        data, self.url, _ = servers.valkey(_below(self.folder, "data"), secrets.token_hex(8), keep=True)
        broker, _, self._broker_url = servers.valkey(_below(self.folder, "broker"), secrets.token_hex(8), keep=False)
        history, self.history_url = servers.clickhouse(self.folder, secrets.token_hex(16))
        self.client = redis.Redis.from_url(self.url, socket_timeout=2)
        self._push_token, self.port = secrets.token_hex(16), free_port()
        self.notes = self.folder / "notes.jsonl"
        self._parts = {
            name: _Part(child) for name, child in (("store", data), ("broker", broker), ("history", history))
        }
        self._parts |= {name: _Part(self._worker(name)) for name in WORKERS}
        self._parts["beat"] = _Part(self._child("beat", [*PARTS["beat"], "-s", str(self.folder / "beat")]))
        self._parts["node"] = _Part(self._child("node", [*PARTS["web"], "--port", str(self.port)]))
        self._parts |= {name: _Part(self._source(nth, name, seed, symbols)) for nth, name in enumerate(SOURCES)}
        self._parts["follower"] = _Part(self._follower(symbols))
        for part in self._parts.values():
            part.child.env = {**part.child.env, **self._clock}

    # -- its parts -------------------------------------------------------------------------------------------------

    def _child(self, name: str, arguments: Iterable[str], **more: str) -> Child:
        env = {
            "REDIS_URL": self.url, "CELERY_BROKER_URL": self._broker_url, "CLICKHOUSE_URL": self.history_url,
            "TOKEN_JWKS": str(self.folder / "jwks.json"), "TICKPACK_EMBEDDED": "1", "TICKPACK_VAR": str(self.folder),
            "TICKPACK_ROLE": "node", "TICKPACK_PUSH_TOKEN": self._push_token, "TICKPACK_FEED": "none",
            "DJANGO_SETTINGS_MODULE": "config.settings", **more,
        }  # fmt: skip
        log = self.folder / "log" / f"{name.replace(' ', '-')}.log"
        return Child(name, [sys.executable, *arguments], log, lambda: True, env)

    def _worker(self, name: str) -> Child:
        number = name.rsplit(maxsplit=1)[-1]
        named = [f"ingest{number}@%h" if one == "ingest@%h" else one for one in PARTS["ingest"]]
        return self._child(name, named, INGEST_ALIVE_FILE=str(self.folder / f"alive-{number}"))

    def _source(self, nth: int, name: str, seed: int, symbols: list[str]) -> Child:
        line = Line(
            name.rsplit(maxsplit=1)[-1], f"http://127.0.0.1:{self.port}/api/v1/rt-kline/push", self._push_token,
            str(self.acknowledged(name)), 400 * nth, seed, self.often, self.once[nth::2], self.once,
            self.opens_ms, self.ends_ms,
        )  # fmt: skip
        configuration = self.folder / f"{name.replace(' ', '-')}.json"
        configuration.write_text(json.dumps(asdict(line)))
        return self._child(name, ["-m", "benchmarks.soak.sender", str(configuration)])

    def acknowledged(self, source: str) -> Path:
        """Return the file in which a source notes what was acknowledged of what trades once."""
        return self.folder / f"{source.replace(' ', '-')}.acknowledged"

    def _follower(self, symbols: list[str]) -> Child:
        held = self.folder / "token"
        held.write_text(token(len(symbols), now_s=self.now_ms() // 1000))
        return self._child(
            "follower",
            ["-m", "benchmarks.soak.follower", f"ws://127.0.0.1:{self.port}/ws/stock", held, self.notes, *symbols],
        )

    # -- its life --------------------------------------------------------------------------------------------------

    def now_ms(self) -> int:
        """Return the instant by the market's clock."""
        return time.time_ns() // 1_000_000 + self.ahead_ms

    def start(self) -> None:
        """Start everything; return when the market is written and a push would be taken."""
        for name in ("store", "broker", "history"):
            self._start(name)
            self._parts[name].child.wait_ready()
        self.client.set(keyspace.feed_setting(LANE), json.dumps({"feed": "live", "lines": _lines()}))
        day = datetime.fromtimestamp(self.begins_ms / 1000, UTC) + _OFFSET
        self.client.hset(keyspace.calendar_overrides(LANE), f"{day:%Y-%m-%d}", json.dumps({"kind": "full"}))
        for name in (*WORKERS, "beat", "node"):
            self._start(name)
        ready = lambda: self.client.exists(keyspace.epoch(LANE)) and healthy(self.port)  # noqa: E731
        if not wait_for(ready, max(0, self.begins_ms - self.now_ms()) / 1000 + 20):
            raise RuntimeError(f"the market did not start: {self._parts['worker 1'].child.last_words()}")
        for name in (*SOURCES, "follower"):
            self._start(name)

    def run(self, faults: list[Fault]) -> None:
        """Look after the processes until trading has ended, and let faults come when they are due."""
        waiting = deque(faults)
        while self.now_ms() < self.ends_ms:
            self.look()
            if waiting and self.now_ms() >= self.begins_ms + waiting[0].at_s * 1000:
                self._happen(waiting.popleft())
            time.sleep(_LOOK_S)

    def look(self) -> None:
        """Start what has ended, let go on what was stopped for long enough, note how much the store has written."""
        now = time.monotonic()
        for due, pid in [one for one in self._due if one[0] <= now]:
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGCONT)
            self._due.remove((due, pid))
        for name, part in self._parts.items():
            if part.child.poll() is not None and part.child.process is not None and now >= part.down_until:
                if part.down_until + _AGAIN_S < now and part.down_until:
                    part.down_until = 0.0
                self._start(name)
        if (file := self._append_only_file()) is not None:
            with suppress(OSError):
                self._sizes.append((now, file, file.stat().st_size))

    def _start(self, name: str) -> None:
        part = self._parts[name]
        part.starts += 1
        part.child.start()

    def stop(self) -> None:
        for pid in [one[1] for one in self._due]:
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGCONT)
        for part in reversed(self._parts.values()):
            part.child.kill()
        self.client.close()

    # -- what goes wrong -------------------------------------------------------------------------------------------

    def _happen(self, fault: Fault) -> None:
        self.done.counts[fault.kind] = self.done.counts.get(fault.kind, 0) + 1
        targets = [self._holder() if name == "holder" else name for name in fault.targets]
        at = f"{(self.now_ms() - self.begins_ms) / 1000:6.1f} s"
        print(f"  {at}  {fault.kind} {', '.join(targets)} for {fault.lasts_s:.1f} s", file=sys.stderr, flush=True)
        until = time.monotonic() + fault.lasts_s
        if fault.kind == "stop":
            process = self._parts[targets[0]].child.process
            if process is not None and process.poll() is None:
                os.kill(process.pid, signal.SIGSTOP)
                self._due.append((until, str(process.pid)))
            return
        for name in targets:
            self._parts[name].child.kill()
            self._parts[name].down_until = until
        if fault.kind == "lose":
            self._lose_the_last_second()

    def _holder(self) -> str:
        """Return the worker that holds the lease; the first one where nobody does."""
        pid = ""
        with suppress(redis.RedisError):
            pid = (self.client.get(keyspace.lease(LANE)) or b"").decode().split(":")[-2:-1]
        pids = {str(self._parts[name].child.process.pid): name for name in WORKERS if self._parts[name].child.process}
        return pids.get(pid[0] if pid else "", WORKERS[0])

    def _append_only_file(self) -> Path | None:
        found = list((self.folder / "data" / "valkey" / "appendonlydir").glob("*.incr.aof"))
        return max(found, key=lambda file: int(file.name.split(".")[-3])) if found else None

    def _lose_the_last_second(self) -> None:
        """Cut off what the store wrote in the second before it was killed: the disk never had it."""
        file, before = self._append_only_file(), time.monotonic() - _LOST_MS / 1000
        if file is None:
            return
        sizes = [size for at, one, size in self._sizes if one == file and at <= before]
        os.truncate(file, min(sizes[-1] if sizes else 0, file.stat().st_size))
        self.done.lost_ms.append(self.now_ms())


def _below(folder: Path, name: str) -> Path:
    (folder / name / "log").mkdir(parents=True)
    return folder / name


def _lines() -> list[dict[str, object]]:
    return [{"name": name.split()[-1], "source": "push", "rank": nth + 1} for nth, name in enumerate(SOURCES)]


def _ahead_ms() -> int:
    """Return how far the market's clock is ahead of ours, for it to begin when everything has started."""
    now = datetime.now(UTC)  # noqa: TID251
    wall = now + _OFFSET
    begins = wall.replace(hour=0, minute=0, second=0, microsecond=0) + _BEGINS - timedelta(seconds=_BOOT_S)
    while begins <= wall:
        begins += timedelta(days=1)
    return round((begins - wall).total_seconds() * 1000)


def _clock(ahead_ms: int) -> dict[str, str]:
    libraries = list(_places())
    if not libraries:
        raise Skipped("no libfaketime here; ./dev test fetches it (it needs apt-get), or install it")
    return {
        "LD_PRELOAD": str(libraries[0]),
        "FAKETIME": f"+{ahead_ms / 1000:.3f}s",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "PYTHONPATH": f"{ROOT / 'tests' / 'deployment' / 'late_clock'}:{ROOT}:{ROOT / 'platform'}",
    }


def _places() -> Iterator[Path]:
    for root in (ROOT / ".venv" / "servers", Path("/")):
        yield from root.glob("usr/lib/*/faketime/libfaketimeMT.so.1")
