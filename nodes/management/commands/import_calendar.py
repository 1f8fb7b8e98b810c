"""`manage.py import_calendar`: an exchange's notice of its trading days, as lines; the difference is shown first."""

import sys
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.timezone import localdate

from kernel.clock import utc_now
from nodes.domain.notices import MOST_CHARACTERS, BadNotice, Notice, read_notice
from nodes.errors import CalendarChanged, NoticeLeavesGap
from nodes.management.asking import agreed
from nodes.services.calendars import Change, Difference, compare_notice, take_notice

_MARKS = {"added": "+", "changed": "~", "removed": "-", "same": "="}
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


class Command(BaseCommand):
    help = (
        "Takes over an exchange's notice of its trading days, line by line: 'CN 2027-02-05..2027-02-11 closed Spring "
        "Festival', 'HK 2027-12-24 half', 'HK 2027-07-20 opens 13:30 typhoon', 'HK 2027-07-21 closes 13:55', "
        "'CN 2027-02-12 as-published' gives a changed day back, and 'CN 2027 published' says that the notice has the "
        "whole year. Shows the difference from what is in force and asks; nodes and ingest know it within a second."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "notice", nargs="?", default="-", help="a file, UTF-8; - or nothing: what is typed or piped in"
        )
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument("--by", default="import", help="who enters it, as the admin shows: a name")
        parser.add_argument(
            "--keep",
            action="store_true",
            help="changed days of a year that a complete notice does not name stay changed",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        notice = _read(options["notice"], localdate(utc_now()))
        try:
            differences = compare_notice(notice, keep=options["keep"])
        except NoticeLeavesGap as error:
            raise CommandError(_gap(error)) from None
        for difference in differences:
            self._show(difference)
        if all(difference.is_empty for difference in differences):
            self.stdout.write("Everything is in force already; nothing was written.")
            return
        if not options["yes"] and not agreed(options["notice"]):
            raise CommandError("Nothing was written.")
        try:
            changed = take_notice(notice, shown=differences, by=options["by"][:80], keep=options["keep"])
        except CalendarChanged as error:
            raise CommandError(f"{error.message}; nothing was written.") from None
        self.stdout.write(f"Written: {changed} days changed. Nodes and ingest know it within a second.")

    def _show(self, difference: Difference) -> None:
        say = self.stdout.write
        say(f"{difference.market}:")
        for run in _runs(difference.changes):
            say(f"  {_line(run)}")
        was, will = difference.known
        if was != will:
            say(f"  known until {was} -> {will}")
        for year, months in groupby(difference.months.items(), key=lambda item: item[0][0]):
            counts = {month: pair for (_, month), pair in months}
            before, after = (sum(pair[which] for pair in counts.values()) for which in (0, 1))
            say(f"  {year}: {before} -> {after} trading days")
            moved = [
                f"{_MONTHS[month - 1]} {pair[0]} -> {pair[1]}" for month, pair in counts.items() if pair[0] != pair[1]
            ]
            if moved:
                say(f"    {', '.join(moved)}")
        if difference.presumed:
            year = difference.changes[-1].on.year
            say(f"  {difference.presumed} weekdays of these years stay presumed to be trading days.")
            say(f"  Where the notice has the whole year, add the line: {difference.market} {year} published")


def _read(source: str, today: date) -> Notice:
    try:
        if source == "-":
            text = sys.stdin.read(MOST_CHARACTERS + 1)
        else:
            with Path(source).open(encoding="utf-8") as file:
                text = file.read(MOST_CHARACTERS + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"The notice {source!r} cannot be read as a text in UTF-8: {error}") from None
    try:
        return read_notice(text, today=today)
    except BadNotice as error:
        raise CommandError("Nothing was written. The notice has mistakes:\n  " + "\n  ".join(error.faults)) from None


def _gap(error: NoticeLeavesGap) -> str:
    said = error.fields
    return (
        f"Nothing was written: the notice has {said['market']} from {said['first']} to {said['last']}, and trading "
        f"days are known until {said['known']}. Bring the notice of the time between first."
    )


def _runs(changes: list[Change]) -> list[list[Change]]:
    """Return changes of neighbouring days that are alike together, so that a festival is one line."""
    runs: list[list[Change]] = []
    for change in changes:
        if change.what == "same" and change.on.weekday() >= 5:
            continue  # a weekend inside a festival
        last = runs[-1][-1] if runs else None
        alike = last is not None and (last.what, last.before, last.after, last.note) == (
            change.what, change.before, change.after, change.note,
        )  # fmt: skip
        if alike and last is not None and _follows(last.on, change.on):
            runs[-1].append(change)
        else:
            runs.append([change])
    return runs


def _follows(one: date, other: date) -> bool:
    """Tell whether only a weekend lies between two days."""
    days = (one + timedelta(days=n) for n in range(1, (other - one).days))
    return all(day.weekday() >= 5 for day in days)


def _line(run: list[Change]) -> str:
    first, last = run[0], run[-1]
    days = f"{first.on} {first.on:%a}" if first is last else f"{first.on}..{last.on} ({len(run)} days)"
    told = str(first.after) if first.what == "same" else f"{first.before} -> {first.after}"
    return f"{_MARKS[first.what]} {first.what:<8}{days:<34}{told}{'  ' + first.note if first.note else ''}"
