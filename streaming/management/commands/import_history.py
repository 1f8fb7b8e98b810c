"""`manage.py import_history`: files of minute or daily bars into history; what is refused is listed with its reason."""

import csv
from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from kernel import clock
from streaming.errors import BadFile, HistoryUnavailable, causes
from streaming.history.imports import LABELS, How, Imported, judged, read_file, store
from streaming.management.arguments import calendars


class Command(BaseCommand):
    help = (
        "Imports bars from CSV (also .csv.gz) and Parquet files, or folders of them. Columns: symbol; date and time, "
        "or datetime; open high low close; volume; amount (or turnover); for days also prev_close. Bars that came live "
        "stay; importing a file twice changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, help="files, or folders with *.csv, *.csv.gz, *.parquet")
        parser.add_argument("--interval", choices=["1m", "1d"], required=True)
        parser.add_argument(
            "--label", choices=LABELS, help="of minutes: whether a row's time is where it starts or ends (China: end)"
        )
        parser.add_argument("--volume-in", choices=["shares", "lots"], default="shares", help="a lot is 100 shares")
        parser.add_argument("--rejects", type=Path, help="a CSV file to write every refused row to, with its reason")
        parser.add_argument("--repair", action="store_true", help="these bars stand above what came live")
        parser.add_argument("--dry-run", action="store_true", help="judge the rows and write nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["interval"] == "1m" and options["label"] is None:
            raise CommandError("--label start or --label end: minutes are told by either, and the file does not say.")
        how = How(
            interval=options["interval"],
            label=options["label"] or "start",
            shares=100 if options["volume_in"] == "lots" else 1,
            source="repair" if options["repair"] else "import",
            version=clock.now_ms(),
            calendar_of=calendars(),
        )
        total, reasons = Imported(), Counter[str]()
        files = _files(options["files"])
        for file in files:
            try:
                told = self._one(file, how, options)
            except BadFile as error:
                raise CommandError(f"{error.message}; what came before it is stored.") from None
            except HistoryUnavailable as error:
                raise CommandError(f"{file}: history did not take it: {causes(error)}. Import it again.") from None
            total.rows, total.stored, total.flat = (
                total.rows + told.rows,
                total.stored + told.stored,
                total.flat + told.flat,
            )
            reasons.update(told.rejects)
        written = "would be stored" if options["dry_run"] else "stored"
        self.stdout.write(
            f"{len(files)} files, {total.rows:,} rows: {total.stored:,} bars {written}, {total.flat:,} rows without a "
            f"trade, {sum(reasons.values()):,} refused"
        )
        for reason, count in reasons.most_common():
            self.stdout.write(f"  {reason}: {count:,}")

    def _one(self, file: Path, how: How, options: dict[str, Any]) -> Imported:
        frame = read_file(file)
        good, bad = judged(frame, how)
        if options["rejects"] is not None and bad.height:
            _write_rejects(options["rejects"], file, bad.select("line", "symbol", "written_at", "reason").iter_rows())
        if options["dry_run"]:
            traded = good.filter(good["volume"] > 0)
            counts = {str(reason): int(count) for reason, count in bad["reason"].value_counts().iter_rows()}
            told = Imported(frame.height, traded.height, good.height - traded.height, counts)
        else:
            told = store(good, bad, how)
        self.stdout.write(f"{file}: {told.rows:,} rows, {told.stored:,} bars, {sum(told.rejects.values()):,} refused")
        for line, symbol, at, reason in bad.select("line", "symbol", "written_at", "reason").head(5).iter_rows():
            self.stdout.write(f"  line {line}: {symbol} {at}: {reason}")
        return told


def _files(given: list[Path]) -> list[Path]:
    found: list[Path] = []
    for path in given:
        if path.is_dir():
            inside = sorted(one for mask in ("*.csv", "*.csv.gz", "*.parquet") for one in path.rglob(mask))
            if not inside:
                raise CommandError(f"{path} holds no *.csv, *.csv.gz or *.parquet.")
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise CommandError(f"{path} is neither a file nor a folder.")
    return found


def _write_rejects(path: Path, file: Path, rows: Any) -> None:
    fresh = not path.exists()
    with path.open("a", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened)
        if fresh:
            writer.writerow(("file", "line", "symbol", "at", "reason"))
        writer.writerows((file, *row) for row in rows)
