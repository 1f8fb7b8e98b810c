"""One lane in Redis: who may write it, its stream of windows, its newest bars, and where its feed is.

Every write checks the fence inside the same script, so a holder that lost its lease without noticing cannot write.
All keys of a lane carry one hash tag, so the scripts run on Redis Cluster too.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import msgspec
import redis

from kernel import keyspace
from streaming.domain.calendar import Calendar
from streaming.records.checkpoint import Checkpoint, HistoryPosition, T, pack_text, unpack_text
from streaming.records.newest import Newest, unpack_newest
from streaming.records.reports import LineSwitch
from streaming.records.versions import pack
from streaming.records.window import CHUNK_WINDOWS, WINDOW_MS, Window, chunk_of, end_ms, unpack_window
from streaming.store.answers import floor_of, translated, unfenced
from streaming.store.calendars import read_calendar
from streaming.store.day_counts import DayCountStore
from streaming.store.events import Batch, EventLog
from streaming.store.instruments import Moved, look
from streaming.store.readable import readable, say_once
from streaming.store.reports import switch_command
from streaming.store.statistics import StatisticsStore

_REFUSED_KEPT = 100
LEASE_MS = 1500  # a dead holder is replaced within 2 s: this and one offer of beat's, every half second
_STREAM_KEPT_MS = 72 * 3_600_000  # an old epoch's stream, for history to catch up with

_TAKE = """
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return redis.call('INCR', KEYS[2]) end
return 0
"""
_RENEW = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0
"""
_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""
# KEYS fence, epoch, epochs, newest, checkpoint, old stream, keys of events and of statistics to forget; ARGV fence, new
# name, ms to keep the old stream and 1 where newest bars and checkpoint stay
_BEGIN_EPOCH = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
redis.call('SET', KEYS[2], ARGV[2])
redis.call('RPUSH', KEYS[3], ARGV[2])
redis.call('LTRIM', KEYS[3], -50, -1)
if ARGV[4] ~= '1' then redis.call('DEL', KEYS[4], KEYS[5]) end
redis.call('PEXPIRE', KEYS[6], ARGV[3])
for i = 7, #KEYS do redis.call('DEL', KEYS[i]) end
return 1
"""
# KEYS fence, stream, newest, checkpoint; ARGV fence, ms of the window before ('' for an epoch's first), id, window,
# checkpoint, symbol, newest, symbol, newest ...
# Answers -1 fenced, -2 the stream has lost windows that were written, 0 this window is there already, 1 written.
# Redis itself refuses an id that does not rise.
_COMMIT = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
if ARGV[2] ~= '' then
  local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
  if not last or tonumber(string.match(last[1], '^%d+')) < tonumber(ARGV[2]) then return -2 end
end
local added = redis.pcall('XADD', KEYS[2], ARGV[3], 'w', ARGV[4])
if type(added) == 'table' and added.err then
  if string.find(added.err, 'equal or smaller') then return 0 end
  return added
end
for i = 6, #ARGV, 2 do redis.call('HSET', KEYS[3], ARGV[i], ARGV[i + 1]) end
redis.call('SET', KEYS[4], ARGV[5])
return 1
"""
# KEYS fence, stream, floor; ARGV fence, id, epoch. Said before anything goes: who resumes must never take a stream that
# was cut for one that is whole.
_NOTE_FLOOR = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
local last = redis.call('XREVRANGE', KEYS[2], '(' .. ARGV[2], '-', 'COUNT', 1)[1]
if last then redis.call('SET', KEYS[3], ARGV[3] .. ' ' .. string.match(last[1], '^%d+')) end
return 1
"""
_TRIM = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
return redis.call('XTRIM', KEYS[2], 'MINID', '~', ARGV[2], 'LIMIT', 2000)
"""
_TRIM_EXACTLY = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
return redis.call('XTRIM', KEYS[2], 'MINID', '=', ARGV[2])
"""


@dataclass(frozen=True, slots=True)
class Commit:
    """One window and what it changes: newest bars by symbol, and the checkpoint after it (`pack_text`).

    `events` were told before it and are written just before it.
    """

    window: Window
    newest: Mapping[str, Newest]
    checkpoint: str
    events: Batch | None = None


class LaneStore:
    """A lane's keys. Every method raises StoreUnavailable where Redis does not answer."""

    def __init__(self, client: redis.Redis, lane: str) -> None:
        self.lane = lane
        self.events, self.statistics = EventLog(client, lane), StatisticsStore(client, lane)
        self.day_counts = DayCountStore(client, lane)
        self._client = client
        self._take = client.register_script(_TAKE)
        self._renew = client.register_script(_RENEW)
        self._release = client.register_script(_RELEASE)
        self._begin_epoch = client.register_script(_BEGIN_EPOCH)
        self._commit = client.register_script(_COMMIT)
        self._note_floor = client.register_script(_NOTE_FLOOR)
        self._trim = client.register_script(_TRIM)
        self._trim_exactly = client.register_script(_TRIM_EXACTLY)

    # -- who may write -------------------------------------------------------------------------------------------

    def take_lease(self, holder: str) -> int | None:
        """Take the lane and return the fence of all writes to come; None where somebody else holds it."""
        with translated():
            keys = [keyspace.lease(self.lane), keyspace.fence(self.lane)]
            return int(cast(int, self._take(keys=keys, args=[holder, LEASE_MS]))) or None

    def renew_lease(self, holder: str) -> bool:
        """Keep the lane for another LEASE_MS; False where it is no longer ours."""
        with translated():
            return bool(self._renew(keys=[keyspace.lease(self.lane)], args=[holder, LEASE_MS]))

    def release_lease(self, holder: str) -> None:
        """Give the lane back, so that the next offer is taken at once."""
        with translated():
            self._release(keys=[keyspace.lease(self.lane)], args=[holder])

    # -- writing -------------------------------------------------------------------------------------------------

    def begin_epoch(self, fence: int, name: str, *, goes_on: bool = False) -> None:
        """Begin a new stream; the old one stays for history for 72 h.

        Args:
            goes_on: newest bars and checkpoint stay, so that nobody who dies before the first window loses the day;
                otherwise they go.

        Raises:
            Fenced: another worker holds the lane.
        """
        with translated():
            old = self.epoch() or name
            named = (keyspace.fence, keyspace.epoch, keyspace.epochs, keyspace.newest, keyspace.checkpoint)
            forgotten = [*self.events.keys(old), self.statistics.key]
            keys = [*(key(self.lane) for key in named), keyspace.stream(self.lane, old), *forgotten]
            unfenced(self._begin_epoch(keys=keys, args=[fence, name, _STREAM_KEPT_MS, int(goes_on)]))

    def commit(self, fence: int, epoch: str, commits: Sequence[Commit], after: int | None = None) -> int:
        """Write windows in order, each atomically, and return how many were there already.

        Args:
            after: the window that was written before these; None for an epoch's first ones.

        Raises:
            Fenced: another worker holds the lane; none of the windows after the first refusal is written.
            StreamLost: the stream no longer has the window `after`: Redis came back without it.
        """
        keys = [
            keyspace.fence(self.lane),
            keyspace.stream(self.lane, epoch),
            keyspace.newest(self.lane),
            keyspace.checkpoint(self.lane),
        ]
        with translated():
            pipe = self._client.pipeline(transaction=False)
            asked: list[bool] = []  # whether an answer is a window's
            for commit in commits:
                if commit.events is not None:
                    self.events.ask(pipe, fence, epoch, commit.events, after)
                    asked.append(False)
                before = "" if after is None else end_ms(after)
                after = commit.window.seq
                args: list[Any] = [fence, before, f"{end_ms(after)}-0", pack(commit.window), commit.checkpoint]
                for symbol, newest in commit.newest.items():
                    args += (symbol, pack(newest))
                self._commit(keys=keys, args=args, client=pipe)
                asked.append(True)
            answers = [unfenced(answer) for answer in pipe.execute()]
        return [answer for answer, of_window in zip(answers, asked, strict=True) if of_window].count(0)

    def trim(self, fence: int, epoch: str, before_ms: int) -> int:
        """Drop the windows that ended before an instant of the feed's clock, by whole pieces; return how many.

        An approximate trim does its work in small steps that do not hold Redis up; the exact one does the rest. What
        stays begins with a keyframe.
        """
        before_ms = end_ms(chunk_of(before_ms // WINDOW_MS) * CHUNK_WINDOWS)
        if before_ms <= 0:
            return 0
        keys = [keyspace.fence(self.lane), keyspace.stream(self.lane, epoch)]
        trimmed = 0
        with translated():
            unfenced(self._note_floor(keys=[*keys, keyspace.floor(self.lane)], args=[fence, f"{before_ms}-0", epoch]))
            while step := unfenced(self._trim(keys=keys, args=[fence, f"{before_ms}-0"])):
                trimmed += step
            return trimmed + unfenced(self._trim_exactly(keys=keys, args=[fence, f"{before_ms}-0"]))

    def report(self, facts: Mapping[str, str | int | float]) -> None:
        """Say what the running feed is doing, for people."""
        with translated():
            key = keyspace.feed_state(self.lane)
            mapping: dict[Any, Any] = dict(facts)
            pipe = self._client.pipeline(transaction=True)
            pipe.delete(key)  # what another feed said before is not true any more
            pipe.hset(key, mapping=mapping)
            pipe.expire(key, 60)  # nobody running: nothing to say
            pipe.execute()

    def report_refused(self, counts: Mapping[tuple[str, str], int], rows: Iterable[Mapping[str, str]]) -> None:
        """Add to how many rows were refused, by (line, reason), and keep the newest for people."""
        with translated():
            pipe = self._client.pipeline(transaction=True)
            for (line, reason), number in counts.items():
                pipe.hincrby(keyspace.refusals(self.lane), f"{line}|{reason}", number)
            for row in rows:
                fields: dict[Any, Any] = dict(row)
                pipe.xadd(keyspace.refused_rows(self.lane), fields, maxlen=_REFUSED_KEPT, approximate=False)
            pipe.execute()

    def report_switch(self, switch: LineSwitch) -> None:
        """Report upwards that another line leads."""
        with translated():
            self._client.execute_command(*switch_command(switch))  # type: ignore[no-untyped-call]

    # -- reading -------------------------------------------------------------------------------------------------

    def run_of_the_store(self) -> str:
        """Return the name of this run of Redis; another one came back from its disk, or is another server."""
        with translated():
            return str(self._client.info("server").get("run_id", ""))

    def epoch(self) -> str | None:
        """Return the name of the stream in use."""
        return self._text(keyspace.epoch(self.lane))

    def epochs(self) -> list[str]:
        """Return the newest epochs' names, oldest first."""
        with translated():
            names = cast("list[bytes]", self._client.lrange(keyspace.epochs(self.lane), 0, -1))
        return [name.decode() for name in names]

    def last_window(self, epoch: str) -> Window | None:
        """Return the newest window of a stream; None where the stream is empty or lost.

        None, too, where another release wrote it in a form that this one cannot read: then nobody can go on with it.
        """
        with translated():
            rows = cast("list[Any]", self._client.xrevrange(keyspace.stream(self.lane, epoch), count=1))
        return next(self._windows(rows), None)

    def floor(self, epoch: str) -> int | None:
        """Return the newest window that was trimmed off a stream; None where it is whole."""
        return floor_of(self._text(keyspace.floor(self.lane)), epoch)

    def read(self, epoch: str, after_ms: int, count: int) -> list[Window]:
        """Return the next windows that ended after an instant, oldest first; none: the stream has no more.

        Windows that cannot be read are passed over, however many they are.
        """
        while True:
            with translated():
                stream = keyspace.stream(self.lane, epoch)
                rows = cast("list[Any]", self._client.xrange(stream, min=f"({after_ms}-0", count=count))
            windows = list(self._windows(rows))
            if windows or not rows:
                return windows
            after_ms = int(rows[-1][0].split(b"-")[0])

    def newest(self) -> dict[str, Newest]:
        """Return the newest bars of the present epoch; an instrument whose bar cannot be read is absent."""
        with translated():
            rows = cast("dict[bytes, bytes]", self._client.hgetall(keyspace.newest(self.lane)))
        return newest_by_symbol(rows, self.lane)

    def checkpoint(self) -> Checkpoint:
        """Return how far the market had come; an empty one where there is none or it cannot be read."""
        return self._record(keyspace.checkpoint(self.lane), Checkpoint) or Checkpoint()

    def feed_setting(self) -> dict[str, Any]:
        """Return the feed that an operator chose; empty where nobody did."""
        return self._json(keyspace.feed_setting(self.lane))

    def wanted(self) -> bool:
        """Tell whether somebody follows an instrument of this lane."""
        with translated():
            return bool(self._client.exists(keyspace.wanted(self.lane)))

    def pushed(self, line: str, after: str, count: int) -> list[tuple[str, list[bytes]]]:
        """Return what was pushed for a line behind an entry: (id, packed ticks), oldest first."""
        with translated():
            stream = keyspace.pushed(self.lane, line)
            rows = cast("list[Any]", self._client.xrange(stream, min=f"({after}", count=count))
        return [(entry_id.decode(), list(fields.values())) for entry_id, fields in rows]

    def wait_for_push(self, after: Mapping[str, str], seconds: float) -> None:
        """Return as soon as there is a push behind one of some entries, or after so long.

        Args:
            after: an entry's id by the line's name.
        """
        streams: dict[Any, Any] = {keyspace.pushed(self.lane, line): position for line, position in after.items()}
        with translated():
            self._client.xread(streams, count=1, block=max(1, round(seconds * 1000)))

    def forget_pushed(self, line: str, position: str) -> None:
        """Forget what was pushed up to an entry that counts in a window that was written; what is behind it waits."""
        with translated():
            self._client.xtrim(keyspace.pushed(self.lane, line), minid=position, approximate=False)

    def last_pushed(self, line: str) -> str:
        """Return the id of what was pushed last for a line."""
        with translated():
            rows = cast("list[Any]", self._client.xrevrange(keyspace.pushed(self.lane, line), count=1))
        return str(rows[0][0].decode()) if rows else "0-0"

    def calendar(self) -> Calendar:
        """Return the market's trading days with what operators have changed."""
        with translated():
            return read_calendar(self._client, self.lane)

    def look_for_instruments(self) -> Moved:
        """Take the published list of instruments where it is new; return whose code has changed."""
        with translated():
            return look(self._client)

    # -- history's own -------------------------------------------------------------------------------------------

    def history_position(self) -> tuple[str, int] | None:
        """Return up to where the stream is in history: (epoch, end of a window in ms)."""
        stored = self._record(keyspace.history_checkpoint(self.lane), HistoryPosition)
        return (stored.epoch, stored.after_ms) if stored is not None else None

    def set_history_position(self, epoch: str, after_ms: int) -> None:
        """Note up to where the stream is in history."""
        with translated():
            text = pack_text(HistoryPosition(epoch, f"{after_ms}-0"))
            self._client.set(keyspace.history_checkpoint(self.lane), text)

    @contextmanager
    def history_turn(self, holder: str, px: int) -> Iterator[bool]:
        """Hold the right to write this lane's history; yields False where somebody else has it."""
        key = keyspace.history_lock(self.lane)
        with translated():
            mine = bool(self._client.set(key, holder, nx=True, px=px))
        try:
            yield mine
        finally:
            if mine:
                with translated():
                    self._release(keys=[key], args=[holder])

    def _windows(self, rows: list[Any]) -> Iterator[Window]:
        packed = ((entry_id, fields.get(b"w", b"")) for entry_id, fields in rows)
        return (window for _, window in readable(packed, unpack_window, f"windows of lane {self.lane}"))

    def _record(self, key: str, kind: type[T]) -> T | None:
        text = self._text(key)
        if text is None:
            return None
        try:
            return unpack_text(text, kind)
        except msgspec.MsgspecError as error:
            say_once(key, error)
            return None

    def _text(self, key: str) -> str | None:
        with translated():
            raw = cast("bytes | None", self._client.get(key))
        return raw.decode() if raw is not None else None

    def _json(self, key: str) -> dict[str, Any]:
        text = self._text(key)
        value = json.loads(text) if text else {}
        return value if isinstance(value, dict) else {}


def newest_by_symbol(packed: Mapping[bytes, bytes], lane: str) -> dict[str, Newest]:
    """Return what the hash keyspace.newest holds; what cannot be read is passed over."""
    rows = readable(packed.items(), unpack_newest, f"newest bars of lane {lane}")
    return {symbol.decode(): newest for symbol, newest in rows}
