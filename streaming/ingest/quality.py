"""What history holds of the market days that have ended, and what is wrong with it: noted where operators read it."""

import json
from datetime import date, timedelta
from typing import cast

import redis

from kernel import keyspace
from streaming.domain.calendar import Calendar, exchange_day
from streaming.history.checks import check, holding
from streaming.store.answers import translated
from streaming.store.calendars import read_calendar

_LOOKS_BACK = 7  # days: an outage of history is over by then, or it is no outage
_KEPT_DAYS = 60
_AGAIN_MS = 6 * 3_600_000  # what comes late, or is repaired, is looked at in the same day


def check_days(client: redis.Redis, market: str, now_ms: int) -> list[date]:
    """Look at the days of the last week that have ended and were not looked at since; return them.

    Raises:
        StoreUnavailable, HistoryUnavailable: call again; what was noted stays.
    """
    with translated():
        calendar = read_calendar(client, market)
        noted = cast("dict[bytes, bytes]", client.hgetall(keyspace.day_quality(market)))
    today, looked_at = exchange_day(now_ms), []
    for day in (today - timedelta(days=back) for back in range(_LOOKS_BACK, -1, -1)):
        ends_ms = day_ends_ms(calendar, day)
        if ends_ms is None or now_ms < ends_ms:
            continue
        checked_ms = _checked_ms(noted.get(day.isoformat().encode(), b"{}"))
        if checked_ms >= ends_ms + _AGAIN_MS or now_ms - checked_ms < _AGAIN_MS:
            continue
        told = _told(market, calendar, day, now_ms)
        with translated():
            client.hset(keyspace.day_quality(market), day.isoformat(), json.dumps(told))
        looked_at.append(day)
    old = [name for name in noted if name.decode() < (today - timedelta(days=_KEPT_DAYS)).isoformat()]
    if old:
        with translated():
            client.hdel(keyspace.day_quality(market), *old)
    return looked_at


def _told(market: str, calendar: Calendar, day: date, now_ms: int) -> dict[str, object]:
    held = holding(market, day)
    findings = [
        {"kind": one.kind, "count": one.count, "examples": list(one.examples)}
        for one in check(market, calendar, day, day + timedelta(days=1))
    ]
    return {
        "instruments": held.instruments,
        "minutes": held.minutes,
        "first_ms": held.first_ms,
        "last_ms": held.last_ms,
        "findings": findings,
        "checked_ms": now_ms,
    }


def day_ends_ms(calendar: Calendar, day: date) -> int | None:
    """Return when a trading day ends; None where it is none."""
    phases = calendar.phases_on(day)
    return phases[-1][0] if phases else None


def _checked_ms(raw: bytes) -> int:
    try:
        return int(json.loads(raw).get("checked_ms", 0))
    except (ValueError, AttributeError):
        return 0  # of another release
