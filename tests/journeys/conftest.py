"""Whole embedded runs, as `./dev up` makes them: every part a process of its own."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page

ROOT = Path(__file__).resolve().parents[2]
# What the test run itself was given must not reach the run under test: it starts its own servers.
OURS = ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "CLICKHOUSE_URL", "TICKPACK_VAR", "DJANGO_SETTINGS_MODULE")


class Run:
    """One running `manage.py up` and what it wrote into var/up.json."""

    def __init__(self, var: Path, *arguments: str, environment: dict[str, str] | None = None) -> None:
        self.var, self.output = var, var.parent / f"{var.name}.out"
        env = {name: value for name, value in os.environ.items() if name not in OURS}
        env |= environment or {}
        command = [sys.executable, "manage.py", "up", "--var", str(var), *arguments]
        with self.output.open("w") as out:
            self.process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=subprocess.STDOUT)
        self.facts: dict = {}

    def wait(self, seconds: float = 180) -> "Run":
        deadline = time.monotonic() + seconds
        file = self.var / "up.json"
        while time.monotonic() < deadline:
            if file.exists() and (facts := json.loads(file.read_text()))["pid"] == self.process.pid:
                self.facts = facts
                return self
            assert self.process.poll() is None, f"it ended: {self.output.read_text()}"
            time.sleep(0.05)
        raise AssertionError(f"not up in {seconds} s: {self.output.read_text()}")

    @property
    def text(self) -> str:
        return self.output.read_text()

    def pid_of(self, part: str) -> int:
        """Return the process id of a part: ingest, web, control, beat, valkey, postgres, history."""
        marks = {
            "ingest": "ingest@",
            "control": "control@",
            "beat": "config beat",
            "web": "manage.py serve",
            "history": "history.sidecar",
        }
        for pid in self.children():
            command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            if marks.get(part, part) in command:
                return pid
        raise AssertionError(f"no {part} runs")

    def children(self) -> list[int]:
        found = subprocess.run(
            ["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True, check=False
        ).stdout
        return [int(pid) for pid in found.split()]

    def shell(self, code: str) -> str:
        """Run Python inside the run's shop, as an operator would; return what it prints."""
        environment = Path(f"/proc/{self.pid_of('web')}/environ").read_bytes().decode().split("\0")
        said = subprocess.run(
            [sys.executable, "manage.py", "shell", "-c", code],
            cwd=ROOT, env=dict(line.split("=", 1) for line in environment if "=" in line), capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        assert said.returncode == 0, said.stderr
        return said.stdout

    def stop(self, number: int = signal.SIGINT, seconds: float = 12) -> float:
        """End it; return how long that took, in seconds."""
        began = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.wait(seconds)
        return time.monotonic() - began


def is_alive(pid: int) -> bool:
    try:
        return not re.search(r"\) [ZX] ", Path(f"/proc/{pid}/stat").read_text())
    except OSError:
        return False


@pytest.fixture
def start(tmp_path) -> Iterator[Callable[..., Run]]:
    """Start runs; whatever still runs at the end is ended."""
    runs: list[Run] = []

    def begin(*arguments: str, var: Path | None = None, environment: dict[str, str] | None = None) -> Run:
        port = () if "--port" in arguments else ("--port", "0")
        runs.append(Run(var or tmp_path / f"var{len(runs)}", *port, *arguments, environment=environment))
        return runs[-1]

    yield begin
    for run in runs:
        try:
            run.stop()
        except subprocess.TimeoutExpired:
            run.process.kill()


@pytest.fixture
def open_page(browser) -> Iterator:
    """Open a page in a context of its own; at the end, no script may have failed and nothing may have been refused."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_one(*, width: int = 1280, locale: str = "en-US") -> Page:
        context = browser.new_context(viewport={"width": width, "height": 860}, locale=locale)
        contexts.append(context)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert complaints == []
