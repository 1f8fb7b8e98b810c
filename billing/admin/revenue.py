"""The page of revenue: paid less paid back, by day, plan, node and gateway, with a chart of days."""

import base64
from datetime import date, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.admin.verbs import Table, VerbForm, day_field
from billing.domain.pricing import yuan
from billing.models import Plan
from billing.models.words import GATEWAYS
from billing.services.revenue import Revenue, Sums, day_of, revenue
from kernel.clock import utc_now
from nodes.models import Node

MOST_DAYS = 366
_WIDTH, _HEIGHT = 720, 160
_TITLES = {
    "plan": gettext_lazy("By plan"),
    "node": gettext_lazy("By node"),
    "gateway": gettext_lazy("By gateway"),
    "day": gettext_lazy("By day"),
}


class RevenueForm(VerbForm):
    since = day_field(gettext_lazy("from"))
    until = day_field(gettext_lazy("to"))

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        since, until = said.get("since"), said.get("until")
        if since and until and not 0 <= (until - since).days < MOST_DAYS:
            self.add_error("until", _("It is the same day or later, and within a year."))
        return said


def revenue_page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Show the last 30 days, or those that were asked for; to who may see revenue."""
    if not request.user.has_perm("billing.view_revenue"):
        raise PermissionDenied
    now = utc_now()
    usual = {"since": day_of(now) - timedelta(days=29), "until": day_of(now)}
    form = RevenueForm(request.GET if "since" in request.GET else None, initial=usual, now=now)
    asked = form.cleaned_data if form.is_bound and form.is_valid() else usual
    found = revenue(since=asked["since"], until=asked["until"])
    shown = {
        "title": _("Revenue"),
        "form": form,
        "figures": [
            (_("Paid"), yuan(found.paid_fen)),
            (_("Paid back"), yuan(found.back_fen)),
            (_("Left"), yuan(found.paid_fen - found.back_fen)),
        ],
        "chart": _as_image(chart(found, asked["since"], asked["until"])),
        "tables": [_table(title, found.by[name], _names(name)) for name, title in _TITLES.items()],
    }
    return TemplateResponse(request, "admin/billing/revenue.html", {**context, **shown})


def chart(found: Revenue, since: date, until: date) -> str:
    """Return bars of each day's revenue as SVG: above the line what is left of it, below it where more went back."""
    days = [since + timedelta(days=n) for n in range((until - since).days + 1)]
    left = [paid - back for paid, back in (found.by["day"].get(day, (0, 0)) for day in days)]
    top, low = max(0, *left), min(0, *left)
    scale = _HEIGHT / (top - low or 1)
    zero, wide = top * scale, _WIDTH / len(days)
    bars = "".join(
        f'<rect x="{n * wide:.2f}" y="{zero - max(fen, 0) * scale:.2f}" width="{wide * 0.8:.2f}" '
        f'height="{abs(fen) * scale:.2f}" fill="{"#0b6e4f" if fen > 0 else "#b3261e"}">'
        f"<title>{day.isoformat()}: {yuan(fen)}</title></rect>"
        for n, (day, fen) in enumerate(zip(days, left, strict=True))
        if fen
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}">'
        f'{bars}<path d="M0 {zero:.2f}H{_WIDTH}" stroke="#888" stroke-width="1"/></svg>'
    )


def _as_image(svg: str) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


def _names(by: str) -> dict[str, Any]:
    """Return what people call what a table is about, by its code."""
    if by == "plan":
        return {plan.slug: plan.name for plan in Plan.objects.all()}
    if by == "node":
        return {node.slug: str(node) for node in Node.objects.all()}
    return GATEWAYS if by == "gateway" else {}


def _table(title: Any, sums: Sums, names: dict[str, Any]) -> Table:
    rows: list[tuple[Any, ...]] = [
        (names.get(key, key) or "–", yuan(paid), yuan(back), yuan(paid - back)) for key, (paid, back) in sums.items()
    ]
    return Table(title, "billing.view_revenue", ("", _("Paid"), _("Paid back"), _("Left")), rows)
