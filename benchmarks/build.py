"""What has to be there before a run: the C programs, compiled at need, and the peers' own programs."""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

SOURCES = Path(__file__).parent / "loadgen"
PROGRAMS = {
    "loadgen": ("loadgen.c", "clients.c", "round.c", "gauge.c", "common.c"),
    "climit": ("climit.c", "common.c"),
}
FLAGS = ("-std=gnu11", "-O2", "-march=native", "-Wall", "-Wextra", "-Werror")
WS_VERSION = "8.23.0"


class Missing(Exception):
    """Something that a peer needs is not here; the text is the command that mends it."""


def build_folder() -> Path:
    """Return where programs are built: var/bench of the checkout, or the temporary folder where that is read-only."""
    root = Path(__file__).resolve().parents[1]
    folder = root / "var" / "bench" if os.access(root, os.W_OK) else Path(tempfile.gettempdir()) / "tickpack-bench"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def program(name: str, folder: Path | None = None) -> Path:
    """Return a C program, compiled when its sources have changed.

    Raises:
        Missing: there is no C compiler.
        subprocess.CalledProcessError: it does not compile; gcc has said why.
    """
    folder = folder or build_folder()
    sources = [SOURCES / source for source in PROGRAMS[name]]
    state = hashlib.sha256(" ".join(FLAGS).encode())
    for file in sorted(SOURCES.iterdir()):
        state.update(file.read_bytes())
    built = folder / f"{name}-{state.hexdigest()[:12]}"
    if not built.exists():
        compiler = shutil.which("gcc") or shutil.which("cc")
        if compiler is None:
            raise Missing("apt-get install -y gcc libc6-dev")
        draft = built.with_suffix(f".{os.getpid()}")
        subprocess.run([compiler, *FLAGS, "-o", draft, *sources], check=True)
        draft.replace(built)
    return built


def nats_server() -> Path:
    """Return nats-server, installed from Debian where we are root.

    Raises:
        Missing: it is not here and cannot be installed by us.
    """
    if shutil.which("nats-server") is None and os.geteuid() == 0 and shutil.which("apt-get"):
        for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "nats-server"]):
            subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    found = shutil.which("nats-server")
    if found is None:
        raise Missing("apt-get install -y nats-server")
    return Path(found)


def node_modules() -> Path:
    """Return a folder whose node_modules has `ws`.

    Raises:
        Missing: Node is not here, or npm cannot install.
    """
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise Missing("apt-get install -y nodejs npm")
    folder = build_folder() / "node"
    installed = folder / "node_modules" / "ws" / "package.json"
    if not installed.exists() or json.loads(installed.read_text())["version"] != WS_VERSION:
        folder.mkdir(exist_ok=True)
        (folder / "package.json").write_text('{"private": true}\n')
        done = subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--silent", f"ws@{WS_VERSION}"],
            cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise Missing(f"cd {folder} && npm install ws@{WS_VERSION}")
    return folder
