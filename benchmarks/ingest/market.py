"""The whole market on this machine: 7,900 instruments, three lines of pushes, 2,000 sockets x 15 symbols.

A real stack on the loopback: the push door and the sockets of one node, one ingest worker, a real Redis, history's
engine. Senders and clients are two more processes of the same machine and are told apart in the figures. Nothing may be
lost: the bars in the stream must add up to what the senders traded, no push may be refused, and each socket must have
every window of each of its symbols (those that did not move are flat, so none may be missing).
"""

import argparse
import json
import os
import resource
import secrets
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks import rounds
from benchmarks.ingest.synthetic import A_SHARES, HONG_KONG, a_shares, hong_kong
from benchmarks.peers import ROOT, Tickpack
from benchmarks.soak.ground import follow_sets
from benchmarks.soak.sockets import Client, Sockets, quiet
from benchmarks.stage import Stage, resident_kb, stage
from config.embedded import servers
from config.embedded.children import Child, free_port
from kernel import keyspace
from kernel.keyspace import PUSH_LINE
from streaming.domain.windows import WINDOW_MS, end_ms
from streaming.records.checkpoint import Checkpoint, unpack_text
from streaming.records.window import Window, unpack_events, unpack_window

_PUSH_TOKEN = "bench-push-token"
EACH = 15
_LONGEST_BEHIND_S = 120.0
_FROM_WINDOWS = 100  # each piece of the stream begins with a keyframe, which fewer windows would have to carry
MOST_BYTES_A_BAR = 25
# Of 72 hours on the wall: three trading days of each market; events are kept for EVENTS_MINUTES alone.
_HOURS_IN_72 = {"CN": 3 * 4.0, "HK": 3 * 5.5}
LINES = [{"name": "a", "source": "push", "rank": 1}, {"name": "b", "source": "push", "rank": 2}]


def main(words: list[str]) -> bool:
    """Run it and print what became of it; return whether nothing was lost."""
    parser = argparse.ArgumentParser(prog="./dev bench ingest market", description=__doc__)
    parser.add_argument("--short", action="store_true", help="two minutes and 500 sockets instead of ten and 2,000")
    parser.add_argument("--seconds", type=float, help="how long is pushed")
    parser.add_argument("--sockets", type=int)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was measured")
    asked = parser.parse_args(words)
    seconds = asked.seconds or (120.0 if asked.short else 600.0)
    count = asked.sockets or (500 if asked.short else 2_000)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    load = os.getloadavg()[0]
    with stage() as running:
        run = _Run(running)
        try:
            found = run.measure(seconds, count)
        finally:
            run.close()
    found["load_before"], found["load_after"] = load, os.getloadavg()[0]
    _print(found)
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1))
    return not found["faults"]


