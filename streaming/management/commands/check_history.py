"""`manage.py check_history`: what is wrong with the stored bars of a market, and the window's repair."""

from argparse import ArgumentParser
from datetime import date, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from kernel import clock
from streaming.domain.calendar import exchange_day
from streaming.errors import HistoryUnavailable, StoreUnavailable, causes
from streaming.history.checks import Finding, check
from streaming.ingest.minutes import write_history
from streaming.management.arguments import day_of
from streaming.store.calendars import read_calendar
from streaming.store.connection import redis_sync
from streaming.store.lanes import LaneStore

_SAID = {
    "day_missing": "a trading day without a bar; some {count} instruments trade on the days around it",
    "day_thin": "{count} instruments fewer than on the days around it",
    "minutes_missing": "{count} minutes in which nobody has a bar",
    "outside_session": "{count} bars outside the day's sessions",
    "unit": "{count} bars whose turnover / volume lies outside their prices: lots, or adjusted prices",
    "day_differs": "{count} days that are less than their minutes",
    "double": "{count} minutes of which one source has told two versions at once",
}


class Command(BaseCommand):
    help = (
        "Looks through a market's stored minutes and days for holes, bars outside sessions, units and contradictions, "
        "and ends with 1 where it finds any. --from-window writes the minutes of the 72 hours that Redis holds once "
        "more; what is older is mended with import_history --repair."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("market", choices=["CN", "HK"])
        parser.add_argument("--from", dest="first", type=day_of, help="YYYY-MM-DD; a month ago without it")
        parser.add_argument("--to", dest="last", type=day_of, help="YYYY-MM-DD, included; yesterday without it")
        parser.add_argument("--from-window", action="store_true", help="write the 72 h window into history again first")

    def handle(self, *args: Any, **options: Any) -> None:
        market, today = options["market"], exchange_day(clock.now_ms())
        last: date = options["last"] or today - timedelta(days=1)
        first: date = options["first"] or last - timedelta(days=30)
        if first > last:
            raise CommandError(f"--from {first} is behind --to {last}.")
        client = redis_sync()
        try:
            if options["from_window"]:
                self._write_again(LaneStore(client, market))
            found = list(check(market, read_calendar(client, market), first, last + timedelta(days=1)))
        except HistoryUnavailable as error:
            raise CommandError(f"history did not answer: {causes(error)}. Run it again.") from None
        except StoreUnavailable as error:
            raise CommandError(f"Redis did not answer: {causes(error)}. Run it again.") from None
        for one in found:
            self.stdout.write(_line(one))
        if found:
            raise CommandError(f"{market} from {first} to {last}: {len(found)} findings.")
        self.stdout.write(f"{market} from {first} to {last}: nothing is wrong.")

    def _write_again(self, store: LaneStore) -> None:
        epochs = store.epochs()
        if not epochs:
            raise CommandError(f"Redis has no stream of {store.lane}.")
        store.set_history_position(epochs[0], 0)
        self.stdout.write(f"{write_history(store):,} minutes written again from the window.")


def _line(one: Finding) -> str:
    examples = f" ({', '.join(one.examples)})" if one.examples else ""
    return f"{one.day} {one.kind}: {_SAID[one.kind].format(count=one.count)}{examples}"
