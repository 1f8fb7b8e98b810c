"""Mails that come in: one from a pipe, the new ones of a Maildir, all of an mbox."""

import mailbox
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO


class NoMailbox(Exception):
    """What was named is neither a Maildir nor an mbox."""


def each(where: str, take: Callable[[bytes], None], *, most: int, pipe: BinaryIO) -> int:
    """Hand each mail over; return how many.

    Args:
        where: a Maildir, of which only what is new is read, once; an mbox file, of which all; `-` for one from `pipe`.
        most: bytes of a mail; what is behind them is cut off.

    Raises:
        NoMailbox: nothing was read.
    """
    if where == "-":
        take(pipe.read(most))
        return 1
    if (Path(where) / "new").is_dir():
        return _maildir(Path(where), take, most)
    if Path(where).is_file():
        return _mbox(Path(where), take, most)
    raise NoMailbox(f"{where} is neither a Maildir (a folder with new/ in it) nor an mbox file; nothing read.")


def _maildir(folder: Path, take: Callable[[bytes], None], most: int) -> int:
    """Read what is new, and mark it as seen: each mail once."""
    box, read = mailbox.Maildir(folder, create=False), 0
    for key in list(box.iterkeys()):
        message = box.get_message(key)
        if message.get_subdir() != "new":
            continue
        take(message.as_bytes()[:most])
        read += 1
        message.set_subdir("cur")
        message.add_flag("S")
        box[key] = message
    return read


def _mbox(file: Path, take: Callable[[bytes], None], most: int) -> int:
    """Read all of it; who takes a mail a second time has to know it again."""
    box = mailbox.mbox(file, create=False)
    try:
        mails = [box.get_bytes(key)[:most] for key in box.iterkeys()]
    finally:
        box.close()
    for one in mails:
        take(one)
    return len(mails)
