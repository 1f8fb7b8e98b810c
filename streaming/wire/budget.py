"""What one client may say, and how long it may say nothing."""

from streaming.wire.dialect import Rules

_GRACE_S = 15  # after a client's heartbeat was due


class Budget:
    """A client's messages by the clock: at most `burst` at once, then `per_second`; silent only so long."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._tokens, self._at_ms = float(rules.burst), 0
        self._heard_ms: int | None = None  # of a client that gives signs of life by itself

    def begin(self, now_ms: int) -> None:
        self._at_ms = now_ms

    def takes(self, now_ms: int) -> bool:
        """Count one message; False where it is too many."""
        refill = max(0, now_ms - self._at_ms) / 1000 * self._rules.per_second
        self._tokens, self._at_ms = min(float(self._rules.burst), self._tokens + refill), now_ms
        self._tokens -= 1
        if self._heard_ms is not None:
            self._heard_ms = now_ms
        return self._tokens >= 0

    def pinged(self, now_ms: int) -> None:
        """From the first ping on, a client that goes silent is gone."""
        self._heard_ms = now_ms

    def silent_at_s(self) -> float | None:
        """Return when the client will have been silent for too long; None where nothing is expected of it."""
        if self._rules.silence_s is None or self._heard_ms is None:
            return None
        return self._heard_ms / 1000 + self._rules.silence_s + _GRACE_S
