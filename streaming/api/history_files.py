"""`GET /v1/history/{symbols}/{period}.{form}`: a month of minutes or a year of days as one file, whole or in ranges."""

import hashlib
import re
from typing import Any

from django.http import HttpRequest, HttpResponse

from kernel.errors import PlatformError, Refused
from streaming.api.rest import Call, RestDialect, answered, json_answer
from streaming.domain.adjustment import ADJUSTMENTS
from streaming.domain.calendar import exchange_day
from streaming.domain.instruments import Instrument
from streaming.errors import AmbiguousSymbol, BadParameter
from streaming.history import threads
from streaming.history.adjusted_files import adjusted_file
from streaming.history.files import FORMATS, Period, days_file, minutes_file
from streaming.reference import directory
from streaming.wire.dialects.tickdb import symbols

MAX_SYMBOLS = 50
_RANGE = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})", re.ASCII)


def _refusal(call: Call, error: PlatformError) -> tuple[int, dict[str, Any]]:
    return error.http_status, {"code": error.code, "message": error.message}


_view = answered(RestDialect("history", "X-API-Key", "", _refusal, viewers=True), "GET")


@_view
async def history_file(call: Call) -> HttpResponse:
    """Return the file, or the part of it that was asked for."""
    match = call.request.resolver_match
    assert match is not None
    asked = [text for part in match.kwargs["symbols"].split(",") if (text := part.strip())]
    interval = call.text("interval") or "1m"
    form, period = _form_and_period(match.kwargs["file"], interval)
    if not asked or len(asked) > MAX_SYMBOLS:
        raise BadParameter(f"1 to {MAX_SYMBOLS} symbols with commas stand before the period, not {len(asked)}")
    call.may("kline", interval)
    seen = call.see_all(asked, _read, live=False, stop_at=(AmbiguousSymbol, Refused))
    adjust = call.text("adjust") or call.text("adj") or "none"
    if adjust not in ADJUSTMENTS:
        raise BadParameter(f"adjust {adjust[:20]!r} is not one of {', '.join(ADJUSTMENTS)}")
    content = await _content(call, list(seen.values()), period, form, interval, adjust)
    name = f"{asked[0] if len(asked) == 1 else f'{len(asked)}-symbols'}-{match.kwargs['file']}"
    return _ranged(call.request, content, FORMATS[form][1], re.sub(r"[^\w.-]", "_", name, flags=re.ASCII))


def _form_and_period(file: str, interval: str) -> tuple[str, Period]:
    text, _, form = file.rpartition(".")
    if form not in FORMATS:
        raise BadParameter(f"{file[:40]!r} ends in none of .{', .'.join(FORMATS)}")
    if interval not in ("1m", "1d"):
        raise BadParameter(f"interval {interval[:8]!r} is not 1m or 1d; /v1/market/kline has the others")
    try:
        period = Period.read(text)
    except ValueError:
        raise BadParameter(f"{text[:20]!r} is no month like 2026-11, nor a year like 2026") from None
    if interval == "1m" and "-" not in text:
        raise BadParameter(f"minutes come by the month: {text}-01 to {text}-12; interval=1d has years")
    return form, period


def _read(text: str) -> Instrument:
    return directory().described(symbols.read(text, directory(), ""))


async def _content(call: Call, seen: list[Instrument], period: Period, form: str, interval: str, adjust: str) -> bytes:
    made_up = {not call.node.pinned.sessions(one.lane) for one in seen}
    if len(made_up) > 1:
        raise BadParameter("made-up and real markets do not stand in one file; ask for each")
    former = {one.symbol: one.former_codes.split() for one in seen}
    if adjust != "none" and True not in made_up:  # a made-up market has no corporate actions
        ticks_e4 = {one.symbol: one.tick_e4(0) for one in seen}
        today = exchange_day(call.now_ms)
        return await threads.run(
            adjusted_file, former, period, form, interval=interval, how=adjust, today=today, ticks_e4=ticks_e4
        )
    if interval == "1d":
        if True in made_up:
            raise BadParameter("a made-up market has no days of its own; ask for its minutes")
        return await threads.run(days_file, former, period, form)
    return await threads.run(minutes_file, former, period, form, made_up=True in made_up)


def _ranged(request: HttpRequest, content: bytes, content_type: str, name: str) -> HttpResponse:
    """Answer what the client has not got yet: 200, 206, 304, or 416."""
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {
        "ETag": tag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": f'attachment; filename="{name}"',
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": "ETag, Content-Range, Accept-Ranges, Content-Disposition, Retry-After",
    }
    if tag in request.headers.get("If-None-Match", ""):
        return HttpResponse(status=304, headers=headers)
    status, part = 200, content
    wanted = _RANGE.fullmatch(request.headers.get("Range", "").strip())
    same = request.headers.get("If-Range", tag) == tag  # another file by now: from its beginning
    if wanted is not None and same and any(wanted.groups()):
        first, last = _bounds(wanted[1], wanted[2], len(content))
        if first >= len(content) or first > last:
            text = f"the file has {len(content)} bytes; {wanted[0]} begins behind them"
            refused = json_answer({"code": "bad_range", "message": text}, 416)
            refused["Content-Range"] = f"bytes */{len(content)}"
            return refused
        status, part = 206, content[first : last + 1]
        headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
    headers["Content-Length"] = str(len(part))
    return HttpResponse(part, status=status, content_type=content_type, headers=headers)


def _bounds(first: str, last: str, size: int) -> tuple[int, int]:
    """Return the first and the last byte of a range: `5-9`, `5-` or `-5`, which are the last five."""
    if not first:
        return max(0, size - int(last)), size - 1
    return int(first), min(int(last), size - 1) if last else size - 1
