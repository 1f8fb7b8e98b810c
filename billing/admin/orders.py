"""Orders: shown whole, with everything that happened to their money; and what was bought can be paid back."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, pgettext_lazy
from unfold.decorators import display

from accounts.models import Customer
from billing.admin import refunding
from billing.admin.revenue import revenue_page
from billing.admin.verbs import ROWS_SHOWN, Office, Table, Verb, VerbForm, local
from billing.domain.pricing import yuan
from billing.models import Grant, LedgerEntry, PaymentFact, Purchase
from billing.services import purchases, receipts
from nodes.models.words import shown


def _cancel(row: Purchase, said: dict[str, Any], by: Customer, now: datetime) -> Purchase:
    return purchases.cancel_purchase(purchase_id=row.pk, by=by, now=now)


def _receipt(row: Purchase, said: dict[str, Any], by: Customer, now: datetime) -> HttpResponse:
    drawn = receipts.receipt_pdf(purchase=row, language=row.customer.language)
    name = receipts.file_name(row)
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(drawn, content_type="application/pdf", headers=disposition)


def _payment(row: Purchase) -> PaymentFact | None:
    return row.facts.filter(kind="paid", outcome="settled").first()


@admin.register(Purchase)
class PurchaseAdmin(Office):
    list_display = ("public_id", "customer", "plan", "kind", "node", "months", "due", "shown_state", "placed_at")
    list_filter = ("state", "kind", "plan", "group", "gateway")
    search_fields = ("public_id", "customer__email", "attempts__order_no")
    list_select_related = ("customer", "plan", "node")
    date_hierarchy = "placed_at"
    fields = (
        "state", "customer", "pack", "kind", "total", "price_parts", "period", "node", "group", "gateway",
        "placed_at", "price_until_at", "settled_at", "extends", "replaces", "public_id",
    )  # fmt: skip
    readonly_fields = ("pack", "total", "price_parts", "period")
    technical = (
        "plan_version", "markets", "levels", "types", "intervals", "with_later", "priced_at", "placed_from",
        "idempotency_key", "body_hash",
    )  # fmt: skip
    verbs = (
        refunding.verb(_payment),
        Verb(
            "receipt", _("Receipt (PDF)"), ("billing.view_purchase",), _receipt, fits=receipts.has_receipt,
        ),
        Verb(
            "cancel", _("Cancel the order"), ("billing.cancel_purchase",), _cancel, VerbForm,
            fits=lambda row: row.state == Purchase.State.PENDING,
        ),
    )  # fmt: skip

    @display(
        description=_("state"),
        label={"pending": "info", "settled": "success", "expired": "warning", "failed": "danger"},
    )
    def shown_state(self, purchase: Purchase) -> tuple[str, str]:
        return purchase.state, purchase.get_state_display()

    @display(description=_("pack"))
    def pack(self, purchase: Purchase) -> str:
        symbols = ngettext("%(n)s symbol", "%(n)s symbols", purchase.symbols) % {"n": purchase.symbols}
        sockets = ngettext("%(n)s socket at once", "%(n)s sockets at once", purchase.max_connections)
        return f"{purchase.plan.name} · {symbols} · {sockets % {'n': purchase.max_connections}}"

    @display(description=_("sum"))
    def total(self, purchase: Purchase) -> str:
        return f"{purchase.due} {purchase.currency}"

    @display(description=_("of that"))
    def price_parts(self, purchase: Purchase) -> str:
        """How the sum came about; what is nothing is left out."""
        parts = [
            (_("price a month"), purchase.price_fen), (_("discount"), purchase.discount_fen),
            (_("credited"), purchase.credit_fen), (_("rounded off"), purchase.rounding_fen),
            (_("from the balance"), purchase.balance_fen), (_("paid"), purchase.paid_fen or 0),
        ]  # fmt: skip
        return " · ".join(f"{label} {yuan(fen)} {purchase.currency}" for label, fen in parts if fen)

    @display(description=_("period"))
    def period(self, purchase: Purchase) -> str:
        grant: Grant | None = getattr(purchase, "grant", None)
        months = ngettext("%(n)s month", "%(n)s months", purchase.months) % {"n": purchase.months}
        days = ngettext("%(n)d day", "%(n)d days", purchase.days) % {"n": purchase.days}
        length = months if purchase.months else days if purchase.days else ""
        held = f"{local(grant.starts_at)} – {local(grant.ends_at)}" if grant is not None else ""
        return " · ".join(filter(None, (length, held)))

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.revenue)
        return [path("revenue/", page, name="billing_purchase_revenue"), *super().get_urls()]

    def revenue(self, request: HttpRequest) -> Any:
        """What was paid and paid back, by day, plan, node and gateway."""
        return revenue_page(request, self.admin_site.each_context(request))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        links = []
        if request.user.has_perm("billing.view_revenue"):
            links.append((_("Revenue"), reverse("admin:billing_purchase_revenue")))
        return super().changelist_view(request, {"links": links, **(extra_context or {})})

    def tables(self, row: Purchase) -> Iterable[Table]:
        """Everything that happened to an order and its money."""
        facts = list(PaymentFact.objects.filter(Q(purchase=row) | Q(suspense__used_for=row))[:ROWS_SHOWN])
        refunds = list(row.refunds.select_related("asked_by", "decided_by")[:ROWS_SHOWN])
        yield Table(
            _("Events"), "billing.view_purchase", (_("at"), _("from"), _("to"), _("by"), _("why")),
            [(one.at, shown(one, "from_state"), shown(one, "to_state"), one.by or "–", one.why) for one in
             row.events.select_related("by")[:ROWS_SHOWN]],
        )  # fmt: skip
        yield Table(
            _("Payment attempts"), "billing.view_paymentattempt",
            (_("order number"), _("gateway"), _("method"), _("amount due"), _("state"), _("started"), _("last asked")),
            [(link(one, one.order_no), shown(one, "gateway"), shown(one, "method"), one.due,
              one.get_state_display(), one.started_at, one.asked_at or "–") for one in row.attempts.all()[:ROWS_SHOWN]],
        )  # fmt: skip
        yield Table(
            _("Payment facts"), "billing.view_paymentfact",
            (_("provider"), _("kind"), _("reference"), _("amount"), _("currency"), _("at"), _("source"), _("outcome")),
            [(shown(one, "provider"), shown(one, "kind"), link(one, one.reference), one.amount, one.currency,
              one.at, one.get_source_display(), one.get_outcome_display()) for one in facts],
        )  # fmt: skip
        yield Table(
            _("Refunds"), "billing.view_refund",
            (_("refund number"), _("amount"), _("fault"), _("effect"), _("state"), _("asked by"), _("decided by")),
            [(link(one, one.refund_no), one.amount, one.get_fault_display(), one.get_effect_display(),
              one.get_state_display(), one.asked_by or "–", one.decided_by or "–") for one in refunds],
        )  # fmt: skip
        yield Table(
            _("Disputes"), "billing.view_dispute",
            (_("provider"), _("dispute"), _("amount"), _("state"), pgettext_lazy("a dispute", "opened"),
             pgettext_lazy("a dispute", "ended")),
            [(shown(one, "provider"), link(one, one.dispute_id), yuan(one.amount_fen), one.get_state_display(),
              one.opened_at, one.ended_at or "–") for one in row.disputes.all()[:ROWS_SHOWN]],
        )  # fmt: skip
        sources = [
            *(f"{start}{one.provider}:{one.reference}" for one in facts for start in ("", "console:")),
            *(f"{one.refund_no}{end}" for one in refunds for end in ("", ":done", ":by hand")),
        ]
        entries = LedgerEntry.objects.filter(source__in=sources).prefetch_related("lines__account").order_by("id")
        yield Table(
            _("Ledger entries"), "billing.view_ledgerentry", (_("posted"), _("kind"), _("source"), _("ledger lines")),
            [(one.posted_at, shown(one, "kind"), link(one, one.source), lines_of(one))
             for one in entries[:ROWS_SHOWN]],
        )  # fmt: skip


def link(row: Any, text: str) -> str:
    """Return a link to a row's own page."""
    label = f"{row._meta.app_label}_{row._meta.model_name}"
    return format_html(
        '<a class="text-primary-600" href="{}">{}</a>', reverse(f"admin:{label}_change", args=[row.pk]), text
    )


def lines_of(entry: LedgerEntry) -> str:
    """Return an entry's lines in one text; they should have been prefetched with their accounts."""
    return " · ".join(str(line) for line in entry.lines.all())
