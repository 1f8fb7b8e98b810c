"""Mails of the shop, a function each: a payload of the outbox in, a letter in the active language out.

What may happen here: reading what is so now, and None where the letter would tell what is no longer so. What may not:
writing rows, or asking a gateway. The owner (billing.apps) registers them all.
"""

from datetime import datetime

from django.conf import settings
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from billing.domain.months import SHANGHAI
from billing.domain.pricing import exact_yuan
from billing.models import Grant, Prepayment, Purchase
from billing.services import attempts
from outbox.transports.mail import Letter

Facts = tuple[tuple[str, str], ...]


def money(fen: int, currency: str = "CNY") -> str:
    """Return an amount to the fen, as a letter writes it."""
    if currency != "CNY":
        return f"{exact_yuan(fen)} {currency}"
    return _("%(amount)s CNY") % {"amount": exact_yuan(fen)}


def instant(at: datetime) -> str:
    """Return an instant to the second, in Shanghai time, and say that it is."""
    local = at.astimezone(SHANGHAI)
    return _("%(at)s (Shanghai time, UTC+8)") % {"at": f"{date_format(local, 'DATE_FORMAT')} {local:%H:%M:%S}"}


def day(at: datetime) -> str:
    """Return a day in Shanghai."""
    return date_format(at.astimezone(SHANGHAI), "DATE_FORMAT")


def page(path: str) -> str:
    """Return the address of a page of ours."""
    return f"{settings.PANEL_URL}{path}"


def page_of(order: Purchase | Prepayment) -> str:
    """Return the address of an order's page."""
    return page(attempts.page_of(order))


def period(grant: Grant) -> Facts:
    """Return when a grant begins and ends, as facts."""
    return (_("Begins"), instant(grant.starts_at)), (_("Ends"), instant(grant.ends_at))


def order_facts(purchase: Purchase) -> Facts:
    """Return what was ordered: number, pack and amount."""
    if purchase.months == 1:
        pack = _("%(plan)s, 1 month") % {"plan": purchase.plan.name}
    elif purchase.months:
        pack = _("%(plan)s, %(months)s months") % {"plan": purchase.plan.name, "months": purchase.months}
    else:  # an upgrade, a trial, or what was given
        pack = attempts.title_of(purchase) if purchase.kind in ("upgrade", "trial") else purchase.plan.name
    from_balance = ((_("From your balance"), money(purchase.balance_fen)),) if purchase.balance_fen else ()
    return (
        (_("Order number"), purchase.public_id),
        (_("Pack"), pack),
        (_("Amount"), money(purchase.due_fen, purchase.currency)),
        *from_balance,
    )


def about_orders() -> str:
    """Say why a buyer gets a mail about an order."""
    return _("You get this mail because you ordered at %(shop)s.") % {"shop": settings.SHOP_NAME}


def about_packs() -> str:
    """Say why a customer gets a mail about what they have."""
    return _("You get this mail because you have a pack at %(shop)s.") % {"shop": settings.SHOP_NAME}


__all__ = [
    "Facts", "Letter", "about_orders", "about_packs", "day", "instant", "money", "order_facts", "page", "page_of",
    "period",
]  # fmt: skip
