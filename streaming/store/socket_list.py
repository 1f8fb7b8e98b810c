"""A customer's open sockets as the books have them, and what the processes that have them say of each when asked."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kernel import keyspace
from streaming.store.quota import DEAD_AFTER_MS, is_viewer
from streaming.store.quota_scripts import VIEWER

_TOLD_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Row:
    """One open socket: its field in the books, since when (epoch ms), and how many symbols it holds."""

    field: str
    at_ms: int
    symbols: int

    @property
    def id(self) -> str:
        """Return its name for people: nothing of the process is in it."""
        return self.field.rpartition(":")[2].removeprefix(VIEWER)

    @property
    def viewer(self) -> bool:
        """Tell whether it is one of the panel's own pages."""
        return is_viewer(self.field)


async def rows(client: Any, customer: str, group: str, now_ms: int) -> list[Row]:
    """Return a customer's sockets on a node group, of processes that live, oldest first.

    Raises:
        redis.RedisError: the store is away.
    """
    pipe = client.pipeline(transaction=False)
    pipe.hgetall(keyspace.follows(customer, group))
    pipe.zrangebyscore(keyspace.PROCESSES, "-inf", now_ms - DEAD_AFTER_MS)
    books, dead = await pipe.execute()
    found = []
    for field, raw in books.items():
        if field.rpartition(b":")[0] not in dead:
            socket = json.loads(raw)
            found.append(Row(field.decode(), int(socket["at"]), len(socket["symbols"])))
    return sorted(found, key=lambda row: (row.at_ms, row.field))


async def tell(client: Any, customer: str, group: str, asked: str, told: Mapping[str, Mapping[str, Any]]) -> None:
    """Say what a process knows of some of its sockets, by their fields.

    Args:
        asked: names the question.
    """
    key = keyspace.told_sockets(customer, group, asked)
    pipe = client.pipeline(transaction=False)
    pipe.hset(key, mapping={field: json.dumps(one) for field, one in told.items()})
    pipe.expire(key, _TOLD_SECONDS)
    await pipe.execute()


async def hear(client: Any, customer: str, group: str, asked: str) -> dict[str, dict[str, Any]]:
    """Return what has been said so far, by field."""
    told = await client.hgetall(keyspace.told_sockets(customer, group, asked))
    return {field.decode(): json.loads(one) for field, one in told.items()}
