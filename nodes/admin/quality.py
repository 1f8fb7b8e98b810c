"""What history holds of each trading day and how today's symbols stand, beside a market's feed."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.timezone import localdate, localtime
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from kernel.clock import utc_now
from nodes import selectors, store
from nodes.admin.tables import table
from nodes.errors import UnknownTransport
from nodes.models import FeedSetting
from nodes.models.words import REASONS, counted
from outbox.errors import LinkAway

_SHOWN = 14
_HEADS = (_("day"), _("instruments"), _("minutes"), _("first"), _("last"), _("what is wrong"))
_WORST = 20
_SYMBOL_HEADS = (
    _("symbol"), _("rows in"), _("bars out"), _("gaps"), _("refused for"), _("rows that counted, by line"),
)  # fmt: skip


class TellsOfDays:
    """A market whose days in history are shown; they are looked at within ten minutes of their end."""

    @display(description=_("days in history"))
    def days(self, setting: FeedSetting) -> str:
        """The last two weeks, of each Redis."""
        parts: list[str] = []
        for group in selectors.destinations():
            try:
                told = store.day_quality(selectors.link_named(group), lane=setting.lane)[:_SHOWN]
            except (LinkAway, UnknownTransport) as error:
                parts.append(format_html("<p>{} {}</p>", group, error.message))
                continue
            if told:
                parts.append(table(_HEADS, (tuple(_cells(one)) for one in told), title=group))
        return format_html_join("", "{}", ((part,) for part in parts)) or str(_("no day has ended yet"))

    @display(description=_("symbols today"))
    def symbols(self, setting: FeedSetting) -> str:
        """How today stands so far, of each Redis: sums, and the symbols that stand worst."""
        parts: list[str] = []
        today = localdate(utc_now()).isoformat()
        for group in selectors.destinations():
            try:
                told = store.symbols_so_far(selectors.link_named(group), lane=setting.lane, day=today)
            except (LinkAway, UnknownTransport) as error:
                parts.append(format_html("<p>{} {}</p>", group, error.message))
                continue
            if told:
                parts.append(_symbols_of(group, told))
        link = format_html(
            '<p><a href="{}?lane={}">{}</a></p>', reverse("admin:nodes_symbolday_changelist"), setting.lane,
            _("The days that have ended"),
        )  # fmt: skip
        return format_html_join("", "{}", ((part,) for part in parts or [str(_("nothing was counted today"))])) + link


def _symbols_of(group: str, told: dict[str, dict[str, Any]]) -> str:
    sums = {name: sum(one[name] for one in told.values()) for name in ("rows", "bars", "gaps", "copies")}
    refused = {symbol: sum(one["refused"].values()) for symbol, one in told.items()}
    worst = sorted(told, key=lambda symbol: (-told[symbol]["gaps"], -refused[symbol], symbol))[:_WORST]
    said = _("%(n)d symbols, %(rows)d rows in, %(bars)d bars out, %(refused)d refused, %(gaps)d gaps") % {
        "n": len(told), "refused": sum(refused.values()), **sums,
    }  # fmt: skip
    rows = (_symbol_cells(symbol, told[symbol]) for symbol in worst)
    return table(_SYMBOL_HEADS, rows, title=f"{group} {said}".strip())


def _symbol_cells(symbol: str, one: dict[str, Any]) -> tuple[object, ...]:
    reasons = counted(REASONS, one["refused"])
    lines = " · ".join(f"{name} {number}" for name, number in sorted(one["lines"].items()))
    return symbol, one["rows"], one["bars"], one["gaps"], reasons or "–", lines or "–"


def _cells(one: dict[str, Any]) -> Iterator[object]:
    yield one["day"]
    yield one["instruments"]
    yield one["minutes"]
    for name in ("first_ms", "last_ms"):
        at_ms = one.get(name) or 0
        yield localtime(datetime.fromtimestamp(at_ms / 1000, UTC)).strftime("%H:%M") if at_ms else "–"
    said = [f"{found['kind']} {found['count']} {' '.join(found['examples'])}".strip() for found in one["findings"]]
    yield " · ".join(said) or ("–" if one["minutes"] else _("nothing is stored"))
