"""What of a subscribe a plan includes: pure rules over what was asked and the scope that is in force."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from kernel.instruments import InstrumentId
from kernel.scope import Scope
from streaming.wire.channels import EVENTS
from streaming.wire.requests import Rejection, Subscribe


def included(
    request: Subscribe,
    wanted: Iterable[tuple[InstrumentId, str]],
    scope: Scope,
    now_ms: int,
    carried: Callable[[InstrumentId], bool],
) -> tuple[Subscribe, dict[InstrumentId, None], list[Rejection]]:
    """Return the request with the kinds that the plan has, the instruments that it has of those, and what it refuses.

    Args:
        wanted: what was asked for, each as the client has written it.
        carried: whether any feed has an instrument.
    """
    step = scope.at(now_ms / 1000)
    beyond = () if step.levels else tuple(kind for kind in request.kinds if kind in EVENTS)
    claims: dict[InstrumentId, None] = {}
    rejected = []
    for instrument, asked in wanted:
        if instrument.market is not None and instrument.market not in step.markets:
            message = f"your plan does not include the market {instrument.market}"
            rejected.append(Rejection(asked, "market_not_allowed", message))
        elif instrument.market is not None and not scope.allows(str(instrument)):
            rejected.append(Rejection(asked, "symbol_not_allowed", f"your entitlement leaves {instrument} out"))
        elif not carried(instrument):
            rejected.append(Rejection(asked, "unknown_symbol", f"no feed of this node carries {instrument}"))
        else:
            if beyond:
                message = f"your plan includes no level, and so no {', '.join(beyond)}"
                rejected.append(Rejection(asked, "level_not_allowed", message))
            if len(beyond) < len(request.kinds):
                claims[instrument] = None
    if beyond:
        request = replace(request, kinds=tuple(kind for kind in request.kinds if kind not in beyond))
    return request, claims, rejected
