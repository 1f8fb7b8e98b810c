"""What a client can ask and what a connection wants done, in the words of no dialect."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kernel.instruments import InstrumentId
from kernel.scope import Scope, Step
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
    rows: int = 0  # of depth, a side; 0 is all that the plan has
    spelled: Mapping[str, str] = field(default_factory=dict)  # kind -> the client's own word for it, for its frames
    via: str = ""  # what tells a symbol's meanings apart, in front of what the path says
    ref: Any = None  # the dialect's own note, for its answer


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """Stop following; `kinds` None: whatever is followed of these symbols."""

    symbols: tuple[str, ...] | None  # None: all that this socket follows
    kinds: tuple[str, ...] | None = None
    via: str = ""
    ref: Any = None


@dataclass(frozen=True, slots=True)
class List:
    """Tell what this socket follows."""

    ref: Any = None


@dataclass(frozen=True, slots=True)
class SnapshotRequest:
    """Tell the newest bar of these symbols; of all that are followed where none is named."""

    symbols: tuple[str, ...] = ()
    ref: Any = None


@dataclass(frozen=True, slots=True)
class Ping:
    """A sign of life; `echo` comes back as it was sent."""

    echo: object = None
    ref: Any = None


@dataclass(frozen=True, slots=True)
class Auth:
    """A token, of a client that connected without one."""

    token: str


Request = Subscribe | Unsubscribe | List | SnapshotRequest | Ping | Auth


@dataclass(frozen=True, slots=True)
class Rejection:
    """One symbol that was not added. `symbol` is what the client wrote."""

    symbol: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class ResumeDecision:
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
    lacking: tuple[str, ...] = ()  # kinds asked for of which nothing can be replayed from there


STORED = "stored"  # the `ref` of a request that nobody typed: the customer's stored symbols

# -- answers: what a dialect puts into words -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Welcome:
    """What a client is told when it has been let in. `markets` are those of its plan: (state, until, presumed)."""

    node: str
    now_ms: int
    epochs: Mapping[str, str]
    scope: Scope
    step: Step
    used: int
    markets: Mapping[str, tuple[str, int | None, bool, str]]


@dataclass(frozen=True, slots=True)
class Subscribed:
    """What came of a subscribe. `current` is all that the socket follows, `used` the customer's union.

    `resume` is there where a replay was asked for; `live_only` are the kinds of which nothing is replayed.
    """

    request: Subscribe
    added: Sequence[InstrumentId]
    current: Collection[InstrumentId]
    rejected: Sequence[Rejection]
    used: int
    max_subs: int
    resume: Sequence[ResumeDecision] | None = None
    live_only: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Unsubscribed:
    """What came of an unsubscribe; `removed` are those of which nothing is followed any more."""

    request: Unsubscribe
    removed: Sequence[InstrumentId]
    current: Collection[InstrumentId]
    rejected: Sequence[Rejection]
    used: int
    max_subs: int


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
    request: Unsubscribe | None = None
    rejected: tuple[Rejection, ...] = ()


@dataclass(frozen=True, slots=True)
class Shrink:
    """The quota shrank: give back what is over it, then call `fitted`."""

    max_subs: int


@dataclass(frozen=True, slots=True)
class Follow:
    """This is the whole set that the socket gets from now on; a replay begins with some, so nothing newer is shown."""

    channels: frozenset[Channel] = field(default=frozenset())
    replayed: frozenset[Channel] = field(default=frozenset())


@dataclass(frozen=True, slots=True)
class ResumeCheck:
    """Find out what can be replayed of each lane, then call `judged`."""

    claim: Claim
    granted: frozenset[InstrumentId]
    since: Since
    lanes: tuple[str, ...]
    kinds: tuple[str, ...] = ("1.5s",)


@dataclass(frozen=True, slots=True)
class Replay:
    """Replay these, which are followed already, from where the verdict says."""

    verdict: ResumeDecision
    channels: frozenset[Channel]


@dataclass(frozen=True, slots=True)
class ReadNewest:
    """Read the newest bars of these, then call `newest_read`."""

    request: SnapshotRequest
    instruments: tuple[InstrumentId, ...]
    rejected: tuple[Rejection, ...] = ()


@dataclass(frozen=True, slots=True)
class Close:
    """End the socket."""

    code: int
    reason: str


Effect = Send | Lookup | Claim | Release | Shrink | Follow | ResumeCheck | Replay | ReadNewest | Close
