"""The HTTP of an rt-receiver node: /health, /stats and /api/v1/rt-kline.

Subscriptions are stored by customer and group. What an operator's programs send is streaming.api.rt_operators'.
"""

import time
from collections import Counter
from collections.abc import Iterable
from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from redis.exceptions import RedisError

from kernel import clock
from kernel.errors import PlatformError
from kernel.instruments import BadSymbol, InstrumentId
from streaming import metrics
from streaming.api.operators import operators_only
from streaming.api.rest import Answer, Call, RestDialect, answered, json_answer, of_newest, shows, straight
from streaming.api.rt_operators import apply_policies, body_of, failed, push
from streaming.domain.instruments import Instrument
from streaming.errors import BadParameter, LevelNotAllowed, PlanFull, StoreUnavailable, UnknownSymbol
from streaming.reference import directory, remembered
from streaming.runtime.process import current_process
from streaming.store import policies, subscriptions
from streaming.store.connection import redis_async
from streaming.store.rate_limit import Wanted
from streaming.wire.dialects.rt_receiver import rest
from streaming.wire.dialects.rt_receiver.rows import Row, row
from streaming.wire.dialects.rt_receiver.symbols import market_of, read
from streaming.wire.texts import iso

DEFAULT_LIMIT, MAX_LIMIT = 100, 2000
STEP_SECONDS = 3
_STATS_SECONDS = 1.0

_view = answered(RestDialect("rt_receiver", "X-API-Key", "token", lambda call, error: rest.refusal(error)))
_post = answered(RestDialect("rt_receiver", "X-API-Key", "token", lambda call, error: rest.refusal(error)), "POST")


# -- how the node is ---------------------------------------------------------------------------------------------------


async def _health(request: HttpRequest) -> HttpResponse:
    return json_answer({"status": "ok", "timestamp": iso(clock.now_ms())})


_counted: tuple[float, tuple[int, int, int]] = (float("-inf"), (0, 0, 0))


async def _stats(request: HttpRequest) -> HttpResponse:
    """Their keys, our values; null for what a node of theirs does and ours has no need to."""
    global _counted
    markets = current_process().hub.latest
    if time.monotonic() - _counted[0] > _STATS_SECONDS:
        try:
            client, group = redis_async(), settings.NODE_GROUP
            counts = (*await subscriptions.totals(client, group), await policies.count(client, group))
            _counted = (time.monotonic(), counts)
        except (RedisError, OSError):
            metrics.store_errors.inc()
    users, rows, policy_count = _counted[1]
    symbols = [symbol for name, market in markets.items() if name != "TEST" for symbol in market.quotes]
    newest = max((market.seq for market in markets.values()), default=0)
    return json_answer(
        {
            "daily_cleanup_timezone": None,  # nothing is cleaned: the last 72 h stay
            "daily_cleanup_trigger_hour": None,
            "flush_interval_seconds": 1.5,
            "last_daily_cleanup_date": None,
            "last_flush_at": iso(newest * 1500) if newest else None,
            "last_flush_items": sum(one.seq == newest for market in markets.values() for one in market.quotes.values()),
            "latest_counts": dict(Counter(market_of(_instrument(symbol), directory()) for symbol in symbols)),
            "offset_files": 0,
            "policy_count": policy_count,
            "subscription_rows": rows,
            "subscription_users": users,
            "ws_clients": metrics.open_connections(),
        }
    )


# -- newest ------------------------------------------------------------------------------------------------------------


def _latest_wanted(call: Call) -> Wanted:
    if not call.text("ts_code"):
        return Wanted(listed="followed")
    return of_newest([call.see(_named(call))])


@_view
@shows(_latest_wanted, "quote")
async def latest(call: Call) -> dict[str, Any]:
    """The newest row of a symbol, or those of what the customer follows or has stored; every 50 of them are a call."""
    market, code = call.text("market").lower(), call.text("ts_code")
    limit = _limit(call)
    call.may("quote")
    assert call.step is not None
    if not call.step.levels:
        raise LevelNotAllowed("the plan includes neither L1 nor L2")
    if code:
        try:
            chosen = [call.see(_named(call))]
        except (BadSymbol, UnknownSymbol):
            chosen = []
    else:
        chosen = _listed(call)
    of_market = [one for one in chosen if not market or market_of(one.id, directory()) == market]
    data = _rows(call, of_market[:limit])
    told = {"rejected_symbols": [rest.rejection(one, "quota_exceeded") for one in call.unfit]} if call.unfit else {}
    return {"count": len(data), "data": data, **told}


def _limit(call: Call) -> int:
    """Return how many rows are wanted; as there, what is no number asks for the default."""
    try:
        return call.limit(DEFAULT_LIMIT, MAX_LIMIT)
    except BadParameter:
        return DEFAULT_LIMIT


def _named(call: Call) -> Instrument:
    return directory().described(read(call.text("ts_code"), directory()))


def _listed(call: Call) -> list[Instrument]:
    """Return what the customer follows or has stored and may see, by market and symbol."""
    found = []
    for symbol in sorted(call.listed):
        one = directory().described(_instrument(symbol))
        try:
            found.append(call.see(one))
        except PlanFull:
            call.unfit.append(symbol)
        except PlatformError:
            continue  # the plan had it once
    return sorted(found, key=lambda one: (one.lane, one.symbol))


def _rows(call: Call, chosen: Iterable[Instrument]) -> list[Row]:
    told = []
    for one in chosen:
        if (picture := call.node.quotes.snapshot(one)) is not None:
            told.append(row(picture, directory(), best=call.most_levels(one) > 0))
    return told


@remembered(maxsize=50_000)
def _instrument(symbol: str) -> InstrumentId:
    return directory().canonical(symbol)


