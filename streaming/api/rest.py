"""What the REST dialects share: who asks, what the plan shows, parameters, and answers that any page may read.

A view gets a `Call` and returns the body of a success; whatever it refuses is said by its dialect.
"""

import re
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from kernel import clock, credentials, marks
from kernel.errors import PlatformError, Unavailable
from kernel.scope import Scope, Step
from kernel.tokens import BadToken, Claims
from streaming import metrics
from streaming.domain.instruments import Instrument
from streaming.domain.levels import most_levels
from streaming.errors import (
    BadParameter,
    GuestNotAllowed,
    IntervalNotAllowed,
    LevelNotAllowed,
    MarketNotAllowed,
    PlanFull,
    SymbolNotAllowed,
    TooManyCalls,
    TypeNotAllowed,
    UnknownSymbol,
)
from streaming.reference import directory
from streaming.runtime import viewers
from streaming.runtime.process import StreamProcess, current_process
from streaming.store import keys
from streaming.store.rate_limit import NOTHING_WANTED, Wanted
from streaming.wire.included import allows

_WHOLE = re.compile(r"-?[0-9]{1,17}", re.ASCII)  # int() reads other scripts' digits too, and a text of any length
_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Call:
    """One request, once it is known whose it is."""

    request: HttpRequest
    node: StreamProcess
    now_ms: int
    claims: Claims | None = None
    scope: Scope | None = None
    step: Step | None = None
    left_out: frozenset[str] = frozenset()  # canonical symbols whose newest values the plan has no room for
    listed: Sequence[str] = ()  # canonical symbols, where the call has asked for a list
    unfit: list[str] = field(default_factory=list)  # what was asked for and left out for that, as it was written
    refused: dict[str, PlatformError] = field(default_factory=dict)  # what else cannot be shown, by how it was written
    notes: dict[str, Any] = field(default_factory=dict)  # of the dialect's own
    _seen: tuple[tuple[str, ...], bool, dict[str, Instrument]] | None = None  # as it was before the call was counted

    # -- parameters --------------------------------------------------------------------------------------------------

    def text(self, *names: str) -> str:
        """Return a parameter by any of its names; empty where none was sent."""
        for name in names:
            if found := self.request.GET.get(name, "").strip():
                return str(found)
        return ""

    def number(self, *names: str, default: int | None = None) -> int | None:
        """Return a whole number.

        Raises:
            BadParameter: it is none.
        """
        text = self.text(*names)
        if not text:
            return default
        if not _WHOLE.fullmatch(text):
            raise BadParameter(f"Invalid parameter: {names[0]} must be a whole number, not {text[:40]!r}")
        return int(text)

    def limit(self, default: int, most: int) -> int:
        """Return how many are wanted, brought into the range."""
        asked = self.number("limit", default=default)
        return default if asked is None or asked <= 0 else min(asked, most)

    # -- the plan ----------------------------------------------------------------------------------------------------

    def may(self, type_: str, interval: str = "") -> None:
        """Look whether the plan includes what is asked for.

        Args:
            type_: kline, quote, tick or depth.
            interval: of bars.

        Raises:
            TypeNotAllowed, IntervalNotAllowed: it does not.
        """
        assert self.step is not None
        if not self.step.has_type(type_):
            raise TypeNotAllowed(f"the plan does not include the type {type_}")
        if interval and not self.step.has_interval(interval):
            raise IntervalNotAllowed(f"the plan does not include bars of {interval}")

    def see(self, instrument: Instrument, *, live: bool = True) -> Instrument:
        """Return an instrument that the plan includes.

        Args:
            live: the running feed must carry it; else the list is enough.

        Raises:
            MarketNotAllowed, SymbolNotAllowed, LevelNotAllowed: the plan has no such market, leaves the symbol out, or
                has no level at all.
            UnknownSymbol: nobody carries it.
            PlanFull: its newest values are one symbol too many in this minute.
        """
        assert self.step is not None
        market, symbol = instrument.market, instrument.symbol
        if market is not None and market not in self.step.markets:
            raise MarketNotAllowed(f"the plan does not include the market {market}")
        if (
            market is not None
            and self.scope is not None
            and not allows(self.scope, directory().codes_of(instrument.id))
        ):
            raise SymbolNotAllowed(f"the entitlement leaves {symbol} out")
        if not self.step.levels:
            raise LevelNotAllowed("the plan includes neither L1 nor L2")
        if not self.node.quotes.carries(instrument) and (live or symbol not in directory()):
            raise UnknownSymbol(f"{symbol} is not carried by this node", symbol=symbol)
        if live and symbol in self.left_out:
            most = self.step.max_subs
            raise PlanFull(f"the plan has {most} symbols, in any minute over REST too; {symbol} is one more")
        return instrument

    def see_all(
        self,
        asked: Iterable[str],
        read: Callable[[str], Instrument],
        *,
        live: bool = True,
        stop_at: tuple[type[PlatformError], ...] = (),
    ) -> dict[str, Instrument]:
        """Return what the plan includes, by what was asked for; what cannot be shown spoils nothing else.

        Args:
            read: what a text names; refuses by raising.
            live: as in `see`.
            stop_at: refusals that spoil everything all the same.

        Raises:
            PlatformError: nothing can be shown; it says why the first cannot.
        """
        asked = tuple(asked)
        if self._seen is not None and self._seen[:2] == (asked, live):
            return self._seen[2]
        seen: dict[str, Instrument] = {}
        refused: list[PlatformError] = []
        for text in asked:
            try:
                seen[text] = self.see(read(text), live=live)
            except stop_at:
                raise
            except PlatformError as error:
                refused.append(error)
                if isinstance(error, PlanFull):
                    self.unfit.append(text)
                else:
                    self.refused[text] = error
        if not seen:
            raise refused[0]
        self._seen = asked, live, seen
        return seen

    def most_levels(self, instrument: Instrument) -> int:
        """Return how many levels of the best orders the plan includes."""
        assert self.step is not None
        return most_levels(self.step.levels, instrument.id)


