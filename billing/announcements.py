"""What the shop tells other processes and people, as rows of the outbox in the transaction that causes them."""

from datetime import datetime, timedelta

from accounts.models import Customer
from billing.models import (
    AccessToken,
    FapiaoRequest,
    Grant,
    PaymentAttempt,
    PlanVersion,
    Prepayment,
    Purchase,
    Reconciliation,
    Refund,
)
from kernel.scope import Scope
from nodes import announcements as nodes
from outbox.services.mailing import write_to

ORDER = "order"
TRANSFER = "order_to_transfer"
RECEIPT = "receipt"
PREPAID = "prepaid"
REFUND_DECIDED = "refund_decided"
REFUND = "refund"
ENDS = "pack_ends"
WAY_BACK = "way_back"
TRIAL = "trial_ends"
RENEWAL_AHEAD = "renewal_ahead"
RENEWED = "renewed"
RENEWAL_FAILED = "renewal_failed"
TOKEN_REPLACED = "token_replaced"  # noqa: S105  # a kind of mail
TOKEN_REVOKED = "token_revoked"  # noqa: S105
COMPENSATION = "compensation"
BOOKS_DIFFER = "books_differ"
TERMS_END = "terms_end"
FAPIAO = "fapiao"
FAPIAO_RED = "fapiao_red"

# Most buyers have paid by then, and need no mail that says they have not; ten minutes of the price are left.
UNPAID_AFTER = timedelta(minutes=5)


def entitlement_changed(scope: Scope) -> None:
    """Tell nodes what a customer may follow now."""
    nodes.entitlement(scope=scope.as_json())


def token_ends(token: AccessToken, works_until_at: datetime) -> None:
    """Tell nodes from when on a token no longer works; now for a revoked one, a day ahead for a rotated one."""
    nodes.revocation(
        jti=token.jti,
        customer=token.customer.public_id,
        group=token.group.slug,
        works_until_s=int(works_until_at.timestamp()),
        expires_at_s=int(token.expires_at.timestamp()),
    )


def token_replaced(token: AccessToken) -> None:
    """Tell its owner that a token was replaced; somebody else may have done it."""
    write_to(token.customer, TOKEN_REPLACED, {"jti": token.jti})


def token_revoked(token: AccessToken, *, count: int = 1) -> None:
    """Tell its owner that a token was revoked, with so many of its group together."""
    write_to(token.customer, TOKEN_REVOKED, {"jti": token.jti, "count": count})


def order_placed(purchase: Purchase) -> None:
    """Remind a buyer who has not paid within some minutes."""
    write_to(purchase.customer, ORDER, {"purchase": purchase.public_id}, delay=UNPAID_AFTER)


def order_to_transfer(attempt: PaymentAttempt) -> None:
    """Give a buyer the account to transfer to, at once: it is to be at hand in the bank's page."""
    write_to(attempt.order.customer, TRANSFER, {"attempt": attempt.pk})


def purchase_settled(purchase: Purchase) -> None:
    """Send the buyer a receipt, in the buyer's language."""
    write_to(purchase.customer, RECEIPT, {"purchase": purchase.public_id})


def prepayment_settled(order: Prepayment) -> None:
    """Tell a customer that money is in the balance, or that a gift code is theirs."""
    write_to(order.customer, PREPAID, {"order": order.public_id})


def refund_decided(refund: Refund) -> None:
    """Tell a buyer that money will go back."""
    if (order := refund.order) is not None:
        write_to(order.customer, REFUND_DECIDED, {"refund": refund.refund_no})


def refund_done(refund: Refund) -> None:
    """Tell a buyer that money is on its way back."""
    if (order := refund.order) is not None:
        write_to(order.customer, REFUND, {"refund": refund.refund_no})


def pack_ends(tail: Grant, *, ends_at: datetime, step: str) -> None:
    """Remind a customer that a chain of grants ends.

    Args:
        step: `week`, `day` or `today`.
    """
    write_to(tail.customer, ENDS, {"grant": tail.pk, "ends_at": ends_at.isoformat(), "step": step})


def way_back(tail: Grant, *, ends_at: datetime) -> None:
    """Write to somebody whose chain of grants has ended some days ago."""
    write_to(tail.customer, WAY_BACK, {"grant": tail.pk, "ends_at": ends_at.isoformat()})


def trial_ends(grant: Grant) -> None:
    """Tell somebody who tries that it ends."""
    write_to(grant.customer, TRIAL, {"grant": grant.pk})


def renewal_ahead(customer: Customer, *, grant: Grant, renews_at: datetime, months: int, amount_fen: int) -> None:
    """Tell a customer before a renewal by itself what is charged and when.

    Args:
        grant: the last of the chain that is renewed.
    """
    body = {"grant": grant.pk, "renews_at": renews_at.isoformat(), "months": months, "amount_fen": amount_fen}
    write_to(customer, RENEWAL_AHEAD, body)


def renewed(purchase: Purchase) -> None:
    """Tell a customer that a pack was renewed by itself; the purchase is settled."""
    write_to(purchase.customer, RENEWED, {"purchase": purchase.public_id})


def renewal_failed(grant: Grant, *, why: str) -> None:
    """Tell a customer that a renewal by itself did not come about.

    Args:
        grant: the last of the chain that was to be renewed.
        why: the code of the error that it ended with; one without a sentence of its own says nothing of it.
    """
    write_to(grant.customer, RENEWAL_FAILED, {"grant": grant.pk, "why": why})


def compensated(purchase: Purchase, *, hours: int, reason: str) -> None:
    """Tell a customer what was given for an outage."""
    body = {"purchase": purchase.public_id, "hours": hours, "reason": reason}
    write_to(purchase.customer, COMPENSATION, body)


def books_differ(found: Reconciliation, person: Customer) -> None:
    """Tell somebody who looks after the money that it does not add up."""
    write_to(person, BOOKS_DIFFER, {"reconciliation": found.pk, "to": person.email})


def terms_end(terms: PlanVersion, customer: Customer) -> None:
    """Tell a buyer until when what was bought can be extended."""
    write_to(customer, TERMS_END, {"version": terms.pk, "to": customer.email})


def fapiao_issued(request: FapiaoRequest) -> None:
    """Send a buyer the fapiao that was asked for."""
    write_to(request.customer, FAPIAO, {"request": request.number})


def fapiao_reversed(request: FapiaoRequest, red_number: str) -> None:
    """Tell a buyer that a fapiao was cancelled, wholly or in part."""
    write_to(request.customer, FAPIAO_RED, {"request": request.number, "red_number": red_number})
