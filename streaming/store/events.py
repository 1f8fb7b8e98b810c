"""One lane's trades, quotes and depth in Redis: a stream beside the windows, written as they come.

An entry's id is `<start of the window that closes next, ms>-<n>`: behind the window before it and before the one that
follows, so that both streams are one order. With it stand, in one script under the fence, how many of each instrument
were numbered and how far each line was told: so a holder that dies in between leaves nothing half done.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import msgspec
import redis
from django.conf import settings

from kernel import keyspace
from streaming.domain.windows import WINDOW_MS, end_ms, start_ms
from streaming.records.checkpoint import EventsCheckpoint, pack_text, unpack_text
from streaming.records.events import Events
from streaming.records.versions import pack
from streaming.store.answers import translated, unfenced
from streaming.store.readable import say_once

# KEYS fence, stream, events, numbers, checkpoint; ARGV fence, ms of the window before ('' for none), ms of the id, the
# last id that the writer knows (ms, n), the oldest ms to keep, events, checkpoint, symbol, numbers, symbol, numbers ...
# Answers -1 fenced, -2 the stream has lost windows that were written, else n of the id that was given.
_TELL = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
if ARGV[2] ~= '' then
  local window = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
  if not window or tonumber(string.match(window[1], '^%d+')) < tonumber(ARGV[2]) then return -2 end
end
local ms, n = ARGV[3], 1
if ARGV[4] == ms then n = tonumber(ARGV[5]) + 1 end
local last = redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)[1]
if last then
  local last_ms, last_n = string.match(last[1], '^(%d+)-(%d+)$')
  if last_ms == ms then n = math.max(n, tonumber(last_n) + 1) end
  if tonumber(last_ms) > tonumber(ms) then ms, n = last_ms, tonumber(last_n) + 1 end
end
redis.call('XADD', KEYS[3], 'MINID', '~', ARGV[6], ms .. '-' .. n, 'e', ARGV[7])
for i = 9, #ARGV, 2 do redis.call('HSET', KEYS[4], ARGV[i], ARGV[i + 1]) end
redis.call('SET', KEYS[5], ARGV[8])
return n
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """What is told at once.

    Args:
        before: the window that closes next.
        numbers: how many (trades, pictures) of an instrument are numbered with these.
        marks: how far each line is told with these.
    """

    before: int
    events: Events
    numbers: Mapping[str, tuple[int, int]]
    marks: Mapping[str, str]


class EventLog:
    """A lane's keys of events. Every method raises StoreUnavailable where Redis does not answer."""

    def __init__(self, client: redis.Redis, lane: str) -> None:
        self._client, self._lane = client, lane
        self._tell = client.register_script(_TELL)
        self._last = (0, 0)  # the newest id that we know of: (ms, n)

    def keys(self, epoch: str) -> list[str]:
        """Return the keys of an epoch's events: stream, numbers, checkpoint."""
        lane = self._lane
        return [keyspace.events(lane, epoch), keyspace.numbers(lane), keyspace.events_checkpoint(lane)]

    def tell(self, fence: int, epoch: str, batch: Batch, after: int | None) -> None:
        """Write what came, at once.

        Args:
            after: the window that was written last; None before an epoch's first.

        Raises:
            Fenced: another worker holds the lane; nothing is written.
            StreamLost: the stream no longer has the window `after`.
        """
        with translated():
            ms = start_ms(batch.before)
            self._last = ms, unfenced(self.ask(None, fence, epoch, batch, after))

    def ask(self, pipe: Any, fence: int, epoch: str, batch: Batch, after: int | None) -> Any:
        """Ask for the same in a pipeline, whose answer the caller reads."""
        ms, (last_ms, last_n) = start_ms(batch.before), self._last
        args: list[Any] = [
            fence,
            "" if after is None else end_ms(after),
            ms,
            last_ms,
            last_n,
            max(0, ms - settings.EVENTS_MINUTES * 60_000),
            pack(batch.events),
            pack_text(EventsCheckpoint(epoch, dict(batch.marks))),
        ]
        for symbol, (trades, pictures) in batch.numbers.items():
            args += (symbol, f"{trades} {pictures}")
        keys = [keyspace.fence(self._lane), keyspace.stream(self._lane, epoch), *self.keys(epoch)]
        return self._tell(keys=keys, args=args, client=pipe)

    def next_window(self, epoch: str) -> int:
        """Return the window that was to close next when something was told last; 0 where nothing was.

        All before it had closed: each is written, or was none to be told.
        """
        with translated():
            rows = cast("list[Any]", self._client.xrevrange(keyspace.events(self._lane, epoch), count=1))
        return int(rows[0][0].split(b"-")[0]) // WINDOW_MS + 1 if rows else 0

    def numbers(self) -> dict[str, tuple[int, int]]:
        """Return how many trades and pictures of each instrument were numbered in the present epoch."""
        with translated():
            rows = cast("dict[bytes, bytes]", self._client.hgetall(keyspace.numbers(self._lane)))
        counted = {symbol.decode(): row.split() for symbol, row in rows.items()}
        return {symbol: (int(trades), int(pictures)) for symbol, (trades, pictures) in counted.items()}

    def marks(self, epoch: str) -> dict[str, str]:
        """Return up to where each line was told in an epoch; empty where nothing was."""
        with translated():
            raw = cast("bytes | None", self._client.get(keyspace.events_checkpoint(self._lane)))
        if raw is None:
            return {}
        try:
            told = unpack_text(raw.decode(), EventsCheckpoint)
        except msgspec.MsgspecError as error:
            say_once(keyspace.events_checkpoint(self._lane), error)
            return {}
        return told.marks if told.epoch == epoch else {}
