"""The shop for staff: what is sold, orders, payments, the books, rights.

What may happen here: showing rows, asking what a verb needs, calling its one service. What may not: rules, and any
change of a row of money or rights but through a service; those rows are shown and never edited.
"""

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

__all__ = [
    "api_keys", "catalogue", "grants", "ledger", "mails", "orders", "papers", "payments", "prepaid", "promotions",
    "rights",
]  # fmt: skip
