"""What was delivered and what came in, by symbol and day: shown, searched, taken away as CSV, and never edited."""

import csv
from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from nodes.domain.proof import misses_aim, share_text
from nodes.models import Delivered, DeliveredMonth, SymbolDay
from nodes.models.words import REASONS, counted
from outbox.admin import ReadOnly

_MOST_ROWS = 20_000  # of a file: two markets' day
_COLUMNS = (
    "day_on", "lane", "group", "symbol", "rows", "bars", "refused", "copies", "gaps", "longest_gap_seconds", "first_at",
    "last_at", "lines", "reasons",
)  # fmt: skip


@admin.register(SymbolDay)
class SymbolDayAdmin(ReadOnly):
    """Each symbol of each day, the worst of the newest day first. There once a day has ended."""

    list_display = (
        "symbol", "day_on", "lane", "rows", "bars", "gaps", "longest_gap_seconds", "refused", "shown_reasons", "copies",
        "shown_lines", "first_at", "last_at", "group",
    )  # fmt: skip
    list_filter = ("lane", "group")
    list_select_related = ("group",)
    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False
    date_hierarchy = "day_on"
    search_fields = ("symbol",)
    actions = ("as_csv",)

    @display(description=_("refused for"))
    def shown_reasons(self, row: SymbolDay) -> str:
        return counted(REASONS, row.reasons)

    @display(description=_("rows that counted, by line"))
    def shown_lines(self, row: SymbolDay) -> str:
        return _words(row.lines)

    @admin.action(description=_("Take away as CSV"), permissions=["view"])
    def as_csv(self, request: HttpRequest, rows: QuerySet[SymbolDay]) -> StreamingHttpResponse:
        """The chosen rows; with "select all" every one that was found, up to 20,000."""
        return StreamingHttpResponse(
            _lines(rows.select_related("group")[:_MOST_ROWS]),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="symbols.csv"'},
        )


def _words(counts: dict[str, Any]) -> str:
    return " · ".join(f"{name} {number}" for name, number in sorted(counts.items()))


class _Echo:
    """What csv writes to: hands each line back."""

    def write(self, line: str) -> str:
        return line


def _lines(rows: QuerySet[SymbolDay]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(_COLUMNS)
    for row in islice(rows.iterator(chunk_size=1000), _MOST_ROWS):
        yield writer.writerow(_cell(row, name) for name in _COLUMNS)


def _cell(row: SymbolDay, name: str) -> object:
    value = getattr(row, name)
    if isinstance(value, dict):
        return _words(value)
    return value.slug if name == "group" else value.isoformat() if hasattr(value, "isoformat") else value


class Shares(ReadOnly):
    """Rows of due, sent and late bars, with their share."""

    @display(description=_("share sent"), label={"reached": "success", "missed": "danger"})
    def share(self, row: Delivered | DeliveredMonth) -> tuple[str, str] | None:
        text = share_text(row.sent, row.due)
        return ("missed" if misses_aim(row.sent, row.due) else "reached", text) if text else None


@admin.register(Delivered)
class DeliveredAdmin(Shares):
    list_display = ("day_on", "symbol", "customer", "due", "sent", "late", "share", "lane", "node", "group")
    list_filter = ("lane", "group")
    list_select_related = ("customer", "group")
    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False
    date_hierarchy = "day_on"
    search_fields = ("symbol", "=customer__email", "node")


@admin.register(DeliveredMonth)
class DeliveredMonthAdmin(Shares):
    """What the public page shows, TEST as well."""

    list_display = ("month", "lane", "group", "due", "sent", "late", "share")
    list_filter = ("lane", "group")
    list_select_related = ("group",)

    @display(description=_("month"), ordering="month_on")
    def month(self, row: DeliveredMonth) -> str:
        return f"{row.month_on:%Y-%m}"