@dataclass(frozen=True, slots=True)
class RestDialect:
    """Where a dialect's clients put their token, and how it says an error: (HTTP status, body).

    An empty `token_parameter` takes none from the query, where URLs end in logs.
    """

    name: str
    token_header: str
    token_parameter: str
    refusal: Callable[[Call, PlatformError], tuple[int, dict[str, Any]]]
    viewers: bool = False  # the panel's own pages ask here, with tokens of their own


View = Callable[[Call], Awaitable[dict[str, Any] | HttpResponse]]  # a body of JSON, or an answer of its own
# What a call asks the newest values of, by the plan as it is known; what it refuses the view refuses again.
Wants = Callable[[Call], Wanted]
Answer = Callable[[HttpRequest], Coroutine[Any, Any, HttpResponse]]


def of_newest(instruments: Iterable[Instrument]) -> Wanted:
    """Return that the newest values of instruments are wanted; TEST.CN is free."""
    return Wanted(list(dict.fromkeys(one.symbol for one in instruments if one.market is not None)))


def shows(wants: Wants, type_: str = "") -> Callable[[View], View]:
    """Mark a view that shows newest values: what it wants is claimed in the same round trip as the call is counted.

    Args:
        type_: the type of data that it shows, of which nothing is claimed where the plan does not include it.
    """

    def wants_of_the_plan(call: Call) -> Wanted:
        if type_:
            call.may(type_)
        return wants(call)

    def mark(view: View) -> View:
        view.wants = wants_of_the_plan  # type: ignore[attr-defined]
        return view

    return mark


def for_guests(view: View) -> View:
    """Mark a view that also answers who has no account: it shows the one instrument that their scope has."""
    view.for_guests = True  # type: ignore[attr-defined]
    return view


def answered(dialect: RestDialect, *methods: str) -> Callable[[View], Answer]:
    """Make a view of a function that answers a call: find the token, count the call, say errors in the dialect."""
    taken = methods or ("GET",)

    def wrap(view: View) -> Answer:
        wants: Wants | None = getattr(view, "wants", None)
        heads = ("HEAD",) if "GET" in taken else ()  # looking must not do what another method does

        @wraps(view)
        async def answer(request: HttpRequest, **_: str) -> HttpResponse:
            if request.method == "OPTIONS":
                return json_answer({})
            if request.method not in (*taken, *heads):
                return wrong_method(request, taken)
            call = Call(request, current_process(), clock.now_ms())
            try:
                call.claims = await _identified(request, dialect)
                if call.claims.guest and not getattr(view, "for_guests", False):
                    raise GuestNotAllowed
                await _admit(call, wants)
                if not getattr(view, "of_the_panel", False):
                    call.node.uses.note(call.claims.jti, call.now_ms)
                told = await view(call)
                response = told if isinstance(told, HttpResponse) else json_answer(told)
            except PlatformError as error:
                status, body = dialect.refusal(call, error)
                response = _with_hints(json_answer(body, status), error)
            metrics.rest_calls.labels(dialect.name, response.status_code).inc()
            return response

        return straight(answer)

    return wrap


