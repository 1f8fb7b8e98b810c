"""What a wire language is: one object that reads what a client says and writes what we answer, and a few rules.

A dialect is pure: no socket, no store, no clock. The connection's state machine (streaming.wire.connection) is written
once and asks its dialect for words; a language that has no word for something answers "", and nothing is sent.
docs/adding-a-dialect.md shows how one is added.
"""

import importlib
import importlib.util
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, ClassVar

from kernel.errors import PlatformError
from kernel.instruments import InstrumentId
from kernel.tokens import BadToken
from streaming.domain.instruments import Directory
from streaming.domain.intervals import FormedBar
from streaming.domain.ticks import Snapshot
from streaming.records.window import Book, Newest, Print
from streaming.wire.announced import Announced
from streaming.wire.channels import Channel
from streaming.wire.requests import (
    List,
    Ping,
    Rejection,
    Request,
    SnapshotRequest,
    Subscribe,
    Subscribed,
    Unsubscribed,
    Welcome,
)

BarEncoder = Callable[[str, int, int, int, int, int, int], str]


@dataclass(frozen=True, slots=True)
class AuthPlacement:
    """Where a client of this language puts its token, and how it hears that the token is no good."""

    headers: tuple[str, ...] = ()  # beside `Authorization: Bearer`
    query: tuple[str, ...] = ()
    by_message: bool = False  # it may connect bare and send the token as its first message
    refused_by_message: bool = False  # its clients wait for a message after the upgrade; else HTTP 401 before it
    any_origin: bool = True  # False: only pages of this node's origins; no language takes cookies
    viewers: bool = False  # the panel's own pages speak it, with tokens of their own


@dataclass(frozen=True, slots=True)
class Rules:
    """What differs between the languages beside their words."""

    whole_or_nothing: bool = False  # a subscribe over the quota adds nothing; else what fits
    overwrites: bool = False  # a subscribe replaces what was followed of the same kinds
    newest_connection_loses: bool = False  # of too many; else the oldest goes
    echoes_symbols: bool = False  # frames write a symbol as this client wrote it
    errors_close: bool = False  # the language has no word for an error: the socket is closed with a reason
    stores_symbols: bool = False  # a socket begins with its customer's stored symbols, and changes them
    shows_newest: bool = False  # a subscribe to quotes or depth is answered with the newest picture
    most_symbols: int | None = None  # on one socket, beside the quota
    silence_s: int | None = None  # without a ping or message, of a client that has pinged once
    burst: int = 60  # messages
    per_second: float = 20.0


