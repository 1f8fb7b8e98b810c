"""What of a subscribe a plan includes: pure rules over what was asked and the scope that is in force."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from kernel.instruments import InstrumentId
from kernel.scope import Scope, Step
from streaming.wire.channels import EVENTS
from streaming.wire.requests import Rejection, Subscribe

# Reasons that leave out kinds of a request and no symbol.
OF_KINDS = ("level_not_allowed", "type_not_allowed", "interval_not_allowed")


def why_not(kind: str, step: Step) -> str:
    """Return the reason for which a plan does not include a kind (streaming.wire.channels); "" where it does."""
    if not step.has_type(kind if kind in EVENTS else "kline"):
        return "type_not_allowed"
    if kind in EVENTS:
        return "" if step.levels else "level_not_allowed"
    return "" if step.has_interval(kind) else "interval_not_allowed"


def included(
    request: Subscribe,
    wanted: Iterable[tuple[InstrumentId, str]],
    scope: Scope,
    now_ms: int,
    carried: Callable[[InstrumentId], bool],
    codes_of: Callable[[InstrumentId], Iterable[str]] = lambda one: (one.symbol,),
) -> tuple[Subscribe, dict[InstrumentId, None], list[Rejection]]:
    """Return the request with the kinds that the plan has, the instruments that it has of those, and what it refuses.

    Args:
        wanted: what was asked for, each as the client has written it.
        carried: whether any feed has an instrument.
        codes_of: under which symbols an instrument is known; a scope of before it was renamed has one of the old ones.
    """
    step = scope.at(now_ms / 1000)
    beyond: dict[str, list[str]] = {}
    for kind in request.kinds:
        if reason := why_not(kind, step):
            beyond.setdefault(reason, []).append(kind)
    kinds = tuple(kind for kind in request.kinds if not why_not(kind, step))
    claims: dict[InstrumentId, None] = {}
    rejected = []
    for instrument, asked in wanted:
        if instrument.market is not None and instrument.market not in step.markets:
            message = f"your plan does not include the market {instrument.market}"
            rejected.append(Rejection(asked, "market_not_allowed", message))
        elif instrument.market is not None and not allows(scope, codes_of(instrument)):
            rejected.append(Rejection(asked, "symbol_not_allowed", f"your entitlement leaves {instrument} out"))
        elif not carried(instrument):
            rejected.append(Rejection(asked, "unknown_symbol", f"no feed of this node carries {instrument}"))
        else:
            rejected += [Rejection(asked, reason, _said(reason, of_it)) for reason, of_it in beyond.items()]
            if kinds:
                claims[instrument] = None
    return (replace(request, kinds=kinds) if beyond else request), claims, rejected


def allows(scope: Scope, codes: Iterable[str]) -> bool:
    """Tell whether a scope does not leave out an instrument that is known under some symbols."""
    return scope.symbols is None or any(map(scope.allows, codes))


def _said(reason: str, kinds: list[str]) -> str:
    listed = ", ".join(kinds)
    if reason == "level_not_allowed":
        return f"your plan includes no level, and so no {listed}"
    if reason == "interval_not_allowed":
        return f"your plan does not include bars of {listed}"
    bars = [kind for kind in kinds if kind not in EVENTS]
    words = [*(["kline"] if bars else []), *(kind for kind in kinds if kind in EVENTS)]
    return f"your plan does not include the type {', '.join(words)}"
