"""The shop's tables: the catalogue, orders, payments, rights and tokens, one module each.

What may happen here: columns, the constraints that must always hold, and texts of one row. What may not: reading other
rows, clocks, and any change that spans rows; those are services. Grants and closures are only ever added to.
"""

from billing.models.append_only import AppendOnly
from billing.models.catalogue import Plan
from billing.models.orders import Purchase, SoldTerms
from billing.models.payments import GatewayNotice
from billing.models.rights import EntitlementRev, Grant, GrantClosure
from billing.models.tokens import AccessToken

__all__ = [
    "AccessToken",
    "AppendOnly",
    "EntitlementRev",
    "GatewayNotice",
    "Grant",
    "GrantClosure",
    "Plan",
    "Purchase",
    "SoldTerms",
]
