"""What the commands of history share: days that are written on a command line, and the markets' calendars."""

from collections.abc import Callable
from datetime import date
from functools import cache

from django.core.management.base import CommandError

from streaming.domain.calendar import Calendar
from streaming.store.calendars import read_calendar
from streaming.store.connection import redis_sync


def day_of(text: str) -> date:
    """Read a day.

    Raises:
        CommandError: it is none; the text says so.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CommandError(f"{text!r} is no day like 2026-11-27") from None


def calendars() -> Callable[[str], Calendar]:
    """Return what tells a market's calendar, with what operators have changed; each is read once."""
    client = redis_sync()

    @cache
    def calendar_of(market: str) -> Calendar:
        return read_calendar(client, market)

    return calendar_of
