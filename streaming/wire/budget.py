"""What one client may say by the clock, how long what is too much waits, and how long it may say nothing."""

import math

from streaming.wire.dialect import Rules

_GRACE_S = 15  # after a client's heartbeat was due
MOST_WAITING = 1000  # messages; at twenty a second the last one waits for 50 s


class Budget:
    """A client's messages by the clock: `burst` at once, then `per_second`; more than that wait, in their order."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._tokens, self._at_ms = float(rules.burst), 0
        self._heard_ms: int | None = None  # of a client that gives signs of life by itself

    def begin(self, now_ms: int) -> None:
        self._at_ms = now_ms

    def wait_ms(self, now_ms: int) -> int | None:
        """Count a message that has arrived and return how long it must wait; None where too many wait already."""
        refill = max(0, now_ms - self._at_ms) / 1000 * self._rules.per_second
        self._tokens, self._at_ms = min(float(self._rules.burst), self._tokens + refill), now_ms
        if self._heard_ms is not None:
            self._heard_ms = now_ms
        if self._tokens - 1 < -MOST_WAITING:
            return None
        self._tokens -= 1
        owed_ms = max(0.0, -self._tokens) / self._rules.per_second * 1000
        return math.ceil(owed_ms - 1e-6)  # a float that is a hair above a whole number

    def pinged(self, now_ms: int) -> None:
        """From the first ping on, a client that goes silent is gone."""
        self._heard_ms = now_ms

    def silent_at_s(self) -> float | None:
        """Return when the client will have been silent for too long; None where nothing is expected of it."""
        if self._rules.silence_s is None or self._heard_ms is None:
            return None
        return self._heard_ms / 1000 + self._rules.silence_s + _GRACE_S
