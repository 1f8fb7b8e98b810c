"""Processes of a run: each pinned to its processor, ended with us, its words in a log; and the store they share."""

import json
import os
import secrets
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis

from benchmarks import build, machine
from config.embedded import servers
from config.embedded.children import Child, ChildFailed, port_answers


class Stage:
    """One run's folder, its Redis and whatever else it has started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server_cpu, self.load_cpu = machine.processors()
        self._ours = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {self.load_cpu})  # we watch while others are measured
        (folder / "log").mkdir()
        # A real one as `./dev up` starts it, on the load's processor: the figure is the server's alone.
        store, self.redis_url, _ = servers.valkey(folder, secrets.token_hex(8), keep=False)
        self.store = self._pinned(store, str(self.load_cpu))
        self.store.start()
        self.store.wait_ready()
        self.redis = redis.Redis.from_url(self.redis_url)
        self._children = [self.store]

    def start(
        self, name: str, argv: Sequence[str | Path], port: int, *, env: dict[str, str] | None = None,
        cpus: str = "", ready: Callable[[], bool] | None = None,
    ) -> Child:  # fmt: skip
        """Start a program and wait until its port answers.

        Args:
            cpus: what `taskset -c` takes; by default the processor of the server under test.

        Raises:
            ChildFailed: it ended or never answered; the text quotes the end of its log.
        """
        child = Child(
            name=name, argv=[str(part) for part in argv], log=self.folder / "log" / f"{name}.log", env=env or {},
            ready=ready or (lambda: port_answers(port)),
        )  # fmt: skip
        self._pinned(child, cpus or str(self.server_cpu)).start()
        self._children.append(child)
        child.wait_ready()
        return child

    def stop(self, child: Child) -> None:
        child.ask_to_stop()
        child.make_sure_stopped(time.monotonic() + 5)
        self._children.remove(child)

    def close(self) -> None:
        os.sched_setaffinity(0, self._ours)
        self.redis.close()
        for child in reversed(list(self._children)):
            self.stop(child)

    def _pinned(self, child: Child, cpus: str) -> Child:
        child.argv = ["taskset", "-c", cpus, *child.argv]
        return child

    def load(self, arguments: Sequence[str | int | Path], *, limit: float = 600.0) -> dict[str, dict[str, Any]]:
        """Run the load generator; return what it measured by phase (a phase that ran twice: "paced", "paced 2").

        Raises:
            ChildFailed: it gave up; the text is what it said.
        """
        command = ["taskset", "-c", str(self.load_cpu), str(build.program("loadgen")), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)
        if done.returncode != 0:
            raise ChildFailed(f"the load generator gave up: {done.stderr.strip()[-600:] or done.returncode}")
        phases: dict[str, dict[str, Any]] = {}
        for line in done.stdout.splitlines():
            row = json.loads(line)
            name, again = row["phase"], 2
            while name in phases:
                name, again = f"{row['phase']} {again}", again + 1
            phases[name] = row
        if done.stderr.strip():
            phases["complaints"] = {"text": done.stderr.strip()}
        return phases


@contextmanager
def stage() -> Iterator[Stage]:
    """Yield a stage in a folder of its own, and clear up."""
    with tempfile.TemporaryDirectory(prefix="tickpack-bench-") as folder:
        running = Stage(Path(folder))
        try:
            yield running
        finally:
            running.close()


def listening(port: int) -> int:
    """Return how many sockets listen on a port: one for each process of a server that shares it."""
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return sum(row[1].endswith(f":{port:04X}") and row[3] == "0A" for row in rows)


def children_of(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def held_sockets(port: int) -> int:
    """Return how many connections to a port of this machine a server still holds a descriptor of."""
    wanted, held = f"{port:04X}", 0
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, _, state, *_rest = line.split(maxsplit=9)
        # 0A is the listening socket; inode 0 is a connection that the kernel alone is still closing.
        held += local.endswith(wanted) and state != "0A" and line.split()[9] != "0"
    return held


def resident_kb(pid: int) -> int:
    """Return a process's resident memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024
