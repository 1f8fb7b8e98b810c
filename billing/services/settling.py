"""Settles purchases: what is paid once is granted once."""

from datetime import datetime, timedelta

from django.db import transaction

from billing import announcements, selectors
from billing.domain import ledger as rules
from billing.errors import AmountMismatch, NotThatGrant, UpgradeRefused
from billing.models import AutoRenewal, Grant, Purchase, Suspense, Trial
from billing.models.catalogue import TERMS
from billing.services import balances, coupons, entitlements, invitations, ledger, tokens, trials, upgrades
from billing.services.steps import lock_purchase, note
from billing.services.upgrades import Replaced


@transaction.atomic
def settle_purchase(*, purchase_id: int, paid_fen: int, now: datetime, gateway: str = "") -> Grant:
    """Turn a paid purchase into a grant. Settling twice returns the first grant.

    An expired or failed purchase settles too when the sum is right: the money was taken. `why_not` tells before whether
    it still can.

    Args:
        paid_fen: what came beside the part from the balance.

    Raises:
        AmountMismatch: another sum was paid than what is due.
        NotThatGrant, UpgradeRefused: what it should upgrade has changed.
    """
    purchase = lock_purchase(purchase_id)
    if purchase.state == Purchase.State.SETTLED:
        return purchase.grant
    if paid_fen != purchase.cash_fen:
        raise AmountMismatch(paid_fen=paid_fen, due_fen=purchase.cash_fen)
    replaced = _replaced(purchase, now) if purchase.kind == Purchase.Kind.UPGRADE else None
    before, purchase.state = purchase.state, Purchase.State.SETTLED
    purchase.settled_at = now
    purchase.paid_fen = purchase.due_fen
    purchase.gateway = gateway or purchase.gateway
    purchase.save(update_fields=["state", "settled_at", "paid_fen", "gateway"])
    note(purchase, before, now)
    balances.spend(purchase, now)
    coupons.use(purchase, now)
    if purchase.rounding_fen:
        lines = rules.rounded(purchase.rounding_fen)
        ledger.post(kind="rounding", source=purchase.public_id, lines=lines, now=now)
    grant = _append_grant(purchase, replaced, now)
    if replaced is not None:
        roots = {selectors.chain_of(one)[0].pk for one in replaced.grants}
        AutoRenewal.objects.filter(root__in=roots).update(root=grant)
    if purchase.kind == Purchase.Kind.TRIAL:
        trials.note_trial(purchase, now=now)
    entitlements.raise_rev(customer=purchase.customer, group=purchase.group, now=now)
    tokens.ensure_token(customer=purchase.customer, group=purchase.group, now=now)
    announcements.purchase_settled(purchase)
    invitations.earn(purchase, now=now)
    return grant


def why_not(purchase: Purchase, now: datetime) -> str | None:
    """Return why an order that waits, or waited, cannot settle now, as a word of Suspense.Reason; None where it can."""
    reasons = Suspense.Reason
    if purchase.kind == Purchase.Kind.UPGRADE:
        try:
            _replaced(purchase, now)
        except (NotThatGrant, UpgradeRefused):
            return reasons.CHANGED
    if purchase.kind == Purchase.Kind.TRIAL and Trial.objects.filter(customer=purchase.customer).exists():
        return reasons.CHANGED
    if not balances.can_reserve(purchase):
        return reasons.BALANCE_SPENT
    if not coupons.still_there(purchase, now):
        return reasons.COUPON_USED
    return None


def _replaced(purchase: Purchase, now: datetime) -> Replaced:
    """Return what an upgrade replaces, if that is still worth what was credited for it when it was ordered."""
    assert purchase.replaces_id is not None  # kind upgrade has one
    replaced = upgrades.replaced_by(
        purchase.plan_version,
        customer=purchase.customer,
        grant_id=purchase.replaces_id,
        with_later=purchase.with_later,
        now=now,
    )
    credit = upgrades.cost(purchase.plan_version, replaced, purchase.priced_at or purchase.placed_at).credit_fen
    if int(credit) < purchase.credit_fen:
        raise UpgradeRefused("what was paid for it has gone back in part", grant=purchase.replaces_id)
    return replaced


def _append_grant(purchase: Purchase, replaced: Replaced | None, now: datetime) -> Grant:
    extends, month_day = None, None
    if replaced is not None:
        starts_at, ends_at, month_day = now.replace(microsecond=0), replaced.ends_at, replaced.day
        for grant in reversed(replaced.grants):
            entitlements.replace_grant(grant=grant, purchase=purchase, now=now)
    elif purchase.kind == Purchase.Kind.TRIAL:
        starts_at = now.replace(microsecond=0)
        ends_at = starts_at + timedelta(days=purchase.days)
    else:
        chain = selectors.chain_of(purchase.extends)
        extends = chain[-1] if chain else None
        starts_at, ends_at = selectors.period_behind(chain, months=purchase.months, now=now)
    return Grant.objects.create(
        customer=purchase.customer,
        group=purchase.group,
        purchase=purchase,
        extends=extends,
        starts_at=starts_at,
        ends_at=ends_at,
        month_day=month_day,
        **{name: getattr(purchase, name) for name in TERMS},
    )
