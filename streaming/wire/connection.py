"""One client connection, whatever its dialect: text in, effects out. Knows no socket, no Redis and no clock.

The runner (streaming.sockets.effects) does the effects and comes back with what the stores said. Every answer is
made here, so every rule about one connection can be tested with plain calls.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from kernel.errors import PlatformError
from kernel.instruments import BadSymbol, InstrumentId, Venue
from kernel.scope import Scope, Step
from streaming.domain.levels import most_levels
from streaming.domain.ticks import Snapshot
from streaming.errors import AlreadyAuthenticated, AmbiguousSymbol, BinaryNotSupported, TypeConflict, UnknownSymbol
from streaming.records.window import Newest
from streaming.wire.budget import Budget
from streaming.wire.channels import EVENTS, INTERVALS, WINDOW, Channel
from streaming.wire.dialect import Dialect
from streaming.wire.ending import WARN_BEFORE_S, Ending
from streaming.wire.included import allows, included, why_not
from streaming.wire.requests import (
    Auth,
    Claim,
    Close,
    Effect,
    Follow,
    List,
    Lookup,
    Ping,
    ReadNewest,
    Rejection,
    Release,
    Replay,
    Request,
    ResumeCheck,
    ResumeDecision,
    Send,
    Shrink,
    SnapshotRequest,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
    Welcome,
)

CLOSE_MALFORMED = 4400
CLOSE_TOKEN = 4401
CLOSE_FORBIDDEN = 4403
CLOSE_SLOW = 4408
CLOSE_REPLACED = 4409
CLOSE_ENDED = 4410
CLOSE_TOO_MANY = 4429
CLOSE_DRAINING = 1012


class Connection:
    """The state of one socket.

    Args:
        dialect: the client's language.
        carried: whether an instrument is known here without asking a store.
        via: which of the dialect's variants; what its `paths` say.
    """

    def __init__(
        self, *, dialect: Dialect, scope: Scope, carried: Callable[[InstrumentId], bool], via: str = ""
    ) -> None:
        self.dialect, self.rules, self.via = dialect, dialect.rules, via
        self.scope = scope
        self._carried, self._codes_of = carried, dialect.directory.codes_of
        # instrument -> kind -> channel, in the order of following
        self.following: dict[InstrumentId, dict[str, Channel]] = {}
        self.used = 0  # the customer's union over all sockets, as last told
        self._announced_max = 0
        self._budget = Budget(self.rules)
        self._ref: object = None  # of the request under way
        self._rows: dict[InstrumentId, int] = {}  # of depth, as asked
        self._asked_as: dict[InstrumentId, str] = {}  # what is followed, as this client has written it
        self._levels: frozenset[str] = frozenset()
        self._shown: tuple[frozenset[str] | None, ...] = ()  # levels, types and intervals as they were last fitted
        self._ending = Ending()

    # -- life --------------------------------------------------------------------------------------------------

    def opened(
        self,
        *,
        node: str,
        now_ms: int,
        used: int,
        epochs: Mapping[str, str],
        markets: Mapping[str, tuple[str, int | None, bool, str]],
    ) -> list[Effect]:
        """Greet."""
        step = self.scope.at(now_ms / 1000)
        self.used, self._announced_max = used, step.max_subs
        self._budget.begin(now_ms)
        self._levels, self._shown = step.levels, (step.levels, step.types, step.intervals)
        seen = {market: state for market, state in markets.items() if market in step.markets}
        return _said(self.dialect.welcome(Welcome(node, now_ms, epochs, self.scope, step, used, seen)))

    def wait_ms(self, now_ms: int) -> int | None:
        """Count a message that has arrived; return how long it must wait, None for a flood that is to be ended."""
        return self._budget.wait_ms(now_ms)

    def received(self, text: str, now_ms: int) -> list[Effect]:
        """Answer one text message whose turn has come. Never raises for anything a client can send."""
        try:
            return self.asked(self.dialect.parse(text, self.via), now_ms)
        except PlatformError as error:
            return self._refused(error)

    def asked(self, request: Request, now_ms: int) -> list[Effect]:
        """Do what a client asks, or what is asked for it."""
        self._ref = getattr(request, "ref", None)
        return self._request(request, now_ms)

    def received_binary(self) -> list[Effect]:
        return self._refused(BinaryNotSupported())

    def _refused(self, error: PlatformError) -> list[Effect]:
        if self.rules.errors_close:
            return [Close(CLOSE_MALFORMED, error.message)]
        return _said(self.dialect.error(error, error.fields.get("ref")))

    def failed(self, error: PlatformError) -> list[Effect]:
        """A store was away while a request was under way: say so, stay open."""
        return _said(self.dialect.error(error, self._ref))

    def flooded(self) -> Close:
        """End a client that has filled what may wait."""
        return Close(CLOSE_TOO_MANY, f"too many messages; at most {self.rules.per_second:g} a second")

    # -- requests ----------------------------------------------------------------------------------------------

    def _request(self, request: Request, now_ms: int) -> list[Effect]:
        match request:
            case Subscribe():
                return self._subscribe(request, now_ms)
            case Unsubscribe():
                return self._unsubscribe(request, now_ms)
            case SnapshotRequest():
                return self._snapshot(request)
            case List():
                most, used = self._max_subs(now_ms), self.used
                return _said(self.dialect.listing(request=request, current=self.following, used=used, max_subs=most))
            case Ping():
                self._budget.pinged(now_ms)
                return _said(self.dialect.pong(request=request, now_ms=now_ms))
            case Auth():
                raise AlreadyAuthenticated

    def _subscribe(self, request: Subscribe, now_ms: int) -> list[Effect]:
        unknown = [one for one, _ in self._read(request.symbols, request.via)[0] if not self._carried(one)]
        if unknown:
            return [Lookup(request, tuple(dict.fromkeys(unknown)))]
        return self.looked_up(request, frozenset(), now_ms)

    def looked_up(self, request: Subscribe, carried: frozenset[InstrumentId], now_ms: int) -> list[Effect]:
        """Go on with a subscribe now that it is known which of the unknown ones a feed carries."""
        wanted, rejected = self._read(request.symbols, request.via)
        request, claims, refused = included(
            request, wanted, self.scope, now_ms, lambda one: self._carried(one) or one in carried, self._codes_of
        )
        rejected += refused
        most = self.rules.most_symbols
        if most is not None and len(claims.keys() | ({} if self.rules.overwrites else self.following.keys())) > most:
            asked_of = self._asked(request)
            message = f"at most {most} symbols on one connection"
            rejected += [Rejection(asked_of[one], "quota_exceeded", message) for one in claims]
            claims.clear()
        leaving = self._overwritten(request, claims) if self.rules.overwrites else []
        return [*leaving, Claim(request, tuple(claims), tuple(rejected))]

    def _overwritten(self, request: Subscribe, wanted: Iterable[InstrumentId]) -> list[Effect]:
        """Drop what was followed of the same kinds before: its quota is needed for what comes instead."""
        stays = frozenset(wanted)
        gone = self._drop([one for one in self.following if one not in stays], request.kinds)
        return [self._follow(), Release(gone)] if gone else []

    def _drop(self, instruments: Sequence[InstrumentId], kinds: Sequence[str] | None) -> tuple[InstrumentId, ...]:
        """Stop following some kinds, or all; return the instruments of which nothing is followed any more."""
        for one in instruments:
            for kind in kinds or tuple(self.following[one]):
                self.following[one].pop(kind, None)
        gone = tuple(one for one in instruments if not self.following[one])
        for one in gone:
            del self.following[one]
            self._rows.pop(one, None)
            self._asked_as.pop(one, None)
        return gone

    def claimed(self, claim: Claim, granted: frozenset[InstrumentId], used: int, now_ms: int) -> list[Effect]:
        """Go on with a subscribe now that the quota has been taken."""
        self.used = used
        request, lanes = claim.request, dict.fromkeys(one.lane for one in claim.instruments if one in granted)
        if request.since is not None:
            return [ResumeCheck(claim, granted, request.since, tuple(lanes), tuple(request.kinds))]
        return self._added(claim, granted, None, now_ms)

    def resume_decided(self, judge: ResumeCheck, verdicts: Sequence[ResumeDecision], now_ms: int) -> list[Effect]:
        """Go on with a subscribe now that it is known what the stream still has."""
        effects = self._added(judge.claim, judge.granted, verdicts, now_ms)
        replays = []
        for verdict in (one for one in verdicts if one.recovered):
            of_lane = [one for one in judge.claim.instruments if one in judge.granted and one.lane == verdict.lane]
            kinds = [kind for kind in judge.claim.request.kinds if kind not in verdict.lacking]
            if channels := frozenset(self.following[one][kind] for one in of_lane for kind in kinds):
                replays.append(Replay(verdict, channels))
        replayed = frozenset[Channel]().union(*(one.channels for one in replays))
        return [replace(one, replayed=replayed) if isinstance(one, Follow) else one for one in effects] + replays

    def _added(
        self, claim: Claim, granted: frozenset[InstrumentId], verdicts: Sequence[ResumeDecision] | None, now_ms: int
    ) -> list[Effect]:
        request, used, max_subs = claim.request, self.used, self._max_subs(now_ms)
        added = [one for one in claim.instruments if one in granted and one not in self.following]
        asked = self._asked(request)
        # A symbol that is followed already may get more kinds, or change its `fill`.
        for one in claim.instruments:
            if one in granted:
                self._rows[one], self._asked_as[one] = request.rows, asked[one].strip()
                self.following.setdefault(one, {}).update(
                    (kind, self._channel(one, kind, request, asked[one])) for kind in request.kinds
                )
        over = [
            Rejection(asked[one], "quota_exceeded", f"Max subscriptions reached ({used} of {max_subs})")
            for one in claim.instruments
            if one not in granted
        ]
        refused = [*claim.rejected, *over]
        live_only = [kind for kind in request.kinds if any(kind in one.lacking for one in verdicts or ())]
        text = self.dialect.subscribed(
            Subscribed(request, added, self.following, refused, used, max_subs, verdicts, live_only)
        )
        if self.rules.errors_close and refused and not self.following:
            return [Close(CLOSE_FORBIDDEN, refused[0].message)]
        return [*_said(text), self._follow()]

    def _channel(self, instrument: InstrumentId, kind: str, request: Subscribe, asked: str) -> Channel:
        """Return the channel of a kind. Filling and stamping are the window bars' own."""
        form = self.dialect.form(asked, kind, request)
        channel = Channel(instrument, kind, dialect=self.dialect.name, form=form)
        if kind == WINDOW:
            return channel._replace(fill=request.fill, stamp=request.stamp)
        return channel._replace(rows=self._rows_of(instrument)) if kind == "depth" else channel

    def _rows_of(self, instrument: InstrumentId) -> int:
        """Return how many orders a side a plan's level and the client's own wish leave."""
        most = most_levels(self._levels, instrument)
        return min(most, self._rows.get(instrument, 0) or most)

    def _unsubscribe(self, request: Unsubscribe, now_ms: int) -> list[Effect]:
        everything = [str(one) for one in self.following]
        hers, rejected = self._followed(everything if request.symbols is None else request.symbols, request.via)
        removed = self._drop(hers, request.kinds)
        if not removed:
            answer = _said(self._unsubscribed(request, (), rejected, now_ms))
            return [*answer, self._follow()] if hers else answer
        return [self._follow(), Release(removed, request, tuple(rejected))]

    def released(self, release: Release, used: int, now_ms: int) -> list[Effect]:
        """Answer an unsubscribe now that the quota is back."""
        self.used = used
        if release.request is None:
            return []
        return _said(self._unsubscribed(release.request, release.instruments, release.rejected, now_ms))

    def _unsubscribed(
        self, request: Unsubscribe, removed: Sequence[InstrumentId], rejected: Sequence[Rejection], now_ms: int
    ) -> str:
        max_subs = self._max_subs(now_ms)
        return self.dialect.unsubscribed(
            Unsubscribed(request, removed, self.following, rejected, self.used, max_subs)
        )  # fmt: skip

    def _snapshot(self, request: SnapshotRequest) -> list[Effect]:
        if not request.symbols:
            return [ReadNewest(request, tuple(self.following))]
        hers, rejected = self._followed(request.symbols)
        return [ReadNewest(request, tuple(hers), tuple(rejected))]

    def _followed(self, symbols: Iterable[str], via: str = "") -> tuple[list[InstrumentId], list[Rejection]]:
        """Return what of some symbols is followed, and why the others are not."""
        wanted, rejected = self._read(symbols, via)
        rejected += [
            Rejection(asked, "not_subscribed", f"{one} is not followed on this socket")
            for one, asked in wanted
            if one not in self.following
        ]
        return [one for one, _ in wanted if one in self.following], rejected

    def newest_read(
        self,
        read: ReadNewest,
        newest: Sequence[tuple[InstrumentId, Newest]],
        pictures: Mapping[InstrumentId, Snapshot],
    ) -> list[Effect]:
        said = self.dialect.snapshot(
            request=read.request, newest=newest, pictures=pictures, rejected=read.rejected
        )  # fmt: skip
        return _said(said)

    # -- entitlement ---------------------------------------------------------------------------------------------

    def entitled(self, scope: Scope, now_ms: int) -> list[Effect]:
        """Take a newer scope, or the same one at a later time; called on every change and every few seconds."""
        if scope.rev >= self.scope.rev:
            self.scope = scope
        now_s = now_ms / 1000
        step = self.scope.at(now_s)
        if step.max_subs == 0 and self.scope.next_change_s(now_s) is None:
            return [Close(CLOSE_TOKEN, "subscription_expired")]
        silent_at_s = self._budget.silent_at_s()
        if silent_at_s is not None and now_s >= silent_at_s:
            return [Close(CLOSE_SLOW, "no heartbeat")]
        effects = [*self._warn(now_s), *self._fit_kinds(step)]
        if step.max_subs < self._announced_max or self.outside(now_ms):
            return [*effects, Shrink(step.max_subs)]
        if step.max_subs > self._announced_max:
            effects += _said(self.dialect.quota_changed(max_subs=step.max_subs, used=self.used, dropped={}))
            self._announced_max = step.max_subs
        return effects

    def _fit_kinds(self, step: Step) -> list[Effect]:
        """Show as much of the orders as the levels in force include, and no type or interval that they leave out."""
        if (step.levels, step.types, step.intervals) == self._shown:
            return []
        self._levels, self._shown = step.levels, (step.levels, step.types, step.intervals)
        for one, kinds in self.following.items():
            if "depth" in kinds:
                kinds["depth"] = kinds["depth"]._replace(rows=self._rows_of(one))
        left_out = [kind for kind in (*EVENTS, *INTERVALS) if why_not(kind, step)]
        gone = self._drop(tuple(self.following), left_out) if left_out else ()
        return [self._follow(), Release(gone)] if gone else [self._follow()]

    def shrunk(
        self, fit: Shrink, dropped: Iterable[InstrumentId], used: int, *, to_programs: bool = False
    ) -> list[Effect]:
        """The stores have given back what was over: `dropped` are this socket's, newest first; a page's to programs."""
        gone = {one: self._asked_as.get(one, str(one)) for one in dropped if one in self.following}
        self._drop(tuple(gone), None)
        self.used, self._announced_max = used, fit.max_subs
        tell = self.dialect.taken_back if to_programs else self.dialect.quota_changed
        return [self._follow(), *_said(tell(max_subs=fit.max_subs, used=used, dropped=gone))]

    def outside(self, now_ms: int) -> tuple[InstrumentId, ...]:
        """Return what is followed and no longer included: its market, or by name."""
        markets, scope = self.scope.at(now_ms / 1000).markets, self.scope
        listed = (one for one in self.following if one.market is not None)
        return tuple(one for one in listed if one.market not in markets or not allows(scope, self._codes_of(one)))

    def next_due_s(self, now_s: float) -> float:
        """Return when `entitled` has something to say by the clock alone: a step, a warning, the end."""
        ends_s = self.scope.ends_at_s
        instants = [self.scope.next_change_s(now_s), self._budget.silent_at_s()]
        instants += [ends_s - bound for bound in WARN_BEFORE_S]
        return min((at for at in instants if at is not None and at > now_s), default=float("inf"))

    def _warn(self, now_s: float) -> list[Effect]:
        left, ends_at_s = self.scope.ends_at_s - now_s, self.scope.ends_at_s
        if not self._ending.due(left):
            return []
        return _said(self.dialect.expiring(seconds=max(0, int(left)), ends_at_s=ends_at_s))

    # -- words ---------------------------------------------------------------------------------------------------

    def _max_subs(self, now_ms: int) -> int:
        return self.scope.at(now_ms / 1000).max_subs

    def _follow(self) -> Follow:
        return Follow(frozenset(channel for kinds in self.following.values() for channel in kinds.values()))

    def _read(self, symbols: Iterable[str], via: str = "") -> tuple[list[tuple[InstrumentId, str]], list[Rejection]]:
        """Return what was asked as (canonical, as written), each once, and what is no symbol at all."""
        known: dict[InstrumentId, str] = {}
        rejected = []
        for symbol in symbols:
            try:
                known.setdefault(self.dialect.resolve(symbol, via or self.via), symbol)
            except (BadSymbol, UnknownSymbol) as error:
                rejected.append(Rejection(symbol, "unknown_symbol", error.message))
            except (AmbiguousSymbol, TypeConflict) as error:
                rejected.append(Rejection(symbol, error.code, error.message))
        return list(known.items()), rejected

    def _asked(self, request: Subscribe) -> dict[InstrumentId, str]:
        return dict(self._read(request.symbols, request.via)[0])


def _said(text: str) -> list[Effect]:
    """Send a text where the language has one."""
    return [Send(text)] if text else []


def costs_quota(instrument: InstrumentId) -> bool:
    """TEST.CN is free, so that a purchase can be verified at night."""
    return instrument.venue is not Venue.TEST
