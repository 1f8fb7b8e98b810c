"""`manage.py backfill_history`: closed bars of the past from another node or from TickDB, judged as imports are."""

import os
from argparse import ArgumentParser
from collections import Counter
from datetime import date, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from kernel import clock
from streaming.domain.calendar import day_start_ms, exchange_day
from streaming.errors import BackfillRefused, HistoryUnavailable, causes
from streaming.history.backfill import KlineClient
from streaming.history.imports import How, judged, store
from streaming.management.arguments import calendars, day_of

_KEY = "TICKPACK_BACKFILL_KEY"


class Command(BaseCommand):
    help = (
        "Asks another Tickpack node, or TickDB, for closed bars and stores those that are right. Bars that came live "
        f"stay. The key, or the node's token, stands in {_KEY}."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("symbols", nargs="+", help="600519.SH 00700.HK ...")
        parser.add_argument("--url", default="https://api.tickdb.ai", help="of who is asked")
        parser.add_argument("--interval", choices=["1m", "1d"], default="1m")
        parser.add_argument("--from", dest="first", required=True, help="YYYY-MM-DD")
        parser.add_argument("--to", dest="last", help="YYYY-MM-DD, included; yesterday without it")
        parser.add_argument("--volume-in", choices=["shares", "lots"], default="shares", help="a lot is 100 shares")
        parser.add_argument("--per-minute", type=float, default=30.0, help="requests, of the plan there")

    def handle(self, *args: Any, **options: Any) -> None:
        key = os.environ.get(_KEY, "")
        if not key:
            raise CommandError(f"{_KEY} is not set: a key of {options['url']}.")
        first = day_of(options["first"])
        last = day_of(options["last"]) if options["last"] else exchange_day(clock.now_ms()) - timedelta(days=1)
        if first > last or options["per_minute"] <= 0:
            raise CommandError(f"--from {first} is behind --to {last}, or --per-minute is not above 0.")
        how = How(
            interval=options["interval"],
            label="start",
            shares=100 if options["volume_in"] == "lots" else 1,
            source="backfill",
            version=clock.now_ms(),
            calendar_of=calendars(),
        )
        client = KlineClient(options["url"], key, options["per_minute"])
        stored, refused = 0, Counter[str]()
        try:
            for symbol in options["symbols"]:
                one, reasons = self._one(client, symbol.upper(), how, first, last)
                stored += one
                refused.update(reasons)
        except BackfillRefused as error:
            raise CommandError(f"{error.message}. {stored:,} bars of symbols before it are stored.") from None
        except HistoryUnavailable as error:
            raise CommandError(f"history did not take it: {causes(error)}. Run it again.") from None
        finally:
            client.close()
        self.stdout.write(f"{stored:,} bars stored, {sum(refused.values()):,} refused")
        for reason, count in refused.most_common():
            self.stdout.write(f"  {reason}: {count:,}")

    def _one(self, client: KlineClient, symbol: str, how: How, first: date, last: date) -> tuple[int, Counter[str]]:
        stored, refused = 0, Counter[str]()
        span = day_start_ms(first), day_start_ms(last + timedelta(days=1))
        for frame in client.bars(symbol, how.interval, *span):
            told = store(*judged(frame, how), how)
            stored += told.stored
            refused.update(told.rejects)
        self.stdout.write(f"{symbol}: {stored:,} bars, {sum(refused.values()):,} refused")
        return stored, refused