class Dialect:
    """One wire language. Every text is a whole message; "" means that the language has no word for it."""

    name: str
    paths: ClassVar[Mapping[str, str]] = {}  # URL path -> via, which tells the dialect's own variants apart
    auth = AuthPlacement()
    rules = Rules()

    def __init__(self, directory: Directory) -> None:
        self.directory = directory

    # -- what a client says ----------------------------------------------------------------------------------------

    def parse(self, text: str, via: str = "") -> Request:
        """Read one message.

        Raises:
            PlatformError: what `error` then says; `ref` carries over to its answer.
        """
        raise NotImplementedError

    def resolve(self, text: str, via: str = "") -> InstrumentId:
        """Return what a client means by a symbol, whether or not anybody carries it.

        Raises:
            BadSymbol: the text has no symbol's form, or could mean two.
        """
        return self.directory.canonical(text)

    def restored(self, symbols: Sequence[str]) -> Subscribe:
        """Return the request for a customer's stored symbols; of a language whose rules say that it stores them."""
        raise NotImplementedError

    # -- answers ---------------------------------------------------------------------------------------------------

    def said(self, text: str, *, customer: str, now_ms: int) -> str:
        """Return an answer as it is sent, by a language whose answers name the time or the customer."""
        return text

    def greeting(self) -> str:
        """Return the first message of all, before any token was looked at."""
        return ""

    def refusal(self, error: PlatformError) -> dict[str, Any]:
        """Return the JSON of a refusal before the upgrade."""
        return error.as_json()

    def refused(self, error: BadToken) -> str:
        """Return how a bad token is said in a message."""
        return ""

    def welcome(self, told: Welcome) -> str:
        return ""

    def subscribed(self, told: Subscribed) -> str:
        return ""

    def unsubscribed(self, told: Unsubscribed) -> str:
        return ""

    def listing(self, *, request: List, current: Iterable[InstrumentId], used: int, max_subs: int) -> str:
        return ""

    def snapshot(
        self,
        *,
        request: SnapshotRequest,
        newest: Sequence[tuple[InstrumentId, Newest]],
        pictures: Mapping[InstrumentId, Snapshot],
        rejected: Sequence[Rejection],
    ) -> str:
        """Return how instruments stand: their newest bars, and the days of those that the process has in memory."""
        return ""

    def pong(self, *, request: Ping, now_ms: int) -> str:
        return ""

    def error(self, error: PlatformError, ref: object = None) -> str:
        """Answer what cannot be done. `ref` is the dialect's own note of the message, from the error or the request."""
        return ""

    # -- notices ---------------------------------------------------------------------------------------------------

    def market_status(
        self,
        *,
        market: str,
        state: str,
        until_ms: int | None,
        epoch: str,
        line: str = "",
        presumed: bool = False,
        feed: str = "",
    ) -> str:
        """Tell a market's state; `presumed` on a day of which nobody has published whether it trades."""
        return ""

    def instrument_status(self, *, symbol: str, state: str) -> str:
        return ""

    def heartbeat(self, *, now_ms: int, last: Mapping[str, int], epochs: Mapping[str, str]) -> str:
        return ""

    def quota_changed(self, *, max_subs: int, used: int, dropped: Mapping[InstrumentId, str]) -> str:
        """Tell a smaller or greater quota; `dropped` is followed no longer: each as this client has written it."""
        return ""

    def taken_back(self, *, max_subs: int, used: int, dropped: Mapping[InstrumentId, str]) -> str:
        """Tell a page that programs of its customer have taken the room of `dropped`."""
        return ""

    def expiring(self, *, seconds: int, ends_at_s: int) -> str:
        return ""

    def announcement(self, told: Announced) -> str:
        """Tell what the operator announces, in both languages; a language without a word for it is silent."""
        return ""

    def slow_reader(self, *, skipped: int) -> str:
        return ""

    def resumed(self, *, market: str, seq: int, recovered: bool) -> str:
        """Tell that a lane's replay is over: everything up to `seq` was sent, or it was broken off there."""
        return ""

    def farewell(self, code: int, reason: str) -> str:
        """Return what is said before the socket is closed by us."""
        return ""

    # -- market data: `shown` is how this channel's followers write the symbol ---------------------------------------

    def form(self, asked: str, kind: str, request: Subscribe) -> str:
        """Return what this client's frames of a kind write of its own words; "" leaves them to the language."""
        return asked.strip() if self.rules.echoes_symbols else request.spelled.get(kind, "")

    def shown(self, channel: Channel) -> str:
        return channel.form or str(channel.instrument)

    def bar_encoder(self, seq: int) -> BarEncoder:
        """Return the encoder of one window's bars: (shown, open, high, low, close, volume, turnover) -> text."""
        return lambda *bar: ""

    def stamped(self, text: str, *, closed_ms: int, sent_ms: int) -> str:
        """Add to a bar's text when ingest closed its window and when the node sent it, in epoch ms."""
        return text

    def formed(self, shown: str, interval: str, seq: int, bar: FormedBar, *, final: bool) -> str:
        """Return a bar of a longer interval as it is now; window `seq` is what it stands at."""
        return ""

    def tick(self, shown: str, one: Print, book: Book | None) -> str:
        """Return one trade; `book` is the newest picture before it, where the feed has told one."""
        return ""

    def quote(self, shown: str, book: Book) -> str:
        return ""

    def depth(self, shown: str, book: Book) -> str:
        """Return an instrument's orders; `book` has no more levels than the follower's plan."""
        return ""


def brought(module: str) -> dict[str, ModuleType]:
    """Return a module of every package under streaming.wire.dialects that has one of that name, by the package's."""
    package = importlib.import_module("streaming.wire.dialects")
    return {
        info.name.rpartition(".")[2]: importlib.import_module(f"{info.name}.{module}")
        for info in pkgutil.iter_modules(package.__path__, f"{package.__name__}.")
        if info.ispkg and importlib.util.find_spec(f"{info.name}.{module}") is not None
    }


def load_dialects(directory: Directory) -> Mapping[str, Dialect]:
    """Return every language by name: a `DialectClass` of each package under streaming.wire.dialects with a `socket`.

    Each call makes new ones, and the hub tells languages apart by the object: a process has streaming.runtime.dialects.
    """
    found: list[Dialect] = [module.DialectClass(directory) for module in brought("socket").values()]
    return {dialect.name: dialect for dialect in found}
