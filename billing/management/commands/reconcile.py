"""Look over all money: the shop's own books, and the providers' bills of a day; list every difference."""

from argparse import ArgumentParser
from datetime import date, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.domain.months import SHANGHAI
from billing.services import books
from kernel.clock import utc_now


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--day", help="of the bills, YYYY-MM-DD in Shanghai; yesterday without it")
        parser.add_argument("--no-bills", action="store_true", help="look over the shop's own books alone")

    def handle(self, *args: Any, **options: Any) -> None:
        now = utc_now()
        day = _day(options["day"]) or now.astimezone(SHANGHAI).date() - timedelta(days=1)
        found = books.check_books(now=now)
        self.stdout.write(f"books: {found.matched} entries, {len(found.differences)} differences")
        sentences = list(found.differences)
        for name in () if options["no_bills"] else books.billed():
            read = books.match_bill(provider=name, day=day, now=now)
            if read.digest == books.NO_BILL:
                self.stdout.write(f"{name}: no bill of {day}")
                continue
            self.stdout.write(f"{name}: bill of {day}: {read.matched} rows agree, {len(read.differences)} differences")
            sentences += read.differences
        for sentence in sentences:
            self.stdout.write(f"  {sentence}")
        if sentences:
            raise CommandError(f"{len(sentences)} differences; each is above")


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CommandError(f"--day {text!r} is no day; write it as 2026-11-28") from None
