"""Part `autobahn`: the independent conformance suite against our own protocol class; no case may be FAILED.

The suite runs on Python 2.7. It is installed at need into var/soak (or a temporary folder), never committed.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from benchmarks.soak.ground import ROOT, Ground, stop
from benchmarks.soak.report import Figure, Skipped
from config.embedded.children import free_port, port_answers

SUITE = "autobahntestsuite==25.10.1"
_VIRTUALENV = "virtualenv==20.15.1"  # the last one that makes environments for Python 2.7
_MEND = "pyenv install 2.7.18, or apt-get install python2.7; then ./dev soak autobahn"
_PASSED = ("OK", "NON-STRICT", "INFORMATIONAL")
_CLOSED_WELL = (*_PASSED, "FAILED BY CLIENT")  # its word for a peer that ends a connection that broke the protocol


def python2() -> Path:
    """Return a Python 2.7.

    Raises:
        Skipped: there is none.
    """
    for folder in sorted(Path("~/.pyenv/versions").expanduser().glob("2.7*"), reverse=True):
        if (folder / "bin" / "python2.7").exists():
            return folder / "bin" / "python2.7"
    found = shutil.which("python2.7")
    # A pyenv shim is there for every version that is installed anywhere, and may answer that it is not in use.
    if found is None or subprocess.run([found, "-V"], capture_output=True, check=False).returncode != 0:
        raise Skipped(f"the suite needs Python 2.7; mend it with: {_MEND}")
    return Path(found)


def suite() -> Path:
    """Return the suite's program, installed where it is missing.

    Raises:
        Skipped: it cannot be installed.
    """
    parent = ROOT / "var" if os.access(ROOT, os.W_OK) else Path(tempfile.gettempdir())
    folder = parent / "soak" / SUITE.replace("==", "-")
    program = folder / "venv" / "bin" / "wstest"
    if (folder / "whole").exists():
        return program
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    python, tools = python2(), folder / "tools"
    for command in (
        [python, "-m", "pip", "install", "-q", "--target", tools, _VIRTUALENV],
        [python, "-m", "virtualenv", "-q", folder / "venv"],
        [folder / "venv" / "bin" / "pip", "install", "-q", SUITE],
    ):
        words = [str(part) for part in command]
        env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
        if "virtualenv" in words:
            env["PYTHONPATH"] = str(tools)
        done = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise Skipped(f"{' '.join(words)} failed ({said[-1][:200] if said else '?'}); mend the index or: {_MEND}")
    if not program.exists():
        raise Skipped(f"{SUITE} has installed no wstest")
    (folder / "whole").touch()
    return program


def run(ground: Ground, *, short: bool) -> list[Figure]:
    """Run every case (`short`: without the large messages of 9.* too), and judge the report, not the exit code."""
    program, port = suite(), free_port()
    echo = ground.run("echo", [sys.executable, "-m", "benchmarks.soak.echo", str(port)], lambda: port_answers(port))
    # 12 and 13 are compression, which is off.
    left_out = ["12.*", "13.*", *(["9.*"] if short else [])]
    spec = {
        "url": f"ws://127.0.0.1:{port}", "outdir": str(ground.folder / "reports"),
        "servers": [{"agent": "tickpack", "url": f"ws://127.0.0.1:{port}"}],
        "cases": ["*"], "exclude-cases": left_out, "exclude-agent-cases": {},
    }  # fmt: skip
    (ground.folder / "spec.json").write_text(json.dumps(spec))
    try:
        done = subprocess.run(
            [str(program), "-m", "fuzzingclient", "-s", str(ground.folder / "spec.json")],
            cwd=ground.folder, capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
    finally:
        stop(echo)
    index = ground.folder / "reports" / "index.json"
    if not index.exists():
        raise Skipped(f"the suite has left no report: {(done.stdout + done.stderr).strip()[-300:]}")
    results = json.loads(index.read_text())["tickpack"]
    verdicts = Counter(case["behavior"] for case in results.values())
    closes = Counter(case["behaviorClose"] for case in results.values())
    failed = sorted(
        name for name, case in results.items()
        if case["behavior"] not in _PASSED or case["behaviorClose"] not in _CLOSED_WELL
    )  # fmt: skip
    for name in failed:
        case = results[name]
        print(f"autobahn {name}: {case['behavior']}, close {case['behaviorClose']} ({case['remoteCloseCode']})")
    return [
        Figure("autobahn", "cases", len(results), ">= 200" if short else ">= 240"),
        Figure("autobahn", "failed", len(failed), "= 0"),
        Figure("autobahn", "non strict", verdicts["NON-STRICT"] + closes["NON-STRICT"]),
    ]
