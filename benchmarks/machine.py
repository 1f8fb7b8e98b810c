"""The machine: which processors a run uses, and the line that says on what it ran."""

import os
import platform
import re
import shutil
import subprocess
from functools import cache
from importlib.metadata import version
from pathlib import Path


@cache
def _usable() -> list[int]:
    return sorted(os.sched_getaffinity(0))


def processors() -> tuple[int, int]:
    """Return the processor for the server under test, and the one for load generator, store and publisher."""
    usable = _usable()
    return usable[0], usable[min(1, len(usable) - 1)]


def second_server_processor() -> int | None:
    """Return a processor for a second server process; None where the rest of a run would have none to spare."""
    usable = _usable()
    return usable[2] if len(usable) >= 4 else None


def line() -> str:
    """Return one line: processor, memory, kernel and Python."""
    model = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())
    return (
        f"{len(_usable())} x {model[1] if model else platform.machine()}, "
        f"{int(memory[1]) // 2**20 if memory else 0} GB, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}"
    )


def load() -> float:
    """Return the load average of the last minute: what else ran on the machine shows in it."""
    return os.getloadavg()[0]


def packages(*names: str) -> str:
    """Return "name version" of installed Python packages."""
    return ", ".join(f"{name} {version(name)}" for name in names)


def says(*command: str) -> str:
    """Return the first line that a program prints; nothing where it is not here or fails."""
    if shutil.which(command[0]) is None and not Path(command[0]).exists():
        return ""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).strip().partition("\n")[0] if done.returncode == 0 else ""
