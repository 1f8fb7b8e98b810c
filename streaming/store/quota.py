"""Who follows what: the union of one customer's symbols over all sockets, processes and nodes of a group, exactly.

One hash a customer and group, one field a socket; every question and change is one Lua script, so fifty subscribes at
once cannot take more than the quota. A socket of a process that has died counts no more after 25 s: each process
signs `processes` every 5 s, and who has not for 20 s is left out by whoever asks next.
"""

import asyncio
import json
import math
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import redis
import redis.asyncio
from django.conf import settings

from kernel import keyspace
from kernel.instruments import InstrumentId
from kernel.tokens import Claims
from streaming.errors import TooManyConnections
from streaming.store.access import Record, commands
from streaming.store.asked import TAKE_BACK
from streaming.store.gcra import SPEND
from streaming.store.pipeline import CommandPipeline

SIGN_SECONDS = 5.0
DEAD_AFTER_MS = 20_000
_KEY_TTL_S = 86_400  # refreshed by every socket's re-check; a customer who never returns leaves nothing behind
# The dead are remembered for longer than anything that they could have left behind.
_FORGET_AFTER_MS = (_KEY_TTL_S + 3600) * 1000

# Reads the hash, drops the sockets of dead processes, and leaves: others (symbol -> first followed at), mine, sockets.
_READ = """
local dead = cjson.decode(ARGV[2])
local others, mine, sockets = {}, {at = tonumber(ARGV[3]), symbols = {}}, {}
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local process = string.match(all[i], '^(.*):')
  if process and dead[process] then
    redis.call('HDEL', KEYS[1], all[i])
  else
    local socket = cjson.decode(all[i + 1])
    sockets[#sockets + 1] = {all[i], socket.at}
    if all[i] == ARGV[1] then mine = socket
    else
      for symbol, text in pairs(socket.symbols) do
        local at = tonumber(text)
        if not others[symbol] or at < others[symbol] then others[symbol] = at end
      end
    end
  end
end
-- Everything that is followed now (symbol -> first followed at), and how much that is.
local function union()
  local followed, used = {}, 0
  for symbol, at in pairs(others) do followed[symbol] = at; used = used + 1 end
  for symbol, text in pairs(mine.symbols) do
    local at = tonumber(text)
    if not followed[symbol] then followed[symbol] = at; used = used + 1
    elseif at < followed[symbol] then followed[symbol] = at end
  end
  return followed, used
end
-- As text: cjson writes numbers with 14 digits, and the order of one message's symbols stands in the last three of 16.
local function stamp(i) return string.format('%.0f', tonumber(ARGV[3]) * 1000 + i) end
local function keep()
  redis.call('HSET', KEYS[1], ARGV[1], cjson.encode(mine))
  redis.call('EXPIRE', KEYS[1], tonumber(ARGV[4]))
end
"""
# KEYS[2] the customer's limiter. ARGV[5] max_conns, ARGV[6] ms a connection costs, ARGV[7] how many may come at once:
# enters the socket; answers used and the sockets that are too many, oldest first; or -1 and the ms to wait.
_ENTER = (
    SPEND
    + """
if tonumber(ARGV[6]) > 0 then
  local wait = spend(KEYS[2], tonumber(ARGV[3]), tonumber(ARGV[6]), tonumber(ARGV[7]), 1)
  if wait > 0 then return {-1, {tostring(wait)}} end
end
"""
    + _READ
    + """
keep()
table.sort(sockets, function(a, b) return a[2] < b[2] end)
local older, over = {}, {}
for _, socket in ipairs(sockets) do if socket[1] ~= ARGV[1] then older[#older + 1] = socket[1] end end
for i = 1, #older + 1 - tonumber(ARGV[5]) do if older[i] then over[#over + 1] = older[i] end end
local _, used = union()
return {used, over}
"""
)
# KEYS[2] what was asked for over REST. ARGV[5] max_subs, ARGV[6] symbols in order, ARGV[7] '1' for all or none: answers
# those granted and used. What REST has asked for stands back.
_CLAIM = (
    _READ
    + TAKE_BACK
    + """
local granted, most = {}, tonumber(ARGV[5])
local followed, used = union()
local wanted = cjson.decode(ARGV[6])
if ARGV[7] == '1' then
  local new = {}
  for _, symbol in ipairs(wanted) do if followed[symbol] == nil then new[symbol] = true end end
  local count = 0
  for _ in pairs(new) do count = count + 1 end
  if used + count > most then keep() return {granted, used} end
end
for i, symbol in ipairs(wanted) do
  local fits = followed[symbol] ~= nil
  if not fits and used < most then fits = true; used = used + 1; followed[symbol] = 0 end
  if fits then
    granted[#granted + 1] = symbol
    if not mine.symbols[symbol] then mine.symbols[symbol] = stamp(i) end
  end
end
keep()
if redis.call('EXISTS', KEYS[2]) == 1 then take_back(KEYS[2], tonumber(ARGV[3]), most, followed) end
return {granted, used}
"""
)
# ARGV[5] symbols: gives them back on this socket; answers used.
_RELEASE = (
    _READ
    + """
for _, symbol in ipairs(cjson.decode(ARGV[5])) do mine.symbols[symbol] = nil end
keep()
local _, used = union()
return used
"""
)
# ARGV[5] max_subs: the newest-followed symbols over the quota go; answers this socket's own among them and used.
_SHRINK = (
    _READ
    + TAKE_BACK
    + """
local followed, used = union()
local order = {}
for symbol, at in pairs(followed) do order[#order + 1] = {symbol, at} end
table.sort(order, function(a, b) if a[2] == b[2] then return a[1] < b[1] end return a[2] < b[2] end)
local dropped, most = {}, tonumber(ARGV[5])
for i = #order, most + 1, -1 do
  local symbol = order[i][1]
  if mine.symbols[symbol] then dropped[#dropped + 1] = symbol; mine.symbols[symbol] = nil end
end
keep()
for i = #order, most + 1, -1 do followed[order[i][1]] = nil end
if redis.call('EXISTS', KEYS[2]) == 1 then take_back(KEYS[2], tonumber(ARGV[3]), most, followed) end
return {dropped, math.min(used, most)}
"""
)
# ARGV[5] all symbols that this socket follows: the store may have lost some, or kept some whose release it never heard
# of. Answers used.
_RECONCILE = (
    _READ
    + """
local kept = {}
for i, symbol in ipairs(cjson.decode(ARGV[5])) do kept[symbol] = mine.symbols[symbol] or stamp(i) end
mine.symbols = kept
keep()
local _, used = union()
return used
"""
)
# What one customer may connect: a fleet of programs that starts again, then five a second.
CONNECT_BURST, CONNECT_EVERY_MS = 60, 200
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


