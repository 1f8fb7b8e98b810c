"""The processes of the shop that `./dev soak money` kills: web, worker and beat, as a deployment runs them."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[2]


class Shop:
    """The shop's web process, its worker and beat; each may be killed and comes again."""

    def __init__(self, port: int, var: Path) -> None:
        celery = [sys.executable, "-m", "celery", "-A", "config"]
        self._commands = {
            "web": [sys.executable, "manage.py", "serve", "--host", "127.0.0.1", "--port", str(port)],
            "worker": [*celery, "worker", "-P", "threads", "--without-gossip", "--without-mingle",
                       "--without-heartbeat", "-Q", "control", "-c", "4", "-l", "WARNING"],
            "beat": [*celery, "beat", "--pidfile=", "-l", "WARNING", "-s", str(var / "beat")],
        }  # fmt: skip
        self._log = var / "log"
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._url = f"http://127.0.0.1:{port}/.well-known/jwks.json"

    def start(self) -> None:
        for name in self._commands:
            self._begin(name)
        deadline = time.monotonic() + 60
        while not self._answers():
            if time.monotonic() > deadline:
                raise RuntimeError((self._log / "web.log").read_text()[-2000:])
            time.sleep(0.2)

    def look(self) -> None:
        """Begin again what has ended by itself, as a supervisor does."""
        for name, process in self._running.items():
            if process.poll() is not None:
                self._begin(name)

    def kill(self, name: str) -> None:
        """End a process as if its machine had lost power, and begin it again."""
        process = self._running[name]
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self._begin(name)

    def stop(self) -> None:
        for process in self._running.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _begin(self, name: str) -> None:
        with (self._log / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                self._commands[name], cwd=ROOT, stdout=log, stderr=log, start_new_session=True
            )

    def _answers(self) -> bool:
        try:
            return httpx.get(self._url, timeout=2, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False