# -- stored subscriptions ----------------------------------------------------------------------------------------------


@_post
async def sync(call: Call) -> dict[str, Any]:
    """Store, add or forget symbols; the customer's open sockets of this language follow."""
    mode, asked = rest.sync_of(rest.object_of(body_of(call.request)))
    wanted, rejected = _wanted(call, asked, forgetting=mode == "remove")
    assert call.scope is not None
    assert call.step is not None
    customer, group = call.scope.customer, call.scope.group
    try:
        synced = await subscriptions.sync(
            redis_async(), customer, group, cast("subscriptions.Mode", mode), wanted, call.step.max_subs
        )
    except (RedisError, OSError):
        raise StoreUnavailable from None
    rejected += [rest.rejection(symbol, "quota_exceeded") for symbol in synced[1]]
    rejected += [rest.rejection(symbol, "not_subscribed") for symbol in synced[2]]
    await call.node.control.tell({"kind": "subscription", "customer": customer, "group": group})
    held, _ = _still_allowed(call, synced.current)
    return _told(call, mode=mode, accepted_symbols=held, rejected_symbols=rejected, current_subscriptions=len(held))


@_view
async def listing(call: Call) -> dict[str, Any]:
    stored = await _stored(call)
    held, rejected = _still_allowed(call, stored)
    return _told(
        call, stored_count=len(stored), current_subscriptions=len(held), subscribed_symbols=held,
        rejected_symbols=rejected,
    )  # fmt: skip


def _stored_wanted(call: Call) -> Wanted:
    asked = [part for part in call.text("symbols").split(",") if part.strip()]
    return Wanted(_wanted(call, asked, forgetting=True)[0], listed="stored")


@_view
@shows(_stored_wanted, "quote")
async def subscribed_latest(call: Call) -> dict[str, Any]:
    """Newest rows of what is stored, or of those named; a row that nobody knows yet is missing."""
    call.may("quote")
    stored = subscriptions.current(call.listed)
    asked = [part for part in call.text("symbols").split(",") if part.strip()]
    wanted, rejected = _wanted(call, asked, forgetting=True) if asked else (stored, [])
    rejected += [rest.rejection(symbol, "not_subscribed") for symbol in wanted if symbol not in stored]
    held, left_out = _still_allowed(call, [symbol for symbol in wanted if symbol in stored])
    left_out += [rest.rejection(symbol, "quota_exceeded") for symbol in held if symbol in call.left_out]
    held = [symbol for symbol in held if symbol not in call.left_out]
    data = _rows(call, [directory().described(_instrument(symbol)) for symbol in held])
    there = {one["ts_code"] for one in data}
    return _told(
        call, registered_symbols=stored, accepted_symbols=held, rejected_symbols=rejected + left_out,
        missing=[symbol for symbol in held if symbol not in there], step_seconds=STEP_SECONDS, count=len(data),
        data=data,
    )  # fmt: skip


def _told(call: Call, **more: Any) -> dict[str, Any]:
    assert call.scope is not None
    assert call.step is not None
    whose = {"user_id": call.scope.customer, "revision": call.scope.revision, "max_subs": call.step.max_subs}
    return {"status": "ok", "code": 0, **whose, **more}


async def _stored(call: Call) -> list[str]:
    assert call.scope is not None
    try:
        return await subscriptions.read(redis_async(), call.scope.customer, call.scope.group)
    except (RedisError, OSError):
        raise StoreUnavailable from None


def _wanted(call: Call, asked: Iterable[str], *, forgetting: bool) -> tuple[list[str], list[dict[str, Any]]]:
    """Return what was asked in canonical form, each once, and what cannot be stored.

    Args:
        forgetting: what is no longer allowed may still be named.
    """
    wanted: dict[str, None] = {}
    rejected = []
    for text in asked:
        try:
            one = directory().described(read(text.strip(), directory()))
        except BadSymbol:
            rejected.append(rest.rejection(text, "unknown_symbol"))
            continue
        reason = None if forgetting else _fault(call, one)
        if reason is None:
            wanted[one.symbol] = None
        else:
            rejected.append(rest.rejection(one.symbol, reason))
    return list(wanted), rejected


def _fault(call: Call, one: Instrument) -> str | None:
    try:
        call.see(one, live=False)
    except PlatformError as error:
        return error.code
    return None


def _still_allowed(call: Call, stored: Iterable[str]) -> tuple[list[str], list[dict[str, Any]]]:
    """Return what of the stored symbols the entitlement includes now, in their order, and why not the others."""
    assert call.step is not None
    held: list[str] = []
    rejected = []
    for symbol in stored:
        reason = _fault(call, directory().described(_instrument(symbol)))
        if reason is None and len([one for one in held if one != "TEST.CN"]) >= call.step.max_subs != 0:
            reason = "quota_exceeded"
        if reason is None:
            held.append(symbol)
        else:
            rejected.append(rest.rejection(symbol, reason))
    return held, rejected


# -- addresses ---------------------------------------------------------------------------------------------------------


async def _nothing_here(request: HttpRequest, rest: str = "") -> HttpResponse:
    """A path below theirs that does not exist."""
    return failed(404, "no such address")


nothing_here = straight(_nothing_here)
health, stats = straight(_health), operators_only(_stats)


def views() -> dict[str, Answer]:
    """Return every address and its view."""
    base = "api/v1/rt-kline"
    return {
        "health": health,
        "stats": stats,
        f"{base}/latest": latest,
        f"{base}/subscription/sync": sync,
        f"{base}/subscription/list": listing,
        f"{base}/subscription/latest": subscribed_latest,
        f"{base}/policies/apply": apply_policies,
        f"{base}/push": push,
    }
