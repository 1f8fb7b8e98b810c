"""Keeps the logs of an embedded run from filling the disk."""

import shutil
from pathlib import Path

MOST_BYTES = 20 * 2**20  # of one log; with the one before, twice as many


def rotate(folder: Path, most_bytes: int = MOST_BYTES) -> None:
    """Move what a log that has grown too long holds to `NAME.log.1`, and empty it where it stands.

    Its process keeps it open, for appending: what it writes next begins the file anew. What is written between the two
    steps is lost.
    """
    for log in folder.glob("*.log"):
        if log.stat().st_size > most_bytes:
            shutil.copyfile(log, log.with_suffix(".log.1"))
            with log.open("r+b") as opened:
                opened.truncate(0)
