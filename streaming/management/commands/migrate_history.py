"""`manage.py migrate_history`: bring ClickHouse's tables up to this release."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from streaming.errors import HistoryUnavailable, causes
from streaming.history.connection import bring_up


class Command(BaseCommand):
    help = (
        "Applies the numbered files of docker/clickhouse that the server has not had yet; every process does so by "
        "itself when it first asks history. Run it before a release that copies bars, so that nobody waits."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            applied = bring_up()
        except HistoryUnavailable as error:
            raise CommandError(f"ClickHouse did not take it: {causes(error)}. Run the command again.") from None
        for name in applied:
            self.stdout.write(f"applied {name}")
        if not applied:
            self.stdout.write("Nothing to do: the tables are those of this release.")
