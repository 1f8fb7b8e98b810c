"""Who follows what: the union of one customer's symbols over all sockets, processes and nodes of a group, exactly.

One hash a customer and group, one field a socket; every question and change is one Lua script, so fifty subscribes at
once cannot take more than the quota (streaming.store.quota_scripts). A socket of a process that has died counts no more
after 25 s: each process signs `processes` every 5 s, and who has not for 20 s is left out by whoever asks next.

Viewers, the panel's own pages, stand in the same hash. They count among no connections, and what they alone follow is
given back as soon as a program wants the room: whoever takes it is told which of them to tell.
"""

import asyncio
import json
import math
import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import redis
import redis.asyncio
from django.conf import settings

from kernel import keyspace
from kernel.instruments import InstrumentId
from kernel.scope import Scope
from kernel.tokens import Claims
from streaming.errors import TooManyConnections, TooManyViewers
from streaming.store import quota_scripts
from streaming.store.access import Record, commands
from streaming.store.pipeline import CommandPipeline

SIGN_SECONDS = 5.0
DEAD_AFTER_MS = 20_000
_KEY_TTL_S = 86_400  # refreshed by every socket's re-check; a customer who never returns leaves nothing behind
# The dead are remembered for longer than anything that they could have left behind.
_FORGET_AFTER_MS = (_KEY_TTL_S + 3600) * 1000

# What one customer may connect: a fleet of programs that starts again, then five a second.
CONNECT_BURST, CONNECT_EVERY_MS = 60, 200
MOST_VIEWERS = 5  # sockets of pages: of a customer on a group
MOST_GUESTS = 10  # and of an address that nobody logged in from
PROCESS = f"{settings.NODE_ID}-{os.getpid()}-{secrets.token_hex(4)}"


@dataclass(frozen=True, slots=True)
class ConnectionKey:
    """One socket's place in the books."""

    customer: str
    group: str
    field: str

    @property
    def key(self) -> str:
        return keyspace.follows(self.customer, self.group)

    @property
    def viewer(self) -> bool:
        """Tell whether it is a page's."""
        return is_viewer(self.field)

    @classmethod
    def of(cls, claims: Claims) -> "ConnectionKey":
        """Return a new socket's place in the books of this process."""
        kind = quota_scripts.VIEWER if claims.viewer else ""
        return cls(claims.scope.customer, claims.scope.group, f"{PROCESS}:{kind}{secrets.token_hex(6)}")


def is_viewer(field: str) -> bool:
    """Tell whether a field of the books is a page's."""
    return f":{quota_scripts.VIEWER}" in field


def most_connections(claims: Claims, scope: Scope, now_ms: int) -> int:
    """Return how many sockets of its kind may be open beside a token's."""
    if claims.viewer:
        return MOST_GUESTS if claims.guest else MOST_VIEWERS
    return max(1, scope.at(now_ms / 1000).max_conns)


def _nobody(socket: ConnectionKey, fields: list[str]) -> None:
    """Tell no one."""


