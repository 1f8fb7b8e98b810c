"""Receipts of orders: what a paid order says on paper, to whom, and what of it was paid back."""

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet, Sum
from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import Customer
from billing.documents import receipt as paper
from billing.domain.months import SHANGHAI
from billing.domain.pricing import exact_yuan
from billing.errors import NoReceipt
from billing.models import BuyerTitle, PaymentFact, Purchase, Refund

WAYS = {
    "alipay": "Alipay", "wechat": "WeChat Pay", "stripe": "Card (Stripe)", "transfer": "Bank transfer",
    "sandbox": "Sandbox: no money moves", "balance": "Balance",
}  # fmt: skip
# Money that is back or on its way there; what only waits for a second person is neither.
PAID_BACK = (Refund.State.DECIDED, Refund.State.SENT, Refund.State.DONE, Refund.State.FAILED)


def receipt_pdf(*, purchase: Purchase, language: str) -> bytes:
    """Return the receipt of an order that was paid, in a language.

    Raises:
        NoReceipt: nothing was paid for it.
    """
    if not has_receipt(purchase):
        raise NoReceipt(purchase=purchase.public_id, state=purchase.state)
    with translation.override(language):
        return paper.draw(_receipt(purchase))


def has_receipt(purchase: Purchase) -> bool:
    """Tell whether an order was paid; one that was given is not."""
    return purchase.state == Purchase.State.SETTLED and bool(purchase.paid_fen)


def number_of(purchase: Purchase) -> str:
    """Return a receipt's number: the day of the payment, and of the order's number enough to find it."""
    assert purchase.settled_at is not None
    return f"{purchase.settled_at.astimezone(SHANGHAI):%Y%m%d}-{purchase.public_id[:12].upper()}"


def file_name(purchase: Purchase) -> str:
    """Return what a receipt's file is called."""
    return f"receipt-{number_of(purchase)}.pdf"


@transaction.atomic
def name_buyer(*, customer: Customer, title: str) -> BuyerTitle:
    """Print this title on a customer's receipts from now on; an empty one takes it off."""
    row, _new = BuyerTitle.objects.get_or_create(customer=customer)
    row.title = " ".join(title.split())[:100]
    row.save(update_fields=["title"])
    return row


def lines_of(purchase: Purchase) -> tuple[paper.Line, ...]:
    """Return what was bought; what lowers its price is a further line with a negative amount, so that they add up."""
    grant, off_fen = purchase.grant, purchase.discount_fen + purchase.rounding_fen
    upgraded = purchase.kind == Purchase.Kind.UPGRADE
    lines = [
        paper.Line(
            what=_("Upgrade to %(plan)s") % {"plan": purchase.plan.name} if upgraded else purchase.plan.name,
            period=f"{_at(grant.starts_at)} – {_at(grant.ends_at)}",
            quantity=str(purchase.months or 1),
            price=exact_yuan(purchase.price_fen if purchase.months else purchase.list_fen),
            amount=exact_yuan(purchase.list_fen),
        )
    ]
    if off_fen:
        lines.append(paper.Line(what=_("Discount"), period="", quantity="", price="", amount=exact_yuan(-off_fen)))
    return tuple(lines)


def refunds_of(purchase: Purchase) -> list[Refund]:
    """Return what of an order's money went back or is on its way, oldest first; not what came beside it."""
    return list(_refunds([purchase]).order_by("pk"))


def paid_back_fen(purchases: Iterable[Purchase]) -> dict[int, int]:
    """Return how much of each order's money went back or is on its way, in fen, by key; none where nothing did."""
    sums = _refunds(purchases).order_by().values_list("purchase_id").annotate(total=Sum("amount_fen"))
    return dict(sums)


def _refunds(purchases: Iterable[Purchase]) -> QuerySet[Refund]:
    mine = Refund.objects.filter(purchase__in=list(purchases), state__in=PAID_BACK)
    # A second payment of an order bought nothing: what of it goes back lowers nothing that was spent.
    return mine.exclude(payment__outcome=PaymentFact.Outcome.SUSPENSE, payment__suspense__used_for=None)


def _receipt(purchase: Purchase) -> paper.Receipt:
    assert purchase.settled_at is not None
    assert purchase.paid_fen is not None
    buyer = BuyerTitle.objects.filter(customer=purchase.customer).first()
    title = buyer.title if buyer is not None else ""
    refunds = refunds_of(purchase)
    back_fen = sum(one.amount_fen for one in refunds)
    sums = [(_("Paid, CNY"), exact_yuan(purchase.paid_fen))]
    if back_fen:
        sums += [
            (_("Paid back, CNY"), exact_yuan(-back_fen)),
            (_("Remains, CNY"), exact_yuan(purchase.paid_fen - back_fen)),
        ]
    return paper.Receipt(
        title=_("Receipt"),
        facts=(
            (_("Receipt number"), number_of(purchase)),
            (_("Order number"), purchase.public_id),
            (_("Paid at"), _("%(at)s (Shanghai time, UTC+8)") % {"at": _at(purchase.settled_at)}),
            *_ways(purchase),
            *_reference(purchase),
        ),
        seller=(_("Seller"), _seller()),
        buyer=(_("Buyer"), (*(((_("Title"), title),) if title else ()), (_("Account"), purchase.customer.email))),
        heads=(_("What"), _("Period"), _("Months"), _("Price a month"), _("Amount, CNY")),
        lines=lines_of(purchase),
        sums=tuple(sums),
        refunds_title=_("Paid back"),
        refunds=tuple(
            (date_format((one.done_at or one.decided_at or one.asked_at).astimezone(SHANGHAI), "DATE_FORMAT"),
             one.refund_no, exact_yuan(-one.amount_fen))
            for one in refunds
        ),
        notes=(_("This receipt is no fapiao and no tax invoice. Ask for a fapiao on your account's page."),),
    )  # fmt: skip


def _ways(purchase: Purchase) -> tuple[tuple[str, str], ...]:
    """Return how it was paid; with each part's amount where the balance paid only a part."""
    if not purchase.balance_fen or not purchase.cash_fen:
        return ((_("Paid by"), _way(purchase.gateway)),)
    return (
        (_("Paid by"), f"{_way('balance')} {exact_yuan(purchase.balance_fen)}"),
        (_("Paid by"), f"{_way(purchase.gateway)} {exact_yuan(purchase.cash_fen)}"),
    )


def _seller() -> tuple[tuple[str, str], ...]:
    known = (
        (_("Name"), settings.SHOP_NAME),
        (_("Tax number"), settings.SHOP_TAX_NUMBER),
        (_("Address"), settings.SHOP_ADDRESS),
        (_("Telephone"), settings.SHOP_PHONE),
    )
    return tuple((name, value) for name, value in known if value)


def _reference(purchase: Purchase) -> tuple[tuple[str, str], ...]:
    paid = purchase.facts.filter(kind="paid", outcome=PaymentFact.Outcome.SETTLED)
    fact = paid.exclude(provider="balance").first()  # the shop's own has no number but the order's
    return ((_("Payment number"), fact.reference),) if fact is not None else ()


def _way(gateway: str) -> str:
    """Return what people call a way to pay; the panel's names, which are translated there."""
    return translation.gettext(WAYS[gateway]) if gateway in WAYS else gateway or _("by hand")


def _at(at: datetime) -> str:
    local = at.astimezone(SHANGHAI)
    return f"{date_format(local, 'SHORT_DATE_FORMAT')} {local:%H:%M:%S}"
