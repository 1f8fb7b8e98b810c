"""`manage.py import_instruments`: a list of instruments is compared with the one in force and taken over."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from kernel.listing import FIELDS, line
from nodes import selectors
from nodes.domain.listings import Change, Difference, Listed
from nodes.errors import ListChanged
from nodes.management.asking import agreed
from nodes.services.instruments import compare_list, enter_committed, take_list
from nodes.services.list_files import MOST_BYTES, read_list

BUNDLED = "bundled"
_SHOWN = 40  # lines of each kind; --all shows every one
_MANY_GONE, _MANY_SHARE = 50, 0.02  # a file that was cut off would delist the rest of its market


class Command(BaseCommand):
    help = (
        "Takes over a list of instruments: a CSV in UTF-8 with a line of column names (symbol, name_zh, name_en, "
        "board, kind, currency, lot, tick_table, prev_close, state, sector, listed_on, delisted_on, aliases, "
        "former_codes, former_names; symbol is enough, its code says the rest), lines of JSON as the program brings "
        f"them, or '{BUNDLED}': the list that came with this version. Shows what is new, changed, gone and rejected, "
        "and asks; nodes and ingest know it within seconds."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help=f"a file; {BUNDLED}: the list that came with the program; -: what is piped in")
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument("--by", default="import", help="who enters it, as the admin shows: a name")
        parser.add_argument("--part", action="store_true", help="the file has a part only: nothing is delisted for it")
        parser.add_argument(
            "--many-gone", action="store_true", help="the file has everything, though it lacks much of what there is"
        )
        parser.add_argument("--all", action="store_true", help="show every line of the difference")

    def handle(self, *args: Any, **options: Any) -> None:
        listed, whole = _read(options["file"]), not options["part"]
        difference = compare_list(listed, whole=whole)
        self._show(difference, every=options["all"])
        if difference.is_empty:
            if options["file"] == BUNDLED and enter_committed(by=options["by"][:80]):
                self.stdout.write("Everything is in force already; it can be changed in the admin from now on.")
            else:
                self.stdout.write("Everything is in force already; nothing was written.")
            return
        if _lacks_much(difference) and not options["many_gone"]:
            raise CommandError(
                f"Nothing was written: {len(difference.gone)} products would be delisted, as if the file were cut off. "
                "If it has only a part, say --part; if they are gone, say --many-gone."
            )
        if not options["yes"] and not agreed(options["file"]):
            raise CommandError("Nothing was written.")
        try:
            written = take_list(listed, shown=difference, by=options["by"][:80], whole=whole)
        except ListChanged as error:
            raise CommandError(f"{error.message}; nothing was written.") from None
        self.stdout.write(f"Written: {written} rows changed. Nodes and ingest know it within seconds.")

    def _show(self, difference: Difference, *, every: bool) -> None:
        self._lines("+", "new", [_new(one) for one in difference.new], every=every)
        self._lines("~", "changed", [_changed(one) for one in difference.changed], every=every)
        self._lines(">", "has another code", [f"{one.symbol} -> {one.after['symbol']}" for one in difference.renamed],
                    every=every)  # fmt: skip
        self._lines("-", "gone: delisted", [_name(one.after) for one in difference.gone], every=every)
        self._lines(
            "!", "rejected",
            [f"line {one.line}: {one.symbol} {one.reason}".replace("  ", " ") for one in difference.rejects],
            every=every,
        )  # fmt: skip
        self.stdout.write(f"= {difference.same} as they are")

    def _lines(self, mark: str, title: str, lines: list[str], *, every: bool) -> None:
        if not lines:
            return
        self.stdout.write(f"{mark} {title}: {len(lines)}")
        for text in lines if every else lines[:_SHOWN]:
            self.stdout.write(f"    {text}")
        if not every and len(lines) > _SHOWN:
            self.stdout.write(f"    ... and {len(lines) - _SHOWN} more; --all shows them")


def _read(source: str) -> Listed:
    try:
        if source == BUNDLED:
            text = "\n".join(map(line, selectors.committed_instruments()))
        elif source == "-":
            text = sys.stdin.read(MOST_BYTES)
        else:
            path = Path(source)
            if path.stat().st_size > MOST_BYTES:
                raise CommandError(f"{source!r} has {path.stat().st_size} bytes: {MOST_BYTES} at most")
            text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"The list {source!r} cannot be read as a text in UTF-8: {error}") from None
    try:
        return read_list(text)
    except ValueError as error:
        raise CommandError(f"Nothing was written: {error}") from None


def _lacks_much(difference: Difference) -> bool:
    gone, rest = len(difference.gone), difference.same + len(difference.changed) + len(difference.new)
    return gone > _MANY_GONE or (gone > 3 and gone > _MANY_SHARE * rest)


def _name(row: dict[str, Any]) -> str:
    return " ".join(filter(None, (row["symbol"], row["name_zh"], row["name_en"])))


def _new(change: Change) -> str:
    row = change.after
    return f"{_name(row)}  {row['board']} {row['kind']} {row['currency']} lot {row['lot']} step {row['tick_table']}"


def _changed(change: Change) -> str:
    assert change.before is not None
    before, after = change.before, change.after
    # What is made of the name goes without saying.
    shown = [name for name in FIELDS if name in change.fields and name not in ("pinyin", "initials")] or change.fields
    return f"{change.symbol} " + ", ".join(f"{name} {before[name]!r} -> {after[name]!r}" for name in shown)
