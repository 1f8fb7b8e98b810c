"""Child processes that never outlive us: each dies with its parent, even when the parent is killed with SIGKILL."""

import contextlib
import ctypes
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1
_CLONE_NEWUSER = 0x10000000
_NOBODY = 65534


class ChildFailed(Exception):
    """A child process ended or never answered; the text is the one sentence for the person at the terminal."""


@dataclass
class Child:
    """How to run one part, and the running process.

    `identity` says as whom: "self", or for PostgreSQL, which refuses root, "userns" (root mapped to an ordinary
    number in a user namespace of its own) or "nobody".
    """

    name: str
    argv: Sequence[str]
    log: Path | None  # None: it writes where we do
    ready: Callable[[], bool]
    env: dict[str, str] = field(default_factory=dict)
    identity: str = "self"
    stop_signal: int = signal.SIGTERM
    orphan_signal: int = signal.SIGKILL  # what it gets when the supervisor is gone
    ready_seconds: float = 40.0
    # A file that it touches while it works; older than `stuck_seconds`, the child lives and does nothing.
    alive_file: Path | None = None
    stuck_seconds: float = 40.0
    started_at: float = 0.0  # of time.time
    process: subprocess.Popen[bytes] | None = None
    deaths: list[float] = field(default_factory=list)

    def start(self) -> None:
        """Start it; `wait_ready` waits for its first answer."""
        parent = os.getpid()
        self.started_at = time.time()

        def prepare() -> None:
            os.setsid()
            become(self.identity)
            # After the change of identity: that clears the death signal.
            _LIBC.prctl(_PR_SET_PDEATHSIG, self.orphan_signal)
            if os.getppid() not in (parent, 0):
                os._exit(98)

        with contextlib.ExitStack() as opened:
            log = opened.enter_context(self.log.open("ab")) if self.log is not None else None
            self.process = subprocess.Popen(
                [str(part) for part in self.argv],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT if log is not None else None,
                env={**os.environ, **self.env},
                preexec_fn=prepare,  # noqa: PLW1509  (the parent has one thread; set-up needs the child's own side)
            )

    def wait_ready(self) -> None:
        """Wait for the first answer.

        Raises:
            ChildFailed: it ended, or did not answer in time; the text quotes the end of its log.
        """
        deadline = time.monotonic() + self.ready_seconds
        while not self.ready():
            if (code := self.poll()) is not None:
                raise ChildFailed(f"{self.name} ended at once ({ending(code)}): {self.last_words()} (log: {self.log})")
            if time.monotonic() > deadline:
                raise ChildFailed(
                    f"{self.name} did not answer in {self.ready_seconds:.0f} s: {self.last_words()} (log: {self.log})"
                )
            time.sleep(0.02)

    def poll(self) -> int | None:
        """Return how it ended, as subprocess does; None while it runs, 0 before it was started."""
        return self.process.poll() if self.process else 0

    def is_stuck(self) -> bool:
        """Tell whether it runs and has not shown for too long that it works."""
        if self.alive_file is None or self.process is None or self.process.poll() is not None:
            return False
        try:
            alive_at = self.alive_file.stat().st_mtime
        except OSError:
            alive_at = 0.0
        return time.time() - max(alive_at, self.started_at) > self.stuck_seconds

    def ask_to_stop(self) -> None:
        """Send its stop signal; nothing happens where it has ended."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(self.stop_signal)

    def kill(self) -> None:
        """End it and what it has started, at once; also where it is stopped."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(5)

    def make_sure_stopped(self, deadline: float) -> None:
        """Wait until `deadline` (monotonic), then kill the whole process group."""
        if not self.process:
            return
        try:
            self.process.wait(max(0.05, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(2)

    def last_words(self) -> str:
        """Return the last line of its log that says something."""
        if self.log is None:
            return "see above"
        try:
            tail = self.log.read_bytes()[-4000:].decode(errors="replace")
        except OSError:
            return "it left no log"
        if "No space left on device" in tail:
            return f"the disk that holds {self.log.parent} is full"
        lines = [line.strip() for line in tail.splitlines() if line.strip()]
        return lines[-1][:300] if lines else "it said nothing"


def become(identity: str) -> None:
    """Change who this (freshly forked) process is. Exits 97 where the machine does not allow it."""
    if identity == "userns":
        uid, gid = os.getuid(), os.getgid()
        if _LIBC.unshare(_CLONE_NEWUSER):
            os._exit(97)
        for file, line in (("setgroups", "deny"), ("uid_map", f"1000 {uid} 1"), ("gid_map", f"1000 {gid} 1")):
            Path(f"/proc/self/{file}").write_text(line)
    elif identity == "nobody":
        os.setgroups([])
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)


def run_as(identity: str, argv: Sequence[str | Path], log: Path) -> int:
    """Run a command to its end as `identity`, its words into `log`; return its exit code."""
    with log.open("ab") as out:
        return subprocess.run(
            [str(part) for part in argv],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            preexec_fn=lambda: become(identity),
            check=False,
        ).returncode


def ending(code: int) -> str:
    """Say how a process ended: "killed by SIGKILL", "exit code 1"."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


# Below what kernels hand out to outgoing connections (Linux 32768+, macOS 49152+): a port of those may be gone again
# before the server that it was meant for has started, and then another one answers there.
_PORTS = range(20_000, 32_768)
_handed_out: set[int] = set()


def free_port() -> int:
    """Return a loopback port that nobody listens on, and that nobody is given by chance before it is used.

    Raises:
        ChildFailed: 1,000 random ports are all taken.
    """
    for _ in range(1_000):
        port = secrets.choice(_PORTS)
        if port not in _handed_out and not port_is_taken(port):
            _handed_out.add(port)
            return port
    raise ChildFailed(f"no free port between {_PORTS.start} and {_PORTS.stop - 1} on 127.0.0.1: what listens there?")


def port_is_taken(port: int) -> bool:
    """Tell whether a loopback port cannot be bound because somebody has it.

    Raises:
        PermissionError: the machine lets only root have it.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            raise
        except OSError:
            return True
    return False


def port_answers(port: int) -> bool:
    """Tell whether somebody accepts connections on a loopback port within 0.3 s."""
    with socket.socket() as probe:
        probe.settimeout(0.3)
        return probe.connect_ex(("127.0.0.1", port)) == 0


PYTHON = sys.executable
