"""What an operator should know of before it hurts, in the log once a day."""

import logging
from datetime import date

from django.core.cache import cache

from kernel.trading_days import horizon_warning
from nodes import selectors

log = logging.getLogger(__name__)
_DAY_SECONDS = 86_400


def log_calendar_warnings(*, today: date) -> int:
    """Log which markets' known trading days end soon, each once a day whoever asks; return how many were logged."""
    logged = 0
    for market, until in selectors.ending_calendars(today).items():
        if cache.add(f"calendar-warning:{market}:{today}", 1, _DAY_SECONDS):
            log.warning("%s", horizon_warning(market, until, today))
            logged += 1
    return logged
