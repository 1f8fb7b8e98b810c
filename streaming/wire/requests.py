"""What a client can ask and what a connection wants done, in the words of no dialect."""

from dataclasses import dataclass, field

from kernel.instruments import InstrumentId

# -- requests: a dialect reads them out of a client's message ------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Follow these symbols, as the client wrote them."""

    symbols: tuple[str, ...]
    fill: bool = True


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    symbols: tuple[str, ...]


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
    """This is the whole set whose bars the socket gets from now on: (instrument, fill)."""

    channels: frozenset[tuple[InstrumentId, bool]] = field(default=frozenset())


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


Effect = Send | Lookup | Claim | Release | Fit | Follow | ReadNewest | Close
