"""What an operator's programs send to an rt-receiver node: pushes of ticks, and policies.

Each has a token of its own (TICKPACK_PUSH_TOKEN, TICKPACK_POLICY_TOKEN); nobody may where it is not set.
"""

import asyncio
import hmac
import threading
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from redis.exceptions import RedisError

from kernel import clock, credentials
from kernel.errors import Malformed
from kernel.keyspace import PUSH_LINE
from streaming import metrics
from streaming.api.rest import Answer, json_answer, straight
from streaming.domain.calendar import exchange_day
from streaming.errors import PushesWait, StoreUnavailable
from streaming.ingest.choice import choice_for, lines_for
from streaming.reference import directory
from streaming.runtime.process import current_process
from streaming.store import policies, pushes
from streaming.store.connection import redis_async
from streaming.wire.dialects.rt_receiver import push as pushing
from streaming.wire.dialects.rt_receiver import rest

MOST_BODY = 1 << 20
_RETRY_SECONDS = "3"
_MOST_PUSHED, _MOST_UNPACKED = 8 << 20, 32 << 20
_one_at_a_time = threading.Lock()  # reading a push costs up to some hundred MB; several at once cost no more


def operators(setting: str, name: str) -> Callable[[Callable[[HttpRequest], Awaitable[HttpResponse]]], Answer]:
    """Make a view that only who has the operator's token may ask."""

    def wrap(view: Callable[[HttpRequest], Awaitable[HttpResponse]]) -> Answer:
        @wraps(view)
        async def answer(request: HttpRequest) -> HttpResponse:
            if request.method != "POST":
                return failed(405, "method not allowed")
            told = credentials.secret(request.headers.get("Authorization"))
            if not told:
                return failed(401, "missing Authorization header")
            expected = str(getattr(settings, setting))
            if not expected or not hmac.compare_digest(told.encode(errors="replace"), expected.encode()):
                return failed(403, f"invalid {name} token")
            try:
                return await view(request)
            except (RedisError, OSError, StoreUnavailable):
                metrics.store_errors.inc()
                response = failed(503, StoreUnavailable().message)  # a sender tries again
                response["Retry-After"] = "2"
                return response

        return straight(answer)

    return wrap


def failed(status: int, message: str) -> HttpResponse:
    return json_answer({"code": status, "message": message, "status": "error"}, status)


@operators("PUSH_TOKEN", "push")
async def push(request: HttpRequest) -> HttpResponse:
    """Take a batch of ticks for a line of the feed `live`; `?line=` names it where a market has several."""
    packed = request.headers.get("Content-Encoding", "").strip().lower() == "gzip"
    raw = request.read(_MOST_PUSHED + 1)
    try:
        batch = await asyncio.to_thread(_read_batch, raw, packed)
    except pushing.BadBatch as error:
        return json_answer(pushing.refusal(error), 400)
    except _TooLarge:
        return failed(413, "payload is too large")
    client = redis_async()
    line, refusal = _line_of(batch.lane, await pushes.feed_setting(client, batch.lane), request.GET.get("line", ""))
    if refusal:
        batch = batch.untaken(refusal)
    try:
        new = await pushes.put(client, batch, line)
    except PushesWait as error:
        metrics.pushed.labels(batch.lane, "waits").inc(len(batch.items))
        answer = failed(error.http_status, error.message)
        answer["Retry-After"] = _RETRY_SECONDS
        return answer
    outcomes = Counter(one.reason for one in batch.refused) + Counter(accepted=new, repeated=len(batch.items) - new)
    for outcome, count in outcomes.items():
        metrics.pushed.labels(batch.lane, outcome).inc(count)
    return json_answer(pushing.answer(batch))


def _line_of(lane: str, setting: dict[str, Any], named: str) -> tuple[str, str]:
    """Return the line that a push belongs to, or why no line takes it."""
    if (feed := choice_for(lane, setting).feed) != "live":
        return "", f"no market takes it: the feed of {lane} is {feed}"
    lines = [line.name for line in lines_for(setting) if line.source == "push"]
    if named in lines:
        return named, ""
    if not named and (len(lines) == 1 or PUSH_LINE in lines):
        return lines[0] if len(lines) == 1 else PUSH_LINE, ""
    said = f"{lane} has no line {named[:40]!r} for pushes" if named else f"{lane} has several lines for pushes"
    return "", f"{said}: name one with ?line=, of {', '.join(lines) or 'none'}"


class _TooLarge(Exception):
    """A body is larger than we take, as it came or unpacked."""


def _read_batch(raw: bytes, packed: bool) -> pushing.Batch:
    if len(raw) > _MOST_PUSHED:
        raise _TooLarge
    with _one_at_a_time:
        return pushing.parse(
            _unpacked(raw) if packed else raw, directory(), today=f"{exchange_day(clock.now_ms()):%Y%m%d}"
        )


def _unpacked(raw: bytes) -> bytes:
    """Return what gzip packed; of a bomb no more than a bound is ever made."""
    unpacker = zlib.decompressobj(wbits=31)
    try:
        found = unpacker.decompress(raw, _MOST_UNPACKED)
    except zlib.error:
        return b""
    if unpacker.unconsumed_tail:
        raise _TooLarge
    return found if unpacker.eof else b""


@operators("POLICY_TOKEN", "policy")
async def apply_policies(request: HttpRequest) -> HttpResponse:
    """Narrow what customers may follow, in every language and on open sockets too."""
    try:
        found, refused = rest.policies_of(rest.object_of(body_of(request)))
    except Malformed as error:
        return failed(400, error.message)
    client, group, applied = redis_async(), settings.NODE_GROUP, 0
    for customer, policy in found:
        if await policies.apply(client, customer, group, policy):
            applied += 1
            await current_process().control.tell({"kind": "entitlement", "customer": customer, "group": group})
    more = {"rejected": refused} if refused else {}
    return json_answer({"applied": applied, "code": 0, "status": "ok", **more})


def body_of(request: HttpRequest) -> bytes:
    """Return a body of at most 1 MB.

    Raises:
        Malformed: it is larger.
    """
    raw: bytes = request.read(MOST_BODY + 1)
    if len(raw) > MOST_BODY:
        raise Malformed("payload is too large")
    return raw