class QuotaRegistry:
    """The books of one process, for its event loop. Every method raises redis.RedisError when the store is away."""

    def __init__(self, client: "redis.asyncio.Redis") -> None:
        self._redis = client
        self._batch = CommandPipeline(lambda: self._redis)
        self._scripts = {
            name: client.register_script(text)
            for name, text in (
                ("enter", _ENTER),
                ("claim", _CLAIM),
                ("release", _RELEASE),
                ("shrink", _SHRINK),
                ("reconcile", _RECONCILE),
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
        """
        enter = self._scripts["enter"]
        keys = [socket.key, keyspace.rate("connect", f"{socket.customer}@{socket.group}")]
        arguments = [*self._arguments(socket, now_ms), max_conns, CONNECT_EVERY_MS, CONNECT_BURST]
        *stored, entered = await self._batch.run(
            *commands(claims), ("EVALSHA", enter.sha, len(keys), *keys, *arguments)
        )
        if isinstance(entered, redis.exceptions.NoScriptError):
            entered = await enter(keys=keys, args=arguments)
        record = Record.of_answers(stored)
        if isinstance(entered, Exception):
            raise entered
        used, over = int(entered[0]), [field.decode() for field in entered[1]]
        if used < 0:
            raise TooManyConnections(retry_after_s=math.ceil(float(over[0]) / 1000))
        return record, used, over

    async def register(self, socket: ConnectionKey, max_conns: int, now_ms: int) -> tuple[int, list[str]]:
        """Enter a socket again, with another number of them; return as above. Costs nothing of the limit."""
        key = keyspace.rate("connect", f"{socket.customer}@{socket.group}")
        arguments = [*self._arguments(socket, now_ms), max_conns, 0, 1]
        used, over = await self._evaluate("enter", [socket.key, key], arguments)
        return int(used), [field.decode() for field in over]

    def _arguments(self, socket: ConnectionKey, now_ms: int) -> list[Any]:
        return [socket.field, self.dead, now_ms, _KEY_TTL_S]

    async def claim(
        self, socket: ConnectionKey, wanted: Sequence[InstrumentId], max_subs: int, now_ms: int, *, whole: bool = False
    ) -> tuple[frozenset[str], int]:
        """Take quota for symbols in their order; return those granted and the number in use.

        Args:
            whole: all of them or none.
        """
        symbols = json.dumps([str(one) for one in wanted])
        granted, used = await self._run("claim", socket, now_ms, max_subs, symbols, "1" if whole else "0")
        return frozenset(symbol.decode() for symbol in granted), int(used)

    async def release(self, socket: ConnectionKey, instruments: Sequence[InstrumentId], now_ms: int) -> int:
        return int(await self._run("release", socket, now_ms, json.dumps([str(one) for one in instruments])))

    async def shrink(self, socket: ConnectionKey, max_subs: int, now_ms: int) -> tuple[list[str], int]:
        """Give back what is over a quota that shrank; return what this socket lost, newest first, and the use."""
        dropped, used = await self._run("shrink", socket, now_ms, max_subs)
        return [symbol.decode() for symbol in dropped], int(used)

    async def reconcile(self, socket: ConnectionKey, instruments: Sequence[InstrumentId], now_ms: int) -> int:
        """Make the books say exactly what this socket follows, whatever the store lost or never heard of."""
        return int(await self._run("reconcile", socket, now_ms, json.dumps([str(one) for one in instruments])))

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


async def usage(client: Any, customer: str, group: str, now_ms: int) -> tuple[list[str], int]:
    """Return a customer's symbols in use, sorted, and the number of open sockets (for REST).

    Raises:
        redis.RedisError: the store is away.
    """
    rows: dict[bytes, bytes] = await client.hgetall(keyspace.follows(customer, group))
    dead: list[bytes] = await client.zrangebyscore(keyspace.PROCESSES, "-inf", now_ms - DEAD_AFTER_MS)
    symbols: set[str] = set()
    alive = [raw for field, raw in rows.items() if field.rpartition(b":")[0] not in dead]
    for raw in alive:
        symbols.update(json.loads(raw)["symbols"])
    return sorted(symbols), len(alive)