class _Run:
    """The stack and what is looked at while it runs."""

    def __init__(self, running: Stage) -> None:
        self._stage, self._over = running, threading.Event()
        tickpack = Tickpack(ROOT)
        everywhere = f"{running.server_cpu},{running.load_cpu}"
        os.sched_setaffinity(0, {running.server_cpu, running.load_cpu})
        assert running.store.process is not None
        os.sched_setaffinity(running.store.process.pid, {running.server_cpu, running.load_cpu})
        for lane, setting in (("CN", {"feed": "live", "lines": LINES}), ("HK", {"feed": "live"})):
            running.redis.set(keyspace.feed_setting(lane), json.dumps(setting))
        self.history, url = servers.clickhouse(running.folder, secrets.token_hex(16))
        self.history.start()
        self.history.wait_ready()
        env = tickpack.environment(running) | {
            "TICKPACK_PUSH_TOKEN": _PUSH_TOKEN, "DJANGO_SETTINGS_MODULE": "config.settings", "CLICKHOUSE_URL": url,
            "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}",
        }  # fmt: skip
        self._env = env
        worker = running.start(
            "worker", [tickpack.python, "-m", "benchmarks.ingest.worker", "CN", "HK"], 0, env=env, cpus=everywhere,
            ready=lambda: all(running.redis.exists(keyspace.epoch(lane)) for lane in ("CN", "HK")),
        )  # fmt: skip
        self._port = free_port()
        node = running.start("node", tickpack.argv(self._port), self._port, env=env, cpus=everywhere)
        self.parts = {"ingest worker": worker, "node": node, "redis": running.store, "history": self.history}
        self.peaks: dict[str, int] = {}

    def close(self) -> None:
        self._over.set()
        self.history.ask_to_stop()
        self.history.make_sure_stopped(time.monotonic() + 10)

    def measure(self, seconds: float, count: int) -> dict[str, Any]:
        told = self._stage.folder / "sent.json"
        python = Tickpack(ROOT).python
        sets = _sets(count)
        memory_before = self._used()
        # A socket's bars are whole from its first one on, whatever was told before it came.
        sockets = _Sockets(self._port, [_client(self._port, symbols) for symbols in sets])
        argv = [python, "-m", "benchmarks.ingest.sender", f"http://127.0.0.1:{self._port}", _PUSH_TOKEN]
        argv += [str(seconds), str(A_SHARES), str(HONG_KONG), str(told)]
        sender = Child(
            name="sender", argv=argv, log=self._stage.folder / "log" / "sender.log", env=self._env, ready=bool
        )
        sender.start()
        try:
            time.sleep(4.0)  # symbols are known once they were pushed
            connecting_s = sockets.connect()
            quiet()
            sockets.measure()
            spent = {name: _cpu_seconds(part) for name, part in self.parts.items()}
            own, began = time.process_time(), time.monotonic()
            threading.Thread(target=self._watch, daemon=True).start()
            while sender.process is not None and sender.process.poll() is None:
                sockets.run(time.monotonic() + 1.0)
            took = time.monotonic() - began
            shares = {name: (_cpu_seconds(part) - spent[name]) / took for name, part in self.parts.items()}
            shares["clients (not ours)"] = (time.process_time() - own) / took
            if not told.exists():
                sys.exit(f"The senders gave up: {sender.log.read_text(errors='replace')[-800:]}")
            sent = json.loads(told.read_text())
            behind_s = self._wait_for_the_rest(sockets)
            found: dict[str, Any] = {
                "seconds": seconds, "sockets": count, "behind_s": behind_s,
                "connecting_s": connecting_s, "open": sockets.open(),
                "socket_bars": sockets.bars, "socket_missing": sockets.missing, "socket_again": sockets.again,
                "socket_lost": sockets.lost, "complaints": dict(sockets.complaints), "cpu": shares,
                "bar_p50_ms": sockets.percentile(0.5), "bar_p99_ms": sockets.percentile(0.99),
                "resident_mb": {name: kb / 1024 for name, kb in self.peaks.items()},
                "redis_grew_mb": (self._used() - memory_before) / 2**20, "sent": sent,
                "lanes": {lane: self._stored(lane, seconds) for lane in ("CN", "HK")},
                "refused": self._refused(),
            }  # fmt: skip
        finally:
            sockets.close()
            sender.make_sure_stopped(time.monotonic() + 2)
        found["faults"] = list(_faults(found))
        return found

    def _wait_for_the_rest(self, sockets: "_Sockets") -> float:
        """Wait until all that was pushed is read and told; return how many seconds that took."""
        began = time.monotonic()
        while time.monotonic() - began < _LONGEST_BEHIND_S:
            if not any(self._unread(lane, line) for lane, line in (("CN", "a"), ("CN", "b"), ("HK", PUSH_LINE))):
                break
            sockets.run(time.monotonic() + 0.5)
        took = time.monotonic() - began
        sockets.run(time.monotonic() + 5.0)  # the last windows
        sockets.digest()
        return took

    def _unread(self, lane: str, line: str) -> bool:
        store = self._stage.redis
        last: Any = store.xrevrange(keyspace.pushed(lane, line), count=1)
        raw = store.get(keyspace.checkpoint(lane))
        position = unpack_text(raw.decode(), Checkpoint).positions.get(line, "") if isinstance(raw, bytes) else ""
        return bool(last) and last[0][0].decode() != position

    def _watch(self) -> None:
        while not self._over.wait(1.0):
            for name, part in self.parts.items():
                if part.process is not None and part.process.poll() is None:
                    self.peaks[name] = max(self.peaks.get(name, 0), resident_kb(part.process.pid))

    def _used(self) -> int:
        return int(self._stage.redis.info("memory")["used_memory"])

    def _refused(self) -> dict[str, int]:
        store = self._stage.redis
        rows: dict[str, dict[bytes, bytes]] = {lane: store.hgetall(keyspace.refusals(lane)) for lane in ("CN", "HK")}  # type: ignore[misc]
        return {f"{lane} {name.decode()}": int(number) for lane, told in rows.items() for name, number in told.items()}

    def _stored(self, lane: str, seconds: float) -> dict[str, Any]:
        """Return what the streams of a market hold and take."""
        store = self._stage.redis
        epoch = store.get(keyspace.epoch(lane))
        assert isinstance(epoch, bytes)
        bars = keyspace.stream(lane, epoch.decode())
        windows = [unpack_window(fields[b"w"]) for fields in _entries(store, bars)]
        rows = [bar for window in windows for bar in window.bars]
        events = keyspace.events(lane, epoch.decode())
        told = [unpack_events(fields[b"e"]) for fields in _entries(store, events)]
        size, events_size = (int(store.memory_usage(key, samples=0) or 0) for key in (bars, events))  # type: ignore[arg-type]
        late_ms = [window.made_ms - end_ms(window.seq) for window in windows[2:]]
        return {
            "windows": len(windows), "gaps": _gaps(windows), "bars": len(rows),
            "volume": sum(bar.volume for bar in rows) + sum(one[2] for window in windows for one in window.corrections),
            "turnover_e4": sum(bar.turnover_e4 for bar in rows), "bytes": size, "events_bytes": events_size,
            "events": sum(len(one.prints) + len(one.books) for one in told),
            "bytes_a_bar": size / max(1, len(rows)), "mb_an_hour": size / seconds * 3600 / 2**20,
            "events_mb_an_hour": events_size / seconds * 3600 / 2**20,
            "closed_p50_ms": sorted(late_ms)[len(late_ms) // 2], "closed_most_ms": max(late_ms),
        }  # fmt: skip


class _Ends(dict[int, int]):
    """When each window ended, on the monotonic clock: from there on its bars are late."""

    def __init__(self) -> None:
        self._apart_ns = time.time_ns() - time.monotonic_ns()

    def get(self, seq: int, default: Any = None) -> int:
        return max(1, seq * WINDOW_MS * 1_000_000 - self._apart_ns)


class _Sockets(Sockets):
    def __init__(self, port: int, clients: list[Client]) -> None:
        super().__init__(port, clients)
        self.sent_ns = _Ends()


def _sets(count: int) -> list[tuple[str, ...]]:
    """Return what each socket follows: two thirds the mainland, a third Hong Kong."""
    mainland = count * 2 // 3
    first = follow_sets(mainland, EACH, a_shares(A_SHARES))
    return first + follow_sets(count - mainland, EACH, hong_kong(HONG_KONG))


def _client(port: int, symbols: tuple[str, ...]) -> Client:
    request = rounds.upgrade(port, "/ws/stock", f"Authorization: Bearer {rounds.token(EACH)}\r\n")
    asked = json.dumps({"action": "subscribe", "symbols": symbols}, separators=(",", ":"))
    return Client(request, symbols, asked.encode())


def _entries(store: Any, key: str) -> Iterator[Mapping[bytes, bytes]]:
    after = "-"
    while rows := store.xrange(key, min=after, count=500):
        yield from (fields for _, fields in rows)
        after = f"({rows[-1][0].decode()}"


def _gaps(windows: list[Window]) -> int:
    seqs = [window.seq for window in windows]
    return sum(later - before - 1 for before, later in pairwise(seqs))


def _cpu_seconds(part: Child) -> float:
    assert part.process is not None
    words = Path(f"/proc/{part.process.pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, words[11:15])) / os.sysconf("SC_CLK_TCK")


def _faults(found: dict[str, Any]) -> Iterator[str]:
    """Say what was lost, doubled or too large."""
    for lane, stored in found["lanes"].items():
        sent = found["sent"][lane]
        for what in ("volume", "turnover_e4"):
            if stored[what] != sent[what]:
                yield f"{lane}: {what} of the bars {stored[what]:,}, of the senders {sent[what]:,}"
        if stored["gaps"]:
            yield f"{lane}: {stored['gaps']} windows are missing"
        if stored["windows"] >= _FROM_WINDOWS and stored["bytes_a_bar"] > MOST_BYTES_A_BAR:
            yield f"{lane}: {stored['bytes_a_bar']:.1f} bytes a bar"
        for nth, line in enumerate(sent["lines"]):
            if set(line["answers"]) != {"200"}:
                yield f"{lane}: line {nth} was answered {line['answers']}"
    for what in ("missing", "again", "lost"):
        if number := found[f"socket_{what}"]:
            yield f"sockets: {number} {what} {found['complaints']}"
    if found["open"] != found["sockets"]:
        yield f"sockets: {found['open']} of {found['sockets']} are open"


def _print(found: dict[str, Any]) -> None:
    lanes, sockets = found["lanes"], found["sockets"]
    load = f"{found['load_before']:.1f} before, {found['load_after']:.1f} after"
    print(f"\nThe whole market: {A_SHARES + HONG_KONG:,} instruments, {found['seconds']:.0f} s")
    print(f"({os.cpu_count()} processors for all of it, senders and clients too; load {load})")
    for lane, stored in lanes.items():
        _print_lane(lane, stored, found["sent"][lane], found["seconds"])
    bars_mb = sum(stored["mb_an_hour"] * _HOURS_IN_72[lane] for lane, stored in lanes.items())
    events_mb = sum(stored["events_mb_an_hour"] for stored in lanes.values())
    print(f"Redis grew by {found['redis_grew_mb']:.0f} MB. 72 hours of the wall hold three trading days:")
    print(f"    {bars_mb:,.0f} MB of bars, and {events_mb:,.0f} MB for each hour of events that is kept")
    told = ", ".join(f"{found[f'socket_{what}']} {what}" for what in ("missing", "again", "lost"))
    print(f"{sockets:,} sockets x {EACH}: {found['socket_bars']:,} bars, {told};")
    print(f"    behind the window's end p50 {found['bar_p50_ms']:.0f} ms, p99 {found['bar_p99_ms']:.0f} ms")
    for name, share in found["cpu"].items():
        resident = f", {found['resident_mb'][name]:.0f} MB at most" if name in found["resident_mb"] else ""
        print(f"    {name:20}{share:7.1%} of a processor{resident}")
    print(
        f"rows that did not count: {found['refused']}; the last was told {found['behind_s']:.1f} s after it was pushed"
    )
    print("nothing lost" if not found["faults"] else "\n".join(["LOST", *found["faults"]]))


def _print_lane(lane: str, stored: dict[str, Any], sent: dict[str, Any], seconds: float) -> None:
    lines = sent["lines"]
    rows, waits = (sum(line[what] for line in lines) for what in ("rows", "waits"))
    late_s, slowest_s = (max(line[what] for line in lines) for what in ("late_s", "slowest_s"))
    print(f"{lane}: {rows:,} rows of {len(lines)} lines ({rows / seconds:,.0f}/s), {sent['trades']:,} moves", end=" ")
    print(f"-> {stored['bars']:,} bars in {stored['windows']} windows")
    print(f"    pushes: {waits} told to wait, an answer after {slowest_s:.1f} s at most, {late_s:.1f} s behind at most")
    print(
        f"    windows: written {stored['closed_p50_ms']} ms behind their end, {stored['closed_most_ms']} at most;",
        end=" ",
    )
    print(f"{stored['bytes_a_bar']:.1f} bytes a bar, {stored['mb_an_hour']:.0f} MB an hour")
    each = stored["events_bytes"] / max(1, stored["events"])
    print(f"    events: {stored['events']:,} of {each:.0f} bytes, {stored['events_mb_an_hour']:.0f} MB an hour")
