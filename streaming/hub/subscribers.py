"""One connection in the hub, and the group of those that follow the same."""

import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

from streaming.wire.channels import Channel
from streaming.wire.dialect import Dialect

T = TypeVar("T")
GroupKey = tuple[frozenset[Channel], bool]  # (what is followed, whether its frames are compressed)


class Pick(Protocol):
    """Takes a group's channels out of a list by channel number, in the order of their numbers."""

    def __call__(self, by_number: Sequence[T], /) -> tuple[T, ...]:
        """Return one of each channel."""
        ...


class Wire(Protocol):
    """What the hub needs of a connection. Nothing here blocks or raises, also when the peer is gone.

    `answered` tells whether the peer has sent anything since it was asked, None where nobody knows; `deflate` whether
    frames may be sent that were compressed once for all.
    """

    answered: bool | None
    deflate: bool

    def write(self, frames: bytes) -> None:
        """Append whole frames to what the kernel is given."""
        ...

    def buffered(self) -> int:
        """Return how many bytes the kernel has not taken yet; 0 for a healthy peer."""
        ...

    def abort(self) -> None:
        """Drop the connection now."""
        ...

    def set_watermarks(self, on_high: Callable[[], None], on_low: Callable[[], None]) -> None:
        """Call these when more than 64 KiB are unsent, and when nothing is any more."""
        ...

    def request_ping(self) -> None:
        """Put a ping behind the next frames that are written."""
        ...

    def flush_ping(self) -> None:
        """Send that ping now if nothing was written since."""
        ...


class Subscriber:
    """One connection in the hub. `end` is called when it must go, with a reason.

    What is delivered is counted for `customer`; for nobody where it is "".
    """

    __slots__ = (
        "behind",
        "channels",
        "customer",
        "dialect",
        "end",
        "group",
        "held",
        "markets",
        "settled",
        "since",
        "skipped",
        "unheard",
        "wire",
    )

    def __init__(
        self, wire: Wire, end: Callable[[str], None], markets: frozenset[str], dialect: Dialect, customer: str = ""
    ) -> None:
        self.dialect, self.customer = dialect, customer
        self.wire = wire
        self.end = end
        self.markets = markets  # whose status it hears
        self.channels: frozenset[Channel] = frozenset()
        self.held: frozenset[Channel] = frozenset()  # channels that a replay sends for now
        self.group: Group | None = None
        # Market -> how the counts of its group's channels stood, published and late (streaming.hub.delivery).
        self.settled: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {}
        self.behind: dict[str, set[int]] | None = None  # market -> channel numbers that moved while it was slow
        self.since = 0.0
        self.skipped = 0
        self.unheard: set[str] = set()  # markets whose state has changed while it was slow


class Group:
    """All connections with one set of channels; `pick` takes the frames that are theirs out of one market's list."""

    __slots__ = ("deflate", "dialect", "key", "members", "numbers", "order", "pick", "symbols", "wires")

    def __init__(self, key: GroupKey, numbers: dict[str, list[int]], dialect: Dialect) -> None:
        self.key, self.dialect = key, dialect
        channels, self.deflate = key
        self.symbols = frozenset(str(channel.instrument) for channel in channels)
        self.members: set[Subscriber] = set()
        self.wires: dict[Subscriber, Wire] = {}  # of those that are not slow
        self.numbers = {market: frozenset(of_market) for market, of_market in numbers.items()}
        self.order = {market: tuple(sorted(of_market)) for market, of_market in numbers.items()}
        self.pick: dict[str, Pick] = {market: _picker(of_market) for market, of_market in self.order.items()}


def _picker(numbers: tuple[int, ...]) -> Any:
    if len(numbers) == 1:
        only = numbers[0]
        return lambda frames: (frames[only],)
    return operator.itemgetter(*numbers)


class FlushPlan:
    """What a flush of one market walks: each group's pick and wires side by side, made again when any of them changes.

    Through the groups themselves it was three times as many places in memory, and after 1.5 s none of them is in the
    processor's cache any more: a tenth of a flush.
    """

    __slots__ = ("every", "plain", "reach", "squeezed")

    def __init__(self, name: str, groups: Iterable[Group]) -> None:
        self.plain: list[tuple[Pick, tuple[Wire, ...]]] = []
        self.squeezed: list[tuple[Pick, tuple[Wire, ...]]] = []  # of those who agreed on compression
        self.reach: dict[int, int] = {}  # how many connections take a number; made when not all have a frame
        self.every = 0  # deliveries of a window in which all have one
        for group in groups:
            if group.wires:
                (self.squeezed if group.deflate else self.plain).append((group.pick[name], tuple(group.wires.values())))
                self.every += len(group.numbers[name]) * len(group.wires)
