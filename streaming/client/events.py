"""What a `Stream` hands out: bars, and what happened between them, in the order in which it happened."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

BASE_INTERVAL = "1.5s"


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar as docs/protocol.md describes it; `seq` is the window's number, `timestamp` its end in UTC."""

    symbol: str
    interval: str
    seq: int
    open: float
    high: float
    low: float
    close: float
    volume: int
    amount: float | None  # None where no source tells it
    timestamp: str
    message: Mapping[str, Any] = field(repr=False, compare=False)

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> "Bar":
        """Return a bar out of a `kline` message; KeyError where it lacks a field."""
        data = message["data"]
        return cls(
            message["symbol"], message.get("interval", BASE_INTERVAL), message["seq"],
            data["open"], data["high"], data["low"], data["close"], data["volume"], data["amount"], data["timestamp"],
            message,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Connected:
    """A node has welcomed us."""

    url: str
    message: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Disconnected:
    """A connection went, or none came about; the next try begins in `wait_s` at `next_url`."""

    url: str
    why: str
    wait_s: float
    next_url: str


@dataclass(frozen=True, slots=True)
class Recovered:
    """Every 1.5 s bar of the lane after `since` up to `seq` has been handed out; nothing is missing.

    Longer intervals are not replayed: how they stand is sent at once, and those that ended meanwhile are history's.
    """

    lane: str
    since: int | str
    seq: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Bars of the lane are missing here: after `since`, and before `first` where that is known.

    `reason` is the node's (epoch_changed, trimmed, ahead, no_stream) or ours: broken_off, clock_went_back,
    away_too_long, unsupported (the node cannot resume), unanswered.
    """

    lane: str
    since: int | str | None
    first: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """This program read too slowly: so many bars were left out, the newest of each symbol kept."""

    count: int


@dataclass(frozen=True, slots=True)
class Said:
    """Any other message of the node: subscribed, status, quota_changed, expiring, error, ..."""

    message: Mapping[str, Any]

    @property
    def type(self) -> str:
        """The message's `type`, "" where it has none."""
        return str(self.message.get("type", ""))


Event = Connected | Disconnected | Recovered | Gap | Skipped | Said
