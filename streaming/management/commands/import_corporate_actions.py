"""`manage.py import_corporate_actions`: dividends, bonus shares, splits and rights, from which prices are adjusted."""

import csv
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import date
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from kernel import clock
from kernel.instruments import BadSymbol, InstrumentId
from streaming.domain.adjustment import CorporateAction
from streaming.errors import HistoryUnavailable, causes
from streaming.history.adjusted import insert_actions, read_actions

_COLUMNS = {"symbol", "ex_date"}
_PER_TEN = ("cash_per_10", "bonus_per_10", "rights_per_10")


class BadRow(Exception):
    """A row cannot be read; the text says why."""


class Command(BaseCommand):
    help = (
        "Takes a CSV file with the columns symbol, ex_date (YYYY-MM-DD), and of what 10 shares get: cash_per_10, "
        "bonus_per_10 (bonus and transfer shares), rights_per_10 with rights_price; or split (2 for two from one, 0.1 "
        "for one from ten). reference: the morning's price that the exchange named. withdrawn: 1 takes one back. Shows "
        "what changes and asks."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        told, withdrawn = self._read(options["file"])
        try:
            known = read_actions({one.symbol for one in (*told, *withdrawn)})
        except HistoryUnavailable as error:
            raise CommandError(f"history did not answer: {causes(error)}. Try again.") from None
        before = {(one.symbol, one.ex_date): one for actions in known.values() for one in actions}
        fresh = [one for one in told if before.get((one.symbol, one.ex_date)) != one]
        gone = [one for one in withdrawn if (one.symbol, one.ex_date) in before]
        for one in fresh:
            old = before.get((one.symbol, one.ex_date))
            self.stdout.write(f"{'+' if old is None else '~'} {_line(one)}" + (f"   was {_line(old)}" if old else ""))
        for one in gone:
            self.stdout.write(f"- {_line(before[one.symbol, one.ex_date])}")
        if not fresh and not gone:
            self.stdout.write("Everything is known already; nothing was written.")
            return
        if not options["yes"] and not sys.stdin.isatty():
            raise CommandError(
                "Nothing was written: there is nobody to ask at a terminal. "
                "Look at the difference above and run this again with --yes."
            )
        if not options["yes"] and input(f"Write {len(fresh) + len(gone)} changes? [y/N] ").strip().lower() != "y":
            raise CommandError("Nothing was written.")
        try:
            insert_actions(fresh, source="import", version=clock.now_ms())
            insert_actions(gone, source="import", version=clock.now_ms(), withdrawn=True)
        except HistoryUnavailable as error:
            raise CommandError(f"history did not take all: {causes(error)}. Run it again.") from None
        self.stdout.write(f"Written: {len(fresh) + len(gone)} changes. The next request for adjusted bars has them.")

    def _read(self, path: Path) -> tuple[list[CorporateAction], list[CorporateAction]]:
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                rows = csv.DictReader(file)
                missing = _COLUMNS - set(rows.fieldnames or ())
                if missing:
                    raise CommandError(f"{path}: no column {', '.join(sorted(missing))}.")
                found = list(_actions(path, rows))
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{path}: {error}") from None
        seen: set[tuple[str, date]] = set()
        for line, one, _ in found:
            if (one.symbol, one.ex_date) in seen:
                raise CommandError(f"{path}, line {line}: {one.symbol} {one.ex_date} stands there twice; add them up.")
            seen.add((one.symbol, one.ex_date))
        return [one for _, one, gone in found if not gone], [one for _, one, gone in found if gone]


def _actions(path: Path, rows: "csv.DictReader[str]") -> Iterator[tuple[int, CorporateAction, bool]]:
    for row in rows:
        try:
            yield rows.line_num, action_of(row), (row.get("withdrawn") or "").strip() == "1"
        except BadRow as error:
            raise CommandError(f"{path}, line {rows.line_num}: {error}. Nothing was written.") from None


def action_of(row: dict[str, str]) -> CorporateAction:
    """Read a row.

    Raises:
        BadRow: it says nothing, or what cannot be.
    """
    try:
        symbol = str(InstrumentId.parse((row["symbol"] or "").strip().upper()))
    except BadSymbol:
        raise BadRow(f"{row['symbol']!r} is no symbol like 600519.SH") from None
    try:
        ex_date = date.fromisoformat((row["ex_date"] or "").strip())
    except ValueError:
        raise BadRow(f"ex_date {row['ex_date']!r} is no day like 2026-06-12") from None
    cash, bonus, rights = (_number(row, name) / 10 for name in _PER_TEN)
    price, split = _number(row, "rights_price"), _number(row, "split")
    if min(cash, bonus, rights, price, split) < 0:
        raise BadRow("a number is negative")
    if rights and not price:
        raise BadRow("rights_per_10 without a rights_price")
    kept = (split or Fraction(1)) + bonus
    leaves = cash - rights * price
    if kept == 1 and not rights and not leaves:
        raise BadRow(f"{symbol} {ex_date}: nothing happens to the share")
    return CorporateAction(
        symbol=symbol,
        ex_date=ex_date,
        ratio=kept + rights,
        split=kept,
        cash_e8=round(leaves * 10**8),
        reference_e4=round(_number(row, "reference") * 10_000),
    )


def _number(row: dict[str, str], name: str) -> Fraction:
    text = (row.get(name) or "").strip() or "0"
    try:
        value = Decimal(text)
        if not value.is_finite() or abs(value) > 10**9:
            raise InvalidOperation
    except InvalidOperation:
        raise BadRow(f"{name} {text[:40]!r} is no number") from None
    return Fraction(value)


def _line(one: CorporateAction) -> str:
    cash = f", {one.cash_e8 / 10**8:g} in cash" if one.cash_e8 else ""
    named = f", reference {one.reference_e4 / 10_000:g}" if one.reference_e4 else ""
    return f"{one.symbol} {one.ex_date}: 1 share becomes {float(one.ratio):g}{cash}{named}"