class QuotaRegistry:
    """The books of one process, for its event loop. Every method raises redis.RedisError when the store is away.

    Args:
        gave_way: called with the socket of a program and the fields of the viewers that have lost symbols to it.
    """

    def __init__(
        self, client: "redis.asyncio.Redis", gave_way: Callable[[ConnectionKey, list[str]], object] = _nobody
    ) -> None:
        self._redis, self._gave_way = client, gave_way
        self._batch = CommandPipeline(lambda: self._redis)
        self._scripts = {
            name: client.register_script(text)
            for name, text in (
                ("enter", quota_scripts.ENTER),
                ("claim", quota_scripts.CLAIM),
                ("release", quota_scripts.RELEASE),
                ("shrink", quota_scripts.SHRINK),
                ("reconcile", quota_scripts.RECONCILE),
                ("review", quota_scripts.REVIEW),
            )
        }
        self._dead: dict[str, bool] = {}
        self._signed_ms: int | None = None
        self.lost = 0  # how often the store has come back without our signature, and so perhaps without the books

    @property
    def dead(self) -> str:
        """Return the processes that have stopped giving signs of life, as scripts take them: JSON {name: true}."""
        return json.dumps(self._dead)

    async def sign(self, now_ms: int) -> None:
        """Give this process's sign of life and learn who has stopped giving theirs."""
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.zadd(keyspace.PROCESSES, {PROCESS: now_ms})
            pipe.zrangebyscore(keyspace.PROCESSES, "-inf", now_ms - DEAD_AFTER_MS)
            pipe.zremrangebyscore(keyspace.PROCESSES, "-inf", now_ms - _FORGET_AFTER_MS)
            was_new, dead, _ = await pipe.execute()
        if was_new and self._signed_ms is not None:
            self.lost += 1
        # A store that was away took nobody's signature: the others get until our next one to give theirs.
        all_were_silent = self._signed_ms is not None and now_ms - self._signed_ms > DEAD_AFTER_MS // 2
        self._signed_ms = now_ms
        self._dead = {} if all_were_silent else {name.decode(): True for name in dead}

    async def _run(self, name: str, socket: ConnectionKey, now_ms: int, *more: Any) -> Any:
        arguments = [*self._arguments(socket, now_ms), *more]
        return await self._evaluate(name, [socket.key, keyspace.asked(socket.customer, socket.group)], arguments)

    async def _evaluate(self, name: str, keys: list[str], arguments: list[Any]) -> Any:
        script = self._scripts[name]
        (answer,) = await self._batch.run(("EVALSHA", script.sha, len(keys), *keys, *arguments))
        if isinstance(answer, redis.exceptions.NoScriptError):
            return await script(keys=keys, args=arguments)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def register_and_lookup(
        self, socket: ConnectionKey, claims: Claims, max_conns: int, now_ms: int
    ) -> tuple[Record, int, list[str]]:
        """Enter a socket and look its customer up, in one round trip.

        Returns:
            What is stored about the token, the symbols in use, and the fields of the sockets that must go, oldest
            first.

        Raises:
            TooManyConnections: HTTP 429, with the seconds to wait; the socket is not entered.
            TooManyViewers: HTTP 429; `max_conns` pages are open already.
        """
        enter = self._scripts["enter"]
        keys = [socket.key, self._limiter(socket)]
        arguments = [*self._arguments(socket, now_ms), max_conns, CONNECT_EVERY_MS, CONNECT_BURST]
        *stored, entered = await self._batch.run(
            *commands(claims), ("EVALSHA", enter.sha, len(keys), *keys, *arguments)
        )
        if isinstance(entered, redis.exceptions.NoScriptError):
            entered = await enter(keys=keys, args=arguments)
        record = Record.of_answers(stored)
        if isinstance(entered, Exception):
            raise entered
        used, over = int(entered[0]), _fields(entered[1])
        if used == -2:
            raise TooManyViewers(f"{max_conns} of the panel's pages are connected already; close one", most=max_conns)
        if used < 0:
            raise TooManyConnections(retry_after_s=math.ceil(float(over[0]) / 1000))
        return record, used, over

    async def register(self, socket: ConnectionKey, max_conns: int, now_ms: int) -> tuple[int, list[str]]:
        """Enter a socket again, with another number of them; return as above. Costs nothing of the limit."""
        arguments = [*self._arguments(socket, now_ms), max_conns, 0, 1]
        used, over = await self._evaluate("enter", [socket.key, self._limiter(socket)], arguments)
        return int(used), _fields(over)

    @staticmethod
    def _limiter(socket: ConnectionKey) -> str:
        # Pages that come and go must not hold the customer's programs back.
        kind = "connect-viewer" if socket.viewer else "connect"
        return keyspace.rate(kind, f"{socket.customer}@{socket.group}")

    def _arguments(self, socket: ConnectionKey, now_ms: int) -> list[Any]:
        return [socket.field, self.dead, now_ms, _KEY_TTL_S]

    async def claim(
        self, socket: ConnectionKey, wanted: Sequence[InstrumentId], max_subs: int, now_ms: int, *, whole: bool = False
    ) -> tuple[frozenset[str], int]:
        """Take quota for symbols in their order; return those granted and the number in use.

        A program gets whatever no program holds: viewers give way, newest-followed symbols first.

        Args:
            whole: all of them or none.
        """
        symbols = json.dumps([str(one) for one in wanted])
        granted, used, concerned = await self._run("claim", socket, now_ms, max_subs, symbols, "1" if whole else "0")
        if concerned:
            self._gave_way(socket, _fields(concerned))
        return frozenset(symbol.decode() for symbol in granted), int(used)

    async def release(self, socket: ConnectionKey, instruments: Sequence[InstrumentId], now_ms: int) -> int:
        return int(await self._run("release", socket, now_ms, json.dumps([str(one) for one in instruments])))

    async def shrink(self, socket: ConnectionKey, max_subs: int, now_ms: int) -> tuple[list[str], int]:
        """Give back what is over a quota that shrank; return what this socket lost, newest first, and the use."""
        dropped, used = await self._run("shrink", socket, now_ms, max_subs)
        return [symbol.decode() for symbol in dropped], int(used)

    async def reconcile(
        self, socket: ConnectionKey, instruments: Sequence[InstrumentId], now_ms: int, max_subs: int = -1
    ) -> int:
        """Make the books say exactly what a program's socket follows, whatever the store lost or never heard of.

        Args:
            max_subs: where it is known, viewers give way to what comes back.
        """
        symbols = json.dumps([str(one) for one in instruments])
        used, concerned = await self._run("reconcile", socket, now_ms, symbols, max_subs)
        if concerned:
            self._gave_way(socket, _fields(concerned))
        return int(used)

    async def review(
        self, socket: ConnectionKey, instruments: Sequence[InstrumentId], max_subs: int, now_ms: int
    ) -> tuple[list[str], int]:
        """Make the books say what a viewer's socket follows; return what it has lost to programs, and the use."""
        symbols = json.dumps([str(one) for one in instruments])
        lost, used = await self._run("review", socket, now_ms, symbols, max_subs)
        return _fields(lost), int(used)

    async def leave(self, socket: ConnectionKey) -> None:
        (answer,) = await self._batch.run(("HDEL", socket.key, socket.field))
        if isinstance(answer, Exception):
            raise answer


