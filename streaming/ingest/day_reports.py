"""Days whose symbols ingest has counted go up to the control plane once they have ended, and again where more came."""

from datetime import date

import redis

from streaming.domain.calendar import exchange_day
from streaming.ingest.quality import day_ends_ms
from streaming.store.answers import translated
from streaming.store.calendars import read_calendar
from streaming.store.day_counts import KEPT_MS, DayCountStore

_QUIET_MS = 60_000  # nothing was written for so long: it is all there
_AGAIN_MS = 6 * 3_600_000  # a line that is polled tells rows all evening


def report_days(client: redis.Redis, market: str, now_ms: int) -> list[str]:
    """Report the days of a market that have ended and have changed since they were reported; return them.

    Raises:
        StoreUnavailable: call again.
    """
    store, today, reported = DayCountStore(client, market), exchange_day(now_ms), []
    with translated():
        calendar = read_calendar(client, market)
    for day, (written_ms, reported_ms) in sorted(store.days().items()):
        if written_ms < now_ms - KEPT_MS:
            store.forget(day)
            continue
        over_ms = day_ends_ms(calendar, date.fromisoformat(day))
        is_over = day < today.isoformat() or over_ms is None or now_ms >= over_ms
        is_settled = now_ms - written_ms >= _QUIET_MS or now_ms - reported_ms >= _AGAIN_MS
        if is_over and is_settled and written_ms > reported_ms:
            store.report(day, now_ms)
            reported.append(day)
    return reported
