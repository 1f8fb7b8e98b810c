"""How often a provider may be asked, and when it is tried again."""

import asyncio
import random
import threading
import time
from collections.abc import Callable
from functools import cache


class TokenBucket:
    """So many requests a minute, and a few at once; for all threads of the process that ask one endpoint.

    Whoever asks too early waits; nobody is refused. The bucket outlives connections, so that a storm of reconnects
    cannot ask more often than steady work may.

    Args:
        per_minute: requests.
        burst: that many at once after a pause.
        clock: seconds that only rise.
    """

    def __init__(self, per_minute: float, burst: int = 1, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second, self._burst, self._clock = per_minute / 60, burst, clock
        self._lock = threading.Lock()
        self._left, self._at = float(burst), clock()

    def reserve(self) -> float:
        """Take a place, and return after how many seconds it comes."""
        with self._lock:
            now = self._clock()
            if now > self._at:
                self._left = min(self._burst, self._left + (now - self._at) * self._per_second)
                self._at = now
            self._left -= 1
            return max(0.0, -self._left / self._per_second) + max(0.0, self._at - now)

    def pause(self, seconds: float) -> None:
        """Let nobody ask for so long: the provider has said that it is too much."""
        with self._lock:
            self._left, self._at = min(self._left, 0.0), max(self._at, self._clock() + seconds)

    async def take(self) -> None:
        """Wait for one's place."""
        if (seconds := self.reserve()) > 0:
            await asyncio.sleep(seconds)


@cache
def bucket_of(provider: str, endpoint: str, per_minute: float, burst: int = 1) -> TokenBucket:
    """Return the one bucket of an endpoint: limits are the key's or the machine's, whichever market asks."""
    return TokenBucket(per_minute, burst)


class Backoff:
    """Seconds until the next try: twice as long each time, up to a most, of which a random half.

    Args:
        first, most: seconds.
        chance: a random number from 0 to 1.
    """

    def __init__(self, first: float, most: float, chance: Callable[[], float] = random.random) -> None:
        self._first, self._most, self._chance = first, most, chance
        self._tries = 0

    def next(self) -> float:
        """Return how long to wait now."""
        seconds = min(self._most, self._first * 2.0 ** min(self._tries, 30))
        self._tries += 1
        return seconds * (0.5 + 0.5 * self._chance())

    def reset(self) -> None:
        """Begin again: it worked."""
        self._tries = 0
