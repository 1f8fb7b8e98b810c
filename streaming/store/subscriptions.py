"""The symbols that customers have stored on a group: what an rt_receiver socket begins with, and its REST shows.

A stored symbol costs nothing by itself; sockets claim quota when they follow it. So many may be stored as may be
followed, in the order in which they were stored; TEST.CN is free.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from kernel import keyspace
from kernel.instruments import BadSymbol
from streaming.reference import directory

_KEPT_S = 400 * 86_400  # as long as a token outlives its last grant
Mode = Literal["replace", "add", "remove"]

# KEYS the list; ARGV mode, most, seconds to keep it, symbols: answers those that were taken, those that did not fit,
# those that were not there, and the whole list.
_SYNC = """
local mode, most = ARGV[1], tonumber(ARGV[2])
if mode == 'replace' then redis.call('DEL', KEYS[1]) end
local count, has, taken, over, absent = 0, {}, {}, {}, {}
local function put(symbol)
  has[symbol] = true
  if symbol ~= 'TEST.CN' then count = count + 1 end
end
for _, symbol in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do put(symbol) end
for i = 4, #ARGV do
  local symbol = ARGV[i]
  if mode == 'remove' then
    if redis.call('LREM', KEYS[1], 0, symbol) > 0 then taken[#taken + 1] = symbol else absent[#absent + 1] = symbol end
  elseif has[symbol] then taken[#taken + 1] = symbol
  elseif count >= most and symbol ~= 'TEST.CN' then over[#over + 1] = symbol
  else
    redis.call('RPUSH', KEYS[1], symbol)
    put(symbol)
    taken[#taken + 1] = symbol
  end
end
redis.call('EXPIRE', KEYS[1], ARGV[3])
return {taken, over, absent, redis.call('LRANGE', KEYS[1], 0, -1)}
"""


# KEYS the list; ARGV old and new, again and again: the new one stands where the old one stood, and once.
_RENAME = """
for i = 1, #ARGV, 2 do
  local at, there = false, false
  for nth, symbol in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
    if symbol == ARGV[i] then at = nth - 1 end
    if symbol == ARGV[i + 1] then there = true end
  end
  if at and there then redis.call('LREM', KEYS[1], 0, ARGV[i])
  elseif at then redis.call('LSET', KEYS[1], at, ARGV[i + 1]) end
end
"""


class Synced(tuple[list[str], list[str], list[str], list[str]]):
    """What a change did: (taken, over the quota, not there, the whole list), canonical symbols."""

    __slots__ = ()

    @property
    def current(self) -> list[str]:
        return self[3]


async def sync(client: Any, customer: str, group: str, mode: Mode, symbols: Sequence[str], most: int) -> Synced:
    """Change what is stored, atomically.

    Args:
        client: of the running event loop.
        most: how many may be stored; those that are there already stay.

    Raises:
        redis.RedisError: the store is away.
    """
    key = keyspace.subscription(customer, group)
    answer = await client.eval(_SYNC, 1, key, mode, most, _KEPT_S, *symbols)
    synced = Synced([symbol.decode() for symbol in some] for some in answer)
    if moved := _moved(synced.current):
        await client.eval(_RENAME, 1, key, *moved)
        answer = await client.eval(_SYNC, 1, key, "add" if mode == "replace" else mode, most, _KEPT_S, *symbols)
        synced = Synced([symbol.decode() for symbol in some] for some in answer)
    await _count(client, customer, group, len(synced.current))
    return synced


async def _count(client: Any, customer: str, group: str, stored: int) -> None:
    """Write how many there are; the list is in another slot, so who wrote last looks whether it is still so many."""
    index = keyspace.subscribers(group)
    while True:
        await (client.hset(index, customer, stored) if stored else client.hdel(index, customer))
        now = await client.llen(keyspace.subscription(customer, group))
        if now == stored:
            return
        stored = now


async def read(client: Any, customer: str, group: str) -> list[str]:
    """Return what is stored, in its order; a symbol that has another code since is stored under that from now on."""
    key = keyspace.subscription(customer, group)
    stored = [symbol.decode() for symbol in await client.lrange(key, 0, -1)]
    if moved := _moved(stored):
        await client.eval(_RENAME, 1, key, *moved)
        stored = [symbol.decode() for symbol in await client.lrange(key, 0, -1)]
        await _count(client, customer, group, len(stored))
    return stored


def current(symbols: Iterable[str]) -> list[str]:
    """Return symbols under the codes that they have today, each once."""
    return list(dict.fromkeys(map(_today, symbols)))


def _today(symbol: str) -> str:
    try:
        return directory().canonical(symbol).symbol
    except BadSymbol:
        return symbol  # another release's


def _moved(symbols: Iterable[str]) -> list[str]:
    """Return pairs of old and new, one behind the other."""
    return [code for symbol in symbols if (today := _today(symbol)) != symbol for code in (symbol, today)]


async def totals(client: Any, group: str) -> tuple[int, int]:
    """Return how many customers have stored something, and how much that is in all."""
    counts = await client.hvals(keyspace.subscribers(group))
    return len(counts), sum(map(int, counts))
