"""What a client can ask and what a connection wants done, in the words of no dialect."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kernel.instruments import InstrumentId
from streaming.wire.channels import Channel

# -- requests: a dialect reads them out of a client's message ------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Since:
    """From where on to replay: the last window that the client has, or an instant; and the epochs that it knows."""

    seq: int | None = None
    at_ms: int | None = None
    seqs: Mapping[str, int] = field(default_factory=dict)  # by lane; wins over `seq`
    epochs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Follow these symbols, as the client wrote them.

    `kinds` are those of streaming.wire.channels: intervals of bars, quote, tick, depth.
    """

    symbols: tuple[str, ...]
    fill: bool = True
    kinds: tuple[str, ...] = ("1.5s",)
    stamp: bool = False
    since: Since | None = None


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """Stop following; `kinds` None: whatever is followed of these symbols."""

    symbols: tuple[str, ...]
    kinds: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class List:
    """Tell what this socket follows."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Tell the newest bar of these symbols; of all that are followed where none is named."""

    symbols: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ping:
    """A sign of life; `echo` comes back as it was sent."""

    echo: object = None


Request = Subscribe | Unsubscribe | List | Snapshot | Ping


@dataclass(frozen=True, slots=True)
class Rejection:
    """One symbol that was not added. `symbol` is what the client wrote."""

    symbol: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a lane's stream has everything behind `since`.

    `first` is the first window that it has, None where there is none; `reason` says why it cannot be recovered:
    epoch_changed, trimmed, ahead, no_stream.
    """

    lane: str
    recovered: bool
    epoch: str
    since: int
    first: int | None
    reason: str


# -- effects: the connection returns them, the consumer does them ---------------------------------------------------


@dataclass(frozen=True, slots=True)
class Send:
    """Send this text to the client."""

    text: str


@dataclass(frozen=True, slots=True)
class Lookup:
    """Find out which of these a feed carries, then call `looked_up`."""

    request: Subscribe
    unknown: tuple[InstrumentId, ...]


@dataclass(frozen=True, slots=True)
class Claim:
    """Take quota for these, in this order, then call `claimed`. `rejected` waits for the answer."""

    request: Subscribe
    instruments: tuple[InstrumentId, ...]
    rejected: tuple[Rejection, ...] = ()


@dataclass(frozen=True, slots=True)
class Release:
    """Give quota back, then call `released`."""

    instruments: tuple[InstrumentId, ...]


@dataclass(frozen=True, slots=True)
class Fit:
    """The quota shrank: give back what is over it, then call `fitted`."""

    max_subs: int


@dataclass(frozen=True, slots=True)
class Follow:
    """This is the whole set that the socket gets from now on."""

    channels: frozenset[Channel] = field(default=frozenset())


@dataclass(frozen=True, slots=True)
class Judge:
    """Find out what can be replayed of each lane, then call `judged`."""

    claim: Claim
    granted: frozenset[InstrumentId]
    since: Since
    lanes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Replay:
    """Replay these, which are followed already, from where the verdict says."""

    verdict: Verdict
    channels: frozenset[Channel]


@dataclass(frozen=True, slots=True)
class ReadNewest:
    """Read the newest bars of these, then call `newest_read`."""

    instruments: tuple[InstrumentId, ...]
    rejected: tuple[Rejection, ...] = ()


@dataclass(frozen=True, slots=True)
class Close:
    """End the socket."""

    code: int
    reason: str


Effect = Send | Lookup | Claim | Release | Fit | Follow | Judge | Replay | ReadNewest | Close
