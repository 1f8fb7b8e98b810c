"""Commands for the Redis of a node group, each to be repeated without harm, and what is read from there.

A link is the way to one group's Redis. This one connects to it; nothing else in the control plane does.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from typing import Any, Protocol

import redis
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.conf import settings
from django.utils.module_loading import import_string
from redis.backoff import NoBackoff
from redis.retry import Retry

from kernel import keyspace
from outbox.errors import LinkAway

# Writes the value unless a newer one is there. Answers an Applied: whether what nodes know has changed.
_SET_NEWER = """
local old = redis.call('GET', KEYS[1])
if old then
  local ok, known = pcall(cjson.decode, old)
  if ok and type(known) == 'table' and type(known.rev) == 'number' then
    if known.rev > tonumber(ARGV[2]) then return 2 end
    redis.call('SET', KEYS[1], ARGV[1])
    if known.rev == tonumber(ARGV[2]) then return 0 end
    return 1
  end
end
redis.call('SET', KEYS[1], ARGV[1])
return 1
"""


class Applied(IntEnum):
    """What a command has done."""

    SAME = 0  # it was so already
    CHANGED = 1
    OUTDATED = 2  # nothing: a newer one is there


@dataclass(frozen=True, slots=True)
class Set:
    """Set a string; `ttl_seconds` None keeps it for ever."""

    key: str
    value: str
    ttl_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class SetNewer:
    """Set a JSON object that has a `rev`, unless the one that is there has a higher one."""

    key: str
    value: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove a key."""

    key: str


@dataclass(frozen=True, slots=True)
class SetField:
    """Set a field of a hash."""

    key: str
    field: str
    value: str


@dataclass(frozen=True, slots=True)
class DeleteField:
    """Remove a field of a hash."""

    key: str
    field: str


@dataclass(frozen=True, slots=True)
class Tell:
    """Send a control message to the group's streaming processes; their periodic re-check makes up for a lost one."""

    message: dict[str, Any]


Command = Set | SetNewer | Delete | SetField | DeleteField | Tell


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of a stream, and how the stream stands at that moment."""

    entries: list[tuple[str, dict[str, str]]]  # id, fields; oldest first
    exists: bool
    first_id: str  # of the oldest entry that is there; "0-0" without one
    added: int | None  # entries that the stream has ever taken; None from a Redis older than 7, which does not count
    length: int


class Link(Protocol):
    """The way to the Redis of one node group. Every method raises LinkAway when it does not answer."""

    def apply(self, commands: Sequence[Command]) -> list[Applied]:
        """Do commands in their order, all messages last; return what each has done (a message always something)."""
        ...

    def read_hash(self, key: str) -> dict[str, str]:
        """Return the fields of a hash; none where there is no such key."""
        ...

    def read_stream(self, key: str, *, after: str, count: int) -> Stretch:
        """Return at most `count` entries that come after the id `after`, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class Writes:
    """Commands for one link: the message of this transport."""

    link: Link
    commands: tuple[Command, ...]


def deliver(writes: Writes) -> None:
    """Do what the message says."""
    writes.link.apply(writes.commands)


@dataclass(frozen=True, slots=True)
class RedisLink:
    """A Redis that this process reaches itself.

    Args:
        address: redis:// or rediss:// with what it needs; blank for the panel's own (settings.REDIS_URL).
    """

    address: str = ""

    @property
    def url(self) -> str:
        return self.address or settings.REDIS_URL

    def apply(self, commands: Sequence[Command]) -> list[Applied]:
        try:
            pipe = _client(self.url).pipeline(transaction=False)
            for command in commands:
                _queue(pipe, command)
            answers = iter(pipe.execute())
        except redis.RedisError as error:
            raise _away(error) from error
        applied = [_applied(command, answers) for command in commands]
        self._tell([command.message for command in commands if isinstance(command, Tell)])
        return applied

    def read_hash(self, key: str) -> dict[str, str]:
        try:
            found: Any = _client(self.url).hgetall(key)
        except redis.RedisError as error:
            raise _away(error) from error
        return _texts(found)

    def read_stream(self, key: str, *, after: str, count: int) -> Stretch:
        try:
            # One transaction: between two questions the stream could be trimmed.
            pipe = _client(self.url).pipeline(transaction=True)
            pipe.xrange(key, min=f"({after}", count=count)
            pipe.exists(key)
            pipe.xinfo_stream(key)
            entries, exists, info = pipe.execute(raise_on_error=False)
        except redis.RedisError as error:
            raise _away(error) from error
        if not exists:
            return Stretch(entries=[], exists=False, first_id="0-0", added=0, length=0)
        for answer in (entries, info):
            if isinstance(answer, redis.RedisError):
                raise _away(answer) from answer
        first = info.get("first-entry")
        return Stretch(
            entries=[(entry.decode(), _texts(fields)) for entry, fields in entries],
            exists=True,
            first_id=first[0].decode() if first else "0-0",
            added=info.get("entries-added"),
            length=info["length"],
        )

    def _tell(self, messages: Iterable[dict[str, Any]]) -> None:
        for message in messages:
            try:
                async_to_sync(_send)(self.url, {"type": "control", **message})
            except redis.RedisError as error:
                raise _away(error) from error


def _queue(pipe: Any, command: Command) -> None:
    match command:
        case Set(key, value, ttl):
            pipe.set(key, value, ex=ttl, get=True)
        case SetNewer(key, value):
            pipe.eval(_SET_NEWER, 1, key, json.dumps(value), value["rev"])
        case Delete(key):
            pipe.delete(key)
        case SetField(key, field, value):
            pipe.hget(key, field)
            pipe.hset(key, field, value)
        case DeleteField(key, field):
            pipe.hdel(key, field)


def _applied(command: Command, answers: Iterator[Any]) -> Applied:
    """Read what Redis answered to what _queue has queued."""
    match command:
        case Tell():
            return Applied.CHANGED
        case Set(_, value):
            return Applied(next(answers) != value.encode())
        case SetField(_, _, value):
            before, _ = next(answers), next(answers)
            return Applied(before != value.encode())
        case SetNewer():
            return Applied(next(answers))
        case _:
            return Applied(next(answers) > 0)


@cache
def _client(url: str) -> "redis.Redis":
    """Return this process's connection pool. Short timeouts, no silent retry: the outbox is the retry."""
    return redis.Redis.from_url(url, socket_timeout=3, socket_connect_timeout=2, retry=Retry(NoBackoff(), 0))


@cache
def _layer_of(url: str) -> Any:
    """Return the channel layer of another Redis than the one in the settings, otherwise as those say."""
    layer: dict[str, Any] = settings.CHANNEL_LAYERS["default"]
    return import_string(layer["BACKEND"])(**{**layer["CONFIG"], "hosts": [url]})


async def _send(url: str, message: dict[str, Any]) -> None:
    layer = get_channel_layer() if url == settings.REDIS_URL else _layer_of(url)
    if layer is not None:
        await layer.group_send(keyspace.CONTROL_GROUP, message)


def _texts(fields: Any) -> dict[str, str]:
    return {key.decode(): value.decode("utf-8", "replace") for key, value in fields.items()}


def _away(error: redis.RedisError) -> LinkAway:
    return LinkAway(f"the Redis of the node group does not answer ({type(error).__name__}: {str(error)[:160]})")
