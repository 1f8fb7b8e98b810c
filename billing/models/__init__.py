"""The shop's tables: the catalogue, orders, payments, prepayments and promotions, the ledger,
rights and tokens, one module each.

What may happen here: columns, the constraints that must always hold, and texts of one row. What may not: reading other
rows, clocks, and any change that spans rows; those are services. Grants, closures, facts and the ledger are only ever
added to.
"""

from billing.models.append_only import AppendOnly
from billing.models.catalogue import Plan, PlanVersion, SoldTerms
from billing.models.leaving import Departure, FormerTrial
from billing.models.ledger import LedgerAccount, LedgerBalance, LedgerEntry, LedgerLine, Reconciliation
from billing.models.orders import Purchase, PurchaseEvent
from billing.models.papers import BuyerTitle, EndNotice, FapiaoFile, FapiaoLine, FapiaoRequest, FapiaoReversal
from billing.models.payments import BankTransfer, Dispute, PaymentAttempt, PaymentFact, Refund, Suspense
from billing.models.prepaid import AutoRenewal, GiftBatch, GiftCode, Prepayment, RenewalStep
from billing.models.promotions import (
    Commission,
    Coupon,
    CouponUse,
    Invitation,
    InviteCode,
    TermDiscount,
    Trial,
    TrialOffer,
)
from billing.models.rights import Compensation, EntitlementRev, Grant, GrantClosure, GrantFreeze
from billing.models.tokens import AccessToken

__all__ = [
    "AccessToken",
    "AppendOnly",
    "AutoRenewal",
    "BankTransfer",
    "BuyerTitle",
    "Commission",
    "Compensation",
    "Coupon",
    "CouponUse",
    "Departure",
    "Dispute",
    "EndNotice",
    "EntitlementRev",
    "FapiaoFile",
    "FapiaoLine",
    "FapiaoRequest",
    "FapiaoReversal",
    "FormerTrial",
    "GiftBatch",
    "GiftCode",
    "Grant",
    "GrantClosure",
    "GrantFreeze",
    "Invitation",
    "InviteCode",
    "LedgerAccount",
    "LedgerBalance",
    "LedgerEntry",
    "LedgerLine",
    "PaymentAttempt",
    "PaymentFact",
    "Plan",
    "PlanVersion",
    "Prepayment",
    "Purchase",
    "PurchaseEvent",
    "Reconciliation",
    "Refund",
    "RenewalStep",
    "SoldTerms",
    "Suspense",
    "TermDiscount",
    "Trial",
    "TrialOffer",
]
