"""The product's own `manage.py` in a process that tells on SIGUSR2 what it holds: for `Node.inside`, nothing else."""

import asyncio
import gc
import json
import os
import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

from django.core.management import execute_from_command_line

_OF_A_SOCKET = ("StreamConsumer", "WireProtocol", "TransportWire", "Member", "Connection")


def _tell(number: int, frame: FrameType | None) -> None:
    gc.collect()
    kinds = Counter(type(one).__name__ for one in gc.get_objects())
    told = {"tasks": len(asyncio.all_tasks(asyncio.get_running_loop()))} | {name: kinds[name] for name in _OF_A_SOCKET}
    target = Path(os.environ["SOAK_STATE"])
    draft = target.with_suffix(".draft")
    draft.write_text(json.dumps(told))
    draft.replace(target)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    signal.signal(signal.SIGUSR2, _tell)
    execute_from_command_line(sys.argv)