async def _identified(request: HttpRequest, dialect: RestDialect) -> Claims:
    """Return whose a request is.

    Raises:
        BadToken: or one of its kinds; HTTP 401, and 403 of a page's token in other hands.
    """
    claims, sent = await keys.verify_async(find_token(request, dialect)), request.headers
    return viewers.admitted(
        claims,
        taken=dialect.viewers,
        address=request.META.get("REMOTE_ADDR", ""),
        origin=sent.get("Origin", ""),
        site=sent.get("Sec-Fetch-Site", ""),
        host=sent.get("Host", ""),
        reads=request.method in ("GET", "HEAD"),
    )


async def _admit(call: Call, wants: Wants | None) -> None:
    """Count a call, learn the scope in force, and what the plan has no room for."""
    assert call.claims is not None
    limiter = call.node.limiter
    known = limiter.as_known(call.claims)
    _take_scope(call, known)
    wanted = _wanted(call, wants)
    admitted = await limiter.admit(call.claims, call.now_ms, wanted=wanted)
    _take_scope(call, admitted.scope)
    if admitted.scope != known or admitted.scope.policy != known.policy:
        call._seen = None  # it was seen by what was known before
        if (anew := _wanted(call, wants)) != wanted:
            admitted = await limiter.admit(call.claims, call.now_ms, 0, anew)
    if admitted.left_out:
        call._seen = None
    call.left_out, call.listed = admitted.left_out, admitted.listed


def _take_scope(call: Call, scope: Scope) -> None:
    call.scope, call.step = scope, scope.at(call.now_ms / 1000)


def _wanted(call: Call, wants: Wants | None) -> Wanted:
    if wants is None:
        return NOTHING_WANTED
    try:
        return wants(call)
    except PlatformError:
        return NOTHING_WANTED  # the view says why, once it is known that this customer may ask at all


def looked_at(view: View) -> View:
    """Mark a view that the panel asks while its owner looks on: that is no use of the token that would count."""
    vars(view)["of_the_panel"] = True
    return view


def straight(view: Any) -> Answer:
    """Mark a view for config.straight: no cookie has any authority here."""
    marked: Answer = marks.straight(csrf_exempt(view))
    return marked


def find_token(request: HttpRequest, dialect: RestDialect) -> str:
    """Return the token of a request: the dialect's own places, or `Authorization: Bearer`.

    Raises:
        TokenMissing: it is in none of them.
    """
    places = [dialect.token_parameter] if dialect.token_parameter else []
    return credentials.required(
        credentials.own_header(request.headers.get(dialect.token_header)),
        credentials.bearer(request.headers.get("Authorization")),
        credentials.query_token(request.META.get("QUERY_STRING", ""), places),
    )


# -- answers -----------------------------------------------------------------------------------------------------------


def json_answer(body: Any, status: int = 200) -> HttpResponse:
    """Return JSON that a page of any origin may read: no cookie has a say here."""
    encoded = _encode(body)
    return HttpResponse(
        encoded,
        content_type="application/json",
        status=status,
        headers={
            "Content-Length": str(len(encoded)),
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Allow-Headers": "Authorization, X-API-Key, token, Content-Type",
            "Access-Control-Allow-Methods": "GET, POST, DELETE, OPTIONS",
            "Access-Control-Expose-Headers": "Retry-After",
            "Access-Control-Max-Age": "86400",
            "Cache-Control": "no-store",
        },
    )


def _with_hints(response: HttpResponse, error: PlatformError) -> HttpResponse:
    if isinstance(error, BadToken) and (challenge := credentials.challenge(error)):
        response["WWW-Authenticate"] = challenge
    if isinstance(error, TooManyCalls):
        response["Retry-After"] = str(error.fields["retry_after_s"])
    if isinstance(error, Unavailable):
        response["Retry-After"] = "2"
    return response


def wrong_method(request: HttpRequest, taken: Sequence[str]) -> HttpResponse:
    """Return 405 with the methods that are taken."""
    text = f"{str(request.method)[:16]} is not answered here; use {' or '.join(taken)}"
    response = json_answer({"code": "method_not_allowed", "message": text, "msg": text}, 405)
    response["Allow"] = ", ".join((*taken, "OPTIONS"))
    return response
