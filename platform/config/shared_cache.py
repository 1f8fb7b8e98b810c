"""The cache that all processes share: Redis while it answers, this process's own memory while it does not.

Only limits count in it (logins, mails). Without its store each process must go on limiting by itself: a shop whose
logins end with Redis would be down, and one without limits would be open.
"""

import json
import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

_log = logging.getLogger(__name__)
_ASK_AGAIN_SECONDS = 5.0  # a store that hangs would cost each request its whole timeout
_LOCAL = {"OPTIONS": {"MAX_ENTRIES": 100_000}}  # of Django's 300, a few hundred requests push every limit out
_PREFIX = "tickpack:cache"
_Answer = TypeVar("_Answer")


class JsonValues:
    """How values stand in Redis. Django's own way unpickles them: whoever may write there would run code here."""

    def dumps(self, value: Any) -> str:
        return json.dumps(value)

    def loads(self, stored: bytes) -> Any:
        return json.loads(stored)


class SharedCache(BaseCache):
    """settings.CACHES: LOCATION is a Redis URL."""

    _away_until = 0.0  # of the process, in time.monotonic(); Django makes a cache for each thread

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        options = {"socket_timeout": 1.0, "socket_connect_timeout": 1.0, "serializer": JsonValues}
        self._shared = RedisCache(server, {**params, "KEY_PREFIX": _PREFIX, "OPTIONS": options})
        self._local = LocMemCache(f"beside {server}", {**params, **_LOCAL})

    def add(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        return self._ask(lambda store: store.add(key, value, timeout, version))

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return self._ask(lambda store: store.get(key, default, version))

    def set(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        self._ask(lambda store: store.set(key, value, timeout, version))

    def touch(self, key: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        return self._ask(lambda store: store.touch(key, timeout, version))

    def delete(self, key: Any, version: int | None = None) -> bool:
        return self._ask(lambda store: store.delete(key, version))

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        return self._ask(lambda store: store.incr(key, delta, version))

    def clear(self) -> None:
        """Forget everything, here and in the store; what else is in the same store stays."""
        self._local.clear()
        self._ask(_remove_all_of_ours)

    def _ask(self, question: Callable[[BaseCache], _Answer]) -> _Answer:
        if time.monotonic() < SharedCache._away_until:
            return question(self._local)
        try:
            answer = question(self._shared)
        except (RedisError, OSError) as error:
            if not SharedCache._away_until:
                _log.warning("limits are each process's own: the shared cache does not answer (%s)", error)
            SharedCache._away_until = time.monotonic() + _ASK_AGAIN_SECONDS
            return question(self._local)
        if SharedCache._away_until:
            SharedCache._away_until = 0.0
            _log.warning("limits are shared again: the shared cache answers")
        return answer


def _remove_all_of_ours(store: BaseCache) -> None:
    if not isinstance(store, RedisCache):
        return
    client = store._cache.get_client(write=True)  # type: ignore[attr-defined]  # Django has no public way to it
    for key in client.scan_iter(f"{_PREFIX}:*", count=1000):
        client.unlink(key)
