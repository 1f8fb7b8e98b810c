"""An exchange's notice is compared with what is in force, and taken over at once."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from django.db import transaction

from kernel.clock import utc_now
from kernel.trading_days import PublishedDays, TradingDay, day_on, known_until
from nodes import announcements, selectors
from nodes.domain.notices import Entry, Notice
from nodes.errors import CalendarChanged, NoticeLeavesGap
from nodes.models import CalendarHorizon, CalendarOverride

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Change:
    """One day before and after a notice. `what` is added, changed, removed (as published again) or same."""

    on: date
    what: str
    before: TradingDay
    after: TradingDay
    note: str


@dataclass(frozen=True, slots=True)
class Difference:
    """What a notice changes of one market.

    Args:
        changes: the days that it names, or takes back, oldest first.
        known: the last published day before and after.
        months: (year, month) -> trading days before and after, of every year that it touches.
        presumed: weekdays that stay presumed in the years that the notice names.
    """

    market: str
    changes: list[Change]
    known: tuple[date, date]
    months: dict[tuple[int, int], tuple[int, int]]
    presumed: int

    @property
    def is_empty(self) -> bool:
        return self.known[0] == self.known[1] and all(change.what == "same" for change in self.changes)


def compare_notice(notice: Notice, *, keep: bool = False) -> list[Difference]:
    """Return what a notice changes, by market.

    Args:
        keep: days that an operator has changed stay changed where a complete notice does not name them.

    Raises:
        NoticeLeavesGap: it is of a year, and the year before is not known.
    """
    return [_difference(notice, market, keep=keep) for market in notice.markets]


@transaction.atomic
def take_notice(notice: Notice, *, shown: list[Difference], by: str, keep: bool = False) -> int:
    """Enter a notice as it was shown; return how many days were changed.

    Raises:
        CalendarChanged: somebody has changed these markets' days since.
    """
    list(CalendarOverride.objects.select_for_update().filter(lane__in=notice.markets))
    if compare_notice(notice, keep=keep) != shown:
        raise CalendarChanged
    changed = 0
    for difference in shown:
        for change in difference.changes:
            if change.what != "same":
                changed += 1
                _write(difference.market, change, by)
        # After its days: nobody ever takes a holiday for a trading day that is published.
        if difference.known[0] != difference.known[1]:
            _write_horizon(difference, by)
    return changed


def _write(market: str, change: Change, by: str) -> None:
    of_day = CalendarOverride.objects.filter(lane=market, day_on=change.on)
    if change.what == "removed":
        of_day.delete()
    else:
        CalendarOverride.objects.update_or_create(
            lane=market,
            day_on=change.on,
            defaults={
                **CalendarOverride.fields_of(change.after),
                "note": change.note,
                "entered_by": by,
                "entered_at": utc_now(),
            },
        )
    log.info("calendar of %s: %s was %s and is %s, by %s", market, change.on, change.before, change.after, by)
    announcements.calendar_override(lane=market, day=change.on.isoformat())


def _write_horizon(difference: Difference, by: str) -> None:
    defaults = {"until_on": difference.known[1], "entered_by": by, "entered_at": utc_now()}
    CalendarHorizon.objects.update_or_create(lane=difference.market, defaults=defaults)
    log.info(
        "calendar of %s: known until %s and no longer %s, by %s", difference.market, *reversed(difference.known), by
    )
    announcements.calendar_horizon(lane=difference.market)


def _difference(notice: Notice, market: str, *, keep: bool) -> Difference:
    published, changed = selectors.published_days(market), selectors.changed_days(market)
    horizon = selectors.calendar_horizon(market)
    named, known = notice.days.get(market, {}), known_until(published, horizon)
    first, later = _completes(market, notice, known)
    after = {day: told for day, told in changed.items() if keep or not (first <= day <= later) or day in named}
    for day, entry in named.items():
        after.pop(day, None)
        if entry.day is not None and (day in changed or day_on(day, published, {}, later) != entry.day):
            after[day] = entry.day
    horizons = (horizon, later if later > known else horizon)
    before_on = _days(published, changed, horizons[0])
    after_on = _days(published, after, horizons[1])
    changes = [
        Change(day, _what(day, changed, after), before_on(day), after_on(day), _note(named.get(day)))
        for day in sorted(named.keys() | (changed.keys() - after.keys()))
    ]
    years = {change.on.year for change in changes} | ({later.year} if later > known else set())
    every = [date(year, 1, 1) + timedelta(days=n) for year in sorted(years) for n in range(366)]
    months: dict[tuple[int, int], tuple[int, int]] = {}
    for day in (one for one in every if one.year in years):
        was, will = months.get((day.year, day.month), (0, 0))
        months[day.year, day.month] = was + before_on(day).trades, will + after_on(day).trades
    presumed = len({day for day in every if day.year in years and day > known and after_on(day).presumed})
    return Difference(market, changes, (known, max(known, later)), months, presumed)


def _completes(market: str, notice: Notice, known: date) -> tuple[date, date]:
    """Return the period that a notice has all of; an empty one behind what is known where it says no such thing."""
    if market not in notice.complete:
        return known + timedelta(days=1), known
    first, last = notice.complete[market]
    first = first or known + timedelta(days=1)
    if first > known + timedelta(days=1) or last < first:
        raise NoticeLeavesGap(market=market, known=known, first=first, last=last)
    return first, last


def _days(
    published: PublishedDays, changed: Mapping[date, TradingDay], horizon: date | None
) -> Callable[[date], TradingDay]:
    return lambda day: day_on(day, published, changed, horizon)


def _what(day: date, before: Mapping[date, TradingDay], after: Mapping[date, TradingDay]) -> str:
    if before.get(day) == after.get(day):
        return "same"
    if day not in after:
        return "removed"
    return "changed" if day in before else "added"


def _note(entry: Entry | None) -> str:
    return entry.note if entry is not None else ""
