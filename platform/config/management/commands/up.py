"""`./dev up`: the whole of Tickpack on one machine, as real processes."""

import sys
from argparse import ArgumentParser
from datetime import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config.embedded.supervisor import Options, Supervisor


def speed(text: str) -> str:
    if text != "max":
        try:
            if not 0 < float(text) <= 100_000:
                raise ValueError
        except ValueError:
            raise CommandError(f"--speed {text} is neither a number above 0 nor max.") from None
    return text


def time_of_day(text: str) -> str:
    """Check `--from`: 11:25 or 09:29:50."""
    try:
        time.fromisoformat(text)
    except ValueError:
        raise CommandError(f"--from {text} is no time of the day like 11:25 or 09:29:50.") from None
    return text


class Command(BaseCommand):
    help = "Start the shop, the stream, the feeds and every store they need; Ctrl-C ends all."
    requires_system_checks = []  # the database is not there yet

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="of the panel and the stream (0: any free one)")
        parser.add_argument("--feed", choices=["simulated", "replay"], default="simulated")
        parser.add_argument(
            "--data", type=Path, help="with --feed replay: a folder with ticks_*.csv.gz or snapshots_*.csv.gz"
        )
        parser.add_argument("--speed", default="1", help="with --feed replay: 1, a number of times real time, or max")
        parser.add_argument(
            "--from", default="09:29:50", help="with --feed replay: what was recorded before is played at once"
        )
        parser.add_argument("--db", choices=["postgres", "sqlite"], default="postgres")
        parser.add_argument(
            "--var", type=Path, default=settings.BASE_DIR / "var", help="where data, logs and up.json go"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        data: Path | None = options["data"]
        if options["feed"] == "replay":
            data = self._replay_data(data)
        elif data is not None:
            raise CommandError("--data goes with --feed replay.")
        asked = Options(
            port=options["port"],
            feed=options["feed"],
            data=data,
            speed=speed(options["speed"]),
            paced_from=time_of_day(options["from"]),
            db=options["db"],
            var=options["var"].resolve(),
        )
        sys.exit(Supervisor(asked, settings.BASE_DIR, sys.stdout).run())

    def _replay_data(self, data: Path | None) -> Path:
        if data is None:
            raise CommandError(
                "--feed replay needs --data DIR, a folder with ticks_*.csv.gz or snapshots_*.csv.gz files."
            )
        data = data.resolve()
        if not data.is_dir():
            raise CommandError(f"--data {data} is not a folder.")
        if not any(data.glob("ticks_*.csv*")) and not any(data.glob("snapshots_*.csv*")):
            raise CommandError(f"--data {data} holds no ticks_*.csv.gz and no snapshots_*.csv.gz.")
        return data