async def heartbeat_loop(registry: QuotaRegistry, now_ms: Any) -> None:
    """Sign for ever; a store that is away is tried again."""
    while True:
        try:
            await registry.sign(now_ms())
        except redis.RedisError:
            await asyncio.sleep(1)
            continue
        await asyncio.sleep(SIGN_SECONDS)


def _fields(answer: Sequence[bytes]) -> list[str]:
    return [one.decode() for one in answer]


@dataclass(frozen=True, slots=True)
class Use:
    """What a customer uses: `symbols` by everybody, `viewers_only` by pages alone; both sorted."""

    symbols: list[str]
    viewers_only: list[str]
    connections: int  # of programs
    viewers: int  # sockets of pages


async def usage(client: Any, customer: str, group: str, now_ms: int) -> Use:
    """Return what a customer's open sockets use (for REST).

    Raises:
        redis.RedisError: the store is away.
    """
    rows: dict[bytes, bytes] = await client.hgetall(keyspace.follows(customer, group))
    dead: list[bytes] = await client.zrangebyscore(keyspace.PROCESSES, "-inf", now_ms - DEAD_AFTER_MS)
    alive = [(is_viewer(field.decode()), raw) for field, raw in rows.items() if field.rpartition(b":")[0] not in dead]
    followed: dict[bool, set[str]] = {False: set(), True: set()}
    for viewer, raw in alive:
        followed[viewer].update(json.loads(raw)["symbols"])
    viewers = sum(viewer for viewer, _ in alive)
    return Use(
        symbols=sorted(followed[True] | followed[False]),
        viewers_only=sorted(followed[True] - followed[False]),
        connections=len(alive) - viewers,
        viewers=viewers,
    )
