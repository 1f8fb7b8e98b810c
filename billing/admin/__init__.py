"""The shop for staff: what is sold, orders, payments, the books, rights.

What may happen here: showing rows, asking what a verb needs, calling its one service. What may not: rules, and any
change of a row of money or rights but through a service; those rows are shown and never edited.
"""

from accounts.admin import CustomerAdmin
from billing.admin import (
    api_keys,
    catalogue,
    grants,
    ledger,
    mails,
    orders,
    papers,
    payments,
    prepaid,
    promotions,
    rights,
)
from billing.models import AccessToken, Grant, Purchase

__all__ = [
    "api_keys", "catalogue", "grants", "ledger", "mails", "orders", "papers", "payments", "prepaid", "promotions",
    "rights",
]  # fmt: skip

CustomerAdmin.things += [
    (Purchase._meta.verbose_name_plural, Purchase),
    (Grant._meta.verbose_name_plural, Grant),
    (AccessToken._meta.verbose_name_plural, AccessToken),
]
