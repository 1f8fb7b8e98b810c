"""One client connection, whatever its dialect: text in, effects out. Knows no socket, no Redis and no clock.

The consumer (streaming.consumers) does the effects and comes back with what the stores said. Every answer is made
here, so every rule about one connection can be tested with plain calls.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import ModuleType

from kernel.errors import PlatformError
from kernel.instruments import BadSymbol, InstrumentId, Venue
from kernel.scope import Scope
from streaming.errors import BinaryNotSupported
from streaming.wire.channels import WINDOW, Channel
from streaming.wire.requests import (
    Claim,
    Close,
    Effect,
    Fit,
    Follow,
    Judge,
    List,
    Lookup,
    Ping,
    ReadNewest,
    Rejection,
    Release,
    Replay,
    Request,
    Send,
    Snapshot,
    Subscribe,
    Unsubscribe,
    Verdict,
)
from streaming.wire.window import Newest

CLOSE_TOKEN = 4401
CLOSE_FORBIDDEN = 4403
CLOSE_SLOW = 4408
CLOSE_REPLACED = 4409
CLOSE_TOO_MANY = 4429
CLOSE_DRAINING = 1012
BURST = 60  # messages; DESIGN section 4
PER_SECOND = 20
WARN_BEFORE_S = (86_400, 3_600, 60)


class Connection:
    """The state of one socket.

    Args:
        dialect: a module of streaming.wire.dialects.
        resolve: text -> canonical instrument, raises BadSymbol; knows aliases and former codes.
        carried: whether an instrument is known here without asking a store.
    """

    def __init__(
        self,
        *,
        dialect: ModuleType,
        scope: Scope,
        resolve: Callable[[str], InstrumentId],
        carried: Callable[[InstrumentId], bool],
    ) -> None:
        self.dialect = dialect
        self.scope = scope
        self._resolve = resolve
        self._carried = carried
        # instrument -> kind -> channel, in the order of following
        self.following: dict[InstrumentId, dict[str, Channel]] = {}
        self.used = 0  # the customer's union over all sockets, as last told
        self._announced_max = 0
        self._tokens, self._tokens_at_ms = float(BURST), 0
        self._warned: set[int] = set()

    # -- life --------------------------------------------------------------------------------------------------

    def opened(
        self,
        *,
        node: str,
        now_ms: int,
        used: int,
        epochs: Mapping[str, str],
        markets: Mapping[str, tuple[str, int | None]],
    ) -> list[Effect]:
        """Greet."""
        step = self.scope.at(now_ms / 1000)
        self.used, self._announced_max, self._tokens_at_ms = used, step.max_subs, now_ms
        seen = {market: state for market, state in markets.items() if market in step.markets}
        text = self.dialect.welcome(
            node=node, now_ms=now_ms, epochs=epochs, scope=self.scope, step=step, used=used, markets=seen
        )  # fmt: skip
        return [Send(text)]

    def received(self, text: str, now_ms: int) -> list[Effect]:
        """Answer one text message. Never raises for anything a client can send."""
        if not self._affordable(now_ms):
            return [Close(CLOSE_TOO_MANY, "too many messages; at most 20 a second")]
        try:
            return self._request(self.dialect.parse(text), now_ms)
        except PlatformError as error:
            return [self._error(error)]

    def received_binary(self, now_ms: int) -> list[Effect]:
        if not self._affordable(now_ms):
            return [Close(CLOSE_TOO_MANY, "too many messages; at most 20 a second")]
        return [self._error(BinaryNotSupported())]

    def failed(self, error: PlatformError) -> list[Effect]:
        """A store was away while a request was under way: say so, stay open."""
        return [Send(self.dialect.error(code="unavailable", message=error.message))]

    def _affordable(self, now_ms: int) -> bool:
        refill = max(0, now_ms - self._tokens_at_ms) / 1000 * PER_SECOND
        self._tokens, self._tokens_at_ms = min(float(BURST), self._tokens + refill), now_ms
        self._tokens -= 1
        return self._tokens >= 0

    def _error(self, error: PlatformError) -> Send:
        return Send(self.dialect.error(code=error.code, message=error.message))

    # -- requests ----------------------------------------------------------------------------------------------

    def _request(self, request: Request, now_ms: int) -> list[Effect]:
        match request:
            case Subscribe():
                return self._subscribe(request, now_ms)
            case Unsubscribe():
                return self._unsubscribe(request, now_ms)
            case Snapshot():
                return self._snapshot(request)
            case List():
                text = self.dialect.listing(current=self.following, used=self.used, max_subs=self._max_subs(now_ms))
                return [Send(text)]
            case Ping():
                return [Send(self.dialect.pong(echo=request.echo, now_ms=now_ms))]

    def _subscribe(self, request: Subscribe, now_ms: int) -> list[Effect]:
        unknown = [one for one, _ in self._read(request.symbols)[0] if not self._carried(one)]
        if unknown:
            return [Lookup(request, tuple(dict.fromkeys(unknown)))]
        return self.looked_up(request, frozenset(), now_ms)

    def looked_up(self, request: Subscribe, carried: frozenset[InstrumentId], now_ms: int) -> list[Effect]:
        """Go on with a subscribe now that it is known which of the unknown ones a feed carries."""
        wanted, rejected = self._read(request.symbols)
        markets = self.scope.at(now_ms / 1000).markets
        claims: dict[InstrumentId, None] = {}
        for instrument, asked in wanted:
            if instrument.market is not None and instrument.market not in markets:
                message = f"your plan does not include the market {instrument.market}"
                rejected.append(Rejection(asked, "market_not_allowed", message))
            elif not self._carried(instrument) and instrument not in carried:
                rejected.append(Rejection(asked, "unknown_symbol", f"no feed of this node carries {instrument}"))
            else:
                claims[instrument] = None
        return [Claim(request, tuple(claims), tuple(rejected))]

    def claimed(self, claim: Claim, granted: frozenset[InstrumentId], used: int, now_ms: int) -> list[Effect]:
        """Go on with a subscribe now that the quota has been taken."""
        self.used = used
        request, lanes = claim.request, dict.fromkeys(one.lane for one in claim.instruments if one in granted)
        if request.since is not None and WINDOW in request.kinds:
            return [Judge(claim, granted, request.since, tuple(lanes))]
        return self._added(claim, granted, None, now_ms)

    def judged(self, judge: Judge, verdicts: Sequence[Verdict], now_ms: int) -> list[Effect]:
        """Go on with a subscribe now that it is known what the stream still has."""
        effects = self._added(judge.claim, judge.granted, verdicts, now_ms)
        for verdict in verdicts:
            of_lane = [one for one in judge.claim.instruments if one in judge.granted and one.lane == verdict.lane]
            if verdict.recovered:
                effects.append(Replay(verdict, frozenset(self.following[one][WINDOW] for one in of_lane)))
        return effects

    def _added(
        self, claim: Claim, granted: frozenset[InstrumentId], verdicts: Sequence[Verdict] | None, now_ms: int
    ) -> list[Effect]:
        request, used, max_subs = claim.request, self.used, self._max_subs(now_ms)
        added = [one for one in claim.instruments if one in granted and one not in self.following]
        # A symbol that is followed already may get more kinds, or change its `fill`.
        for one in claim.instruments:
            if one in granted:
                self.following.setdefault(one, {}).update(
                    (kind, _channel(one, kind, request)) for kind in request.kinds
                )
        asked = self._asked(request.symbols)
        over = [
            Rejection(asked[one], "quota_exceeded", f"Max subscriptions reached ({used} of {max_subs})")
            for one in claim.instruments
            if one not in granted
        ]
        text = self.dialect.subscribed(
            added=added, current=self.following, rejected=[*claim.rejected, *over], used=used, max_subs=max_subs,
            resume=verdicts, live_only=[kind for kind in request.kinds if kind != WINDOW],
        )  # fmt: skip
        return [Send(text), self._follow()]

    def _unsubscribe(self, request: Unsubscribe, now_ms: int) -> list[Effect]:
        wanted, rejected = self._read(request.symbols)
        removed = [one for one in dict.fromkeys(one for one, _ in wanted) if one in self.following]
        rejected += [
            Rejection(asked, "not_subscribed", f"{one} is not followed on this socket")
            for one, asked in wanted
            if one not in self.following
        ]
        if not removed:
            return [Send(self._unsubscribed((), rejected, now_ms))]
        for one in removed:
            for kind in request.kinds or tuple(self.following[one]):
                self.following[one].pop(kind, None)
        removed = [one for one in removed if not self.following[one]]
        if not removed:
            return [Send(self._unsubscribed((), rejected, now_ms)), self._follow()]
        for one in removed:
            del self.following[one]
        self._parting = (tuple(removed), tuple(rejected))
        return [self._follow(), Release(tuple(removed))]

    def released(self, release: Release, used: int, now_ms: int) -> list[Effect]:
        """Answer an unsubscribe now that the quota is back."""
        self.used = used
        removed, rejected = self._parting
        return [Send(self._unsubscribed(removed, rejected, now_ms))]

    def _unsubscribed(self, removed: Sequence[InstrumentId], rejected: Sequence[Rejection], now_ms: int) -> str:
        text: str = self.dialect.unsubscribed(
            removed=removed, current=self.following, rejected=rejected, used=self.used, max_subs=self._max_subs(now_ms)
        )
        return text

    def _snapshot(self, request: Snapshot) -> list[Effect]:
        if not request.symbols:
            return [ReadNewest(tuple(self.following))]
        wanted, rejected = self._read(request.symbols)
        rejected += [
            Rejection(asked, "not_subscribed", f"{one} is not followed on this socket")
            for one, asked in wanted
            if one not in self.following
        ]
        return [ReadNewest(tuple(dict.fromkeys(one for one, _ in wanted if one in self.following)), tuple(rejected))]

    def newest_read(self, request: ReadNewest, newest: Sequence[tuple[InstrumentId, Newest]]) -> list[Effect]:
        return [Send(self.dialect.snapshot(newest=newest, rejected=request.rejected))]

    # -- entitlement ---------------------------------------------------------------------------------------------

    def entitled(self, scope: Scope, now_ms: int) -> list[Effect]:
        """Take a newer scope, or the same one at a later time; called on every change and every few seconds."""
        if scope.rev >= self.scope.rev:
            self.scope = scope
        now_s = now_ms / 1000
        step = self.scope.at(now_s)
        if step.max_subs == 0 and self.scope.next_change_s(now_s) is None:
            return [Close(CLOSE_TOKEN, "subscription_expired")]
        effects = self._warn(now_s)
        outside = any(one.market is not None and one.market not in step.markets for one in self.following)
        if step.max_subs < self._announced_max or outside:
            return [*effects, Fit(step.max_subs)]
        if step.max_subs > self._announced_max:
            effects.append(Send(self.dialect.quota_changed(max_subs=step.max_subs, used=self.used, dropped=())))
            self._announced_max = step.max_subs
        return effects

    def fitted(self, fit: Fit, dropped: Iterable[InstrumentId], used: int) -> list[Effect]:
        """The stores have given back what was over the quota: `dropped` are this socket's, newest first."""
        gone = [one for one in dropped if one in self.following]
        for one in gone:
            del self.following[one]
        self.used, self._announced_max = used, fit.max_subs
        return [self._follow(), Send(self.dialect.quota_changed(max_subs=fit.max_subs, used=used, dropped=gone))]

    def outside_markets(self, now_ms: int) -> tuple[InstrumentId, ...]:
        """Return what is followed in a market that the entitlement no longer includes."""
        markets = self.scope.at(now_ms / 1000).markets
        return tuple(one for one in self.following if one.market is not None and one.market not in markets)

    def next_due_s(self, now_s: float) -> float:
        """Return when `entitled` has something to say by the clock alone: a step, a warning, the end."""
        ends_s = self.scope.ends_at_s
        instants = [self.scope.next_change_s(now_s), *(ends_s - bound for bound in WARN_BEFORE_S)]
        return min((at for at in instants if at is not None and at > now_s), default=float("inf"))

    def _warn(self, now_s: float) -> list[Effect]:
        left = self.scope.ends_at_s - now_s
        due = [bound for bound in WARN_BEFORE_S if left <= bound]
        if not due:
            self._warned.clear()  # renewed: the next end is warned of again
            return []
        nearest = min(due)
        if nearest in self._warned:
            return []
        self._warned.update(due)
        return [Send(self.dialect.expiring(seconds=max(0, int(left)), ends_at_s=self.scope.ends_at_s))]

    # -- words ---------------------------------------------------------------------------------------------------

    def _max_subs(self, now_ms: int) -> int:
        return self.scope.at(now_ms / 1000).max_subs

    def _follow(self) -> Follow:
        return Follow(frozenset(channel for kinds in self.following.values() for channel in kinds.values()))

    def _read(self, symbols: Iterable[str]) -> tuple[list[tuple[InstrumentId, str]], list[Rejection]]:
        """Return what was asked as (canonical, as written), each once, and what is no symbol at all."""
        known: dict[InstrumentId, str] = {}
        rejected = []
        for symbol in symbols:
            try:
                known.setdefault(self._resolve(symbol), symbol)
            except BadSymbol as error:
                rejected.append(Rejection(symbol[:64], "unknown_symbol", error.message))
        return list(known.items()), rejected

    def _asked(self, symbols: Iterable[str]) -> dict[InstrumentId, str]:
        return dict(self._read(symbols)[0])


def _channel(instrument: InstrumentId, kind: str, request: Subscribe) -> Channel:
    """Return the channel of a kind. Filling and stamping are the window bars' own."""
    return Channel(instrument, kind, request.fill, request.stamp) if kind == WINDOW else Channel(instrument, kind)


def costs_quota(instrument: InstrumentId) -> bool:
    """TEST.CN is free, so that a purchase can be verified at night."""
    return instrument.venue is not Venue.TEST
