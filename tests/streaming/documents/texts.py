"""Every text that a dialect can write: each of its words, asked for with values of every kind."""

from collections.abc import Iterator, Sequence

from kernel.errors import Malformed, PlatformError
from kernel.instruments import InstrumentId
from kernel.scope import Scope, Step
from kernel.tokens import TokenMissing
from streaming.domain.intervals import FormedBar
from streaming.errors import AlreadyAuthenticated, StoreUnavailable
from streaming.records.window import Book, Newest, Print
from streaming.wire import announced, connection
from streaming.wire.channels import EVENTS, INTERVALS, Channel
from streaming.wire.dialect import Dialect
from streaming.wire.requests import (
    List,
    Ping,
    Rejection,
    ResumeDecision,
    SnapshotRequest,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
    Welcome,
)

PLANNED = {**announced.EXAMPLE, "kind": "planned", "market": None, "ends_at": announced.EXAMPLE["at"]}
NOW_MS = 1_773_037_801_500
SEQ = NOW_MS // 1500
MOUTAI, TENCENT = InstrumentId.parse("600519.SH"), InstrumentId.parse("00700.HK")
BOTH = frozenset({"CN", "HK"})
STEPS = (
    Step(NOW_MS // 1000 - 60, 5, 3, BOTH, frozenset({"L1"})),
    Step(NOW_MS // 1000 + 60, 0, 0, frozenset(), frozenset()),
)
BAR = FormedBar(NOW_MS, 1_000_000, 1_010_000, 990_000, 1_005_000, 300, 3_000_000)
NEWEST = Newest(SEQ, 100, 110, 90, 105, 7, 700, "trading", 95, "2026-03-09", 100, 110, 90, 70, 7000)
REASONS = (
    "quota_exceeded",
    "market_not_allowed",
    "symbol_not_allowed",
    "level_not_allowed",
    "type_not_allowed",
    "interval_not_allowed",
    "unknown_symbol",
)


def every_text(dialect: Dialect) -> list[str]:
    """Return what the dialect writes for everything that can happen; "" is left out."""
    texts = [dialect.greeting(), dialect.refused(TokenMissing())]
    texts += [*_answers(dialect), *_notices(dialect), *_market_data(dialect)]
    # Some languages finish an answer when it is sent: with the customer and the time.
    finished = dialect.said
    return [finished(text, customer="c", now_ms=NOW_MS) for text in texts if text]


def _requests(dialect: Dialect) -> Iterator[tuple[Subscribe, Unsubscribe | None, Ping | None]]:
    """Read the dialect's own examples, so that each request carries the note that its answer needs."""
    import json

    from streaming.wire.describe import descriptions

    socket = descriptions()[dialect.name].socket
    assert socket is not None
    read = [dialect.parse(json.dumps(one.example), "") for one in socket.says]
    subscribes = [one for one in read if isinstance(one, Subscribe)]
    if dialect.rules.stores_symbols:
        subscribes.append(dialect.restored(["600519.SH"]))
    unsubscribe = next((one for one in read if isinstance(one, Unsubscribe)), None)
    ping = next((one for one in read if isinstance(one, Ping)), None)
    for one in subscribes:
        yield one, unsubscribe, ping


def _answers(dialect: Dialect) -> Iterator[str]:
    markets = {"CN": ("open", NOW_MS, False, "live"), "HK": ("no_feed", None, True, "")}
    scope = Scope("c", "local", 1, STEPS)
    yield dialect.welcome(Welcome("sh-1", NOW_MS, {"CN": "e"}, scope, STEPS[0], used=1, markets=markets))
    for subscribe, unsubscribe, ping in _requests(dialect):
        for rejected in _rejections(subscribe.symbols):
            yield dialect.subscribed(Subscribed(subscribe, [MOUTAI], [MOUTAI], rejected, used=1, max_subs=5))
            if unsubscribe is not None:
                yield dialect.unsubscribed(Unsubscribed(unsubscribe, [MOUTAI], [MOUTAI], rejected, used=1, max_subs=5))
        resume = [
            ResumeDecision("CN", True, "e", SEQ, SEQ, ""),
            ResumeDecision("HK", False, "e", SEQ, None, "no_stream"),
        ]
        yield dialect.subscribed(Subscribed(subscribe, [], [MOUTAI], [], 1, 5, resume=resume, live_only=("1m", "tick")))
        if ping is not None:
            yield dialect.pong(request=ping, now_ms=NOW_MS)
        errors: list[PlatformError] = [Malformed("no"), StoreUnavailable(), AlreadyAuthenticated()]
        for error in errors:
            yield dialect.error(error, subscribe.ref)
            yield dialect.error(error)
    yield dialect.listing(request=List(), current=[MOUTAI], used=1, max_subs=5)
    newest = [(MOUTAI, NEWEST), (TENCENT, Newest(0, 0, 0, 0, 0, 0, 0, "halted", 0, "2026-03-09", 0, 0, 0, 0, 0))]
    yield dialect.snapshot(request=SnapshotRequest(), pictures={}, newest=newest, rejected=[])


def _rejections(symbols: Sequence[str]) -> Iterator[list[Rejection]]:
    yield []
    yield [Rejection(symbols[0], "unknown_symbol", "nobody carries it")]
    for reason in REASONS:
        yield [Rejection(symbol, reason, "no") for symbol in symbols]


def _notices(dialect: Dialect) -> Iterator[str]:
    for state in ("open", "lunch_break", "closed", "no_feed"):
        for presumed in (False, True):
            yield dialect.market_status(market="CN", state=state, until_ms=None, epoch="e", presumed=presumed)
    yield dialect.instrument_status(symbol="600519.SH", state="halted")
    yield dialect.heartbeat(now_ms=NOW_MS, last={"CN": SEQ}, epochs={"CN": "e"})
    yield dialect.quota_changed(max_subs=5, used=5, dropped={MOUTAI: "600519"})
    yield dialect.quota_changed(max_subs=5, used=5, dropped={})
    yield dialect.announcement(announced.read(announced.EXAMPLE))
    yield dialect.announcement(announced.read(PLANNED))
    yield dialect.expiring(seconds=60, ends_at_s=NOW_MS // 1000)
    yield dialect.slow_reader(skipped=3)
    yield dialect.resumed(market="CN", seq=SEQ, recovered=True)
    yield dialect.resumed(market="CN", seq=SEQ, recovered=False)
    for code in {value for name, value in vars(connection).items() if name.startswith("CLOSE_")}:
        yield dialect.farewell(code, "over")


def _market_data(dialect: Dialect) -> Iterator[str]:
    def shown(kind: str, instrument: InstrumentId) -> str:
        form = {"itick": "kline@1"}.get(dialect.name, "") if kind not in EVENTS else ""
        return dialect.shown(Channel(instrument, kind, dialect=dialect.name, form=form))

    orders = [(1_000_000, 300), (999_000, 100)]
    for instrument in (MOUTAI, TENCENT):
        of_bar = shown("1m", instrument)
        text = dialect.bar_encoder(SEQ)(of_bar, 1, 2, 1, 2, 300, 40_000)
        yield text
        yield dialect.stamped(text, closed_ms=NOW_MS, sent_ms=NOW_MS) if text else ""
        for interval in INTERVALS[1:]:
            yield dialect.formed(of_bar, interval, SEQ, BAR, final=interval == "1m")
        for bids, asks, before in ((orders, orders, 990_000), ([], [], 0)):
            book = Book(str(instrument), 1, NOW_MS, before, 1, 2, 1, 2, 300, 40_000, bids, asks)
            yield dialect.quote(shown("quote", instrument), book)
            yield dialect.depth(shown("depth", instrument), book)
            for side in "BSN":
                one = Print(str(instrument), 1, NOW_MS, 1_000_000, 300, 40_000, side)
                yield dialect.tick(shown("tick", instrument), one, book)
                yield dialect.tick(shown("tick", instrument), one, None)
