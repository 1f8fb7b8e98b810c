"""The list of instruments that operators have published, in Redis: its head is looked at, and the rest when it is new.

Every process of the data plane looks; none of them needs SQL, and without a published list the committed one counts.
"""

import logging
import threading
from typing import Any, cast

import redis

from kernel import keyspace, listing
from kernel.instruments import InstrumentId
from streaming.reference import instruments
from streaming.store.readable import say_once

log = logging.getLogger(__name__)
Moved = dict[InstrumentId, InstrumentId]
_taking = threading.Lock()  # a process of ingest looks from each lane's thread
_unreadable: str = ""  # the head of a list that could not be read; it is not read again


def look(client: redis.Redis) -> Moved:
    """Take the published list where it is another than the one in force; return whose code has changed.

    Raises:
        redis.RedisError: the store is away.
    """
    head = cast(bytes, client.getrange(keyspace.INSTRUMENTS, 0, listing.LONGEST_HEAD - 1)).decode()
    if not _is_news(head):
        return {}
    packed = cast("bytes | None", client.get(keyspace.INSTRUMENTS))
    return _take(packed.decode() if packed is not None else "")


async def look_async(client: Any) -> Moved:
    """Do the same on an event loop; reading a list of 6,000 takes some 40 ms, when there is a new one."""
    head = (await client.getrange(keyspace.INSTRUMENTS, 0, listing.LONGEST_HEAD - 1)).decode()
    if not _is_news(head):
        return {}
    packed = await client.get(keyspace.INSTRUMENTS)
    return _take(packed.decode() if packed is not None else "")


def _is_news(head: str) -> bool:
    if not head:
        return instruments.rev() != 0
    return head != _unreadable and listing.head(head) != instruments.rev()


def _take(packed: str) -> Moved:
    global _unreadable
    with _taking:
        if not _is_news(packed[: listing.LONGEST_HEAD]):
            return {}  # another thread was first
        try:
            rev = listing.head(packed) or 0
            moved = instruments.take(rev, listing.unpack(packed) if packed else None)
        except ValueError as error:
            _unreadable = packed[: listing.LONGEST_HEAD]
            say_once("the published list of instruments", error)
            return {}
    log.info("the list of instruments is now %s", f"the published one, number {rev}" if rev else "the committed one")
    return moved
