"""What a customer used in the last thirty days, as a page draws it: by day, by hour and by symbol.

Drawings are rectangles in units of their own; every one has its table beside it, for who cannot see it.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.formats import date_format
from django.utils.timezone import localtime

from nodes.models import UsedHour

DAYS, HOURS, SYMBOLS = 30, 24, 8
WIDTH, HEIGHT = 720, 120
_GAP = 0.25  # of a bar's room


@dataclass(frozen=True, slots=True)
class Column:
    """One bar of a drawing, with what it stands for; x and so on count from the upper left, in the drawing's units."""

    label: str
    sent: int
    x: float
    y: float
    width: float
    height: float

    @property
    def shown(self) -> str:
        """Return the number as people read it."""
        return f"{self.sent:,}"


@dataclass(frozen=True, slots=True)
class SymbolUse:
    """One symbol's part: `percent` of the one that was sent most."""

    symbol: str
    name: str
    sent: int
    percent: int

    @property
    def shown(self) -> str:
        """Return the number as people read it."""
        return f"{self.sent:,}"


@dataclass(frozen=True, slots=True)
class Use:
    """What one group's page part shows."""

    sent: int
    symbols: int
    by_day: list[Column]
    by_hour: list[Column]
    by_symbol: list[SymbolUse]

    @property
    def shown(self) -> str:
        """Return the sum as people read it."""
        return f"{self.sent:,}"

    @property
    def days_used(self) -> list[Column]:
        """Return the days with anything on them, the newest first: for the table."""
        return [one for one in reversed(self.by_day) if one.sent]

    @property
    def hours_used(self) -> list[Column]:
        """Return the hours with anything in them, the newest first."""
        return [one for one in reversed(self.by_hour) if one.sent]


def since(now: datetime) -> datetime:
    """Return the first instant of the thirty days that end with today."""
    today = localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=DAYS - 1)


def used(rows: Iterable[UsedHour], now: datetime, names: dict[str, str]) -> Use:
    """Return what some hours of one group come to.

    Args:
        names: of symbols, in the reader's language.
    """
    rows = list(rows)
    first = since(now)
    days, hours, symbols = Counter[int](), Counter[datetime](), Counter[str]()
    for row in rows:
        at = localtime(row.hour_at)
        days[(at.date() - first.date()).days] += row.sent
        hours[at] += row.sent
        symbols.update(row.bars)
    this_hour = localtime(now).replace(minute=0, second=0, microsecond=0)
    last_hours = [this_hour - timedelta(hours=back) for back in range(HOURS - 1, -1, -1)]
    most = max(symbols.values(), default=0)
    return Use(
        sent=sum(row.sent for row in rows),
        symbols=len(symbols),
        by_day=_columns(
            [(date_format(first + timedelta(days=nth), "MONTH_DAY_FORMAT"), days[nth]) for nth in range(DAYS)]
        ),
        by_hour=_columns([(date_format(at, "TIME_FORMAT"), hours[at]) for at in last_hours]),
        by_symbol=[
            SymbolUse(symbol, names.get(symbol, ""), sent, max(1, round(100 * sent / most)))
            for symbol, sent in symbols.most_common(SYMBOLS)
        ],
    )


def _columns(values: Sequence[tuple[str, int]]) -> list[Column]:
    room, most = WIDTH / len(values), max((sent for _, sent in values), default=0)
    columns = []
    for nth, (label, sent) in enumerate(values):
        # What was anything at all is seen.
        height = max(2.0, round(HEIGHT * sent / most, 1)) if sent else 0.0
        x = round(nth * room + room * _GAP / 2, 1)
        columns.append(Column(label, sent, x, round(HEIGHT - height, 1), round(room * (1 - _GAP), 1), height))
    return columns
