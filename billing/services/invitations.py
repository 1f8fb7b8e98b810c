"""Invitations: who came by whose code, and the commission that the inviter earns by what they pay."""

import secrets
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest

from accounts.models import Customer
from accounts.selectors import verified_phone
from billing.domain import ledger as rules
from billing.domain.asking import DIGITS
from billing.errors import InviteRefused
from billing.models import Commission, Invitation, InviteCode, Purchase
from billing.services import ledger, upgrades
from kernel.clock import utc_now

COOKIE, COOKIE_S = "tickpack_invite", 30 * 24 * 3600  # by whose invitation a visitor has come, until they sign up
COUNTS = timedelta(days=365)  # for so long what an invited customer pays earns something


def code_of(customer: Customer) -> str:
    """Return what a customer gives to others; made when it is asked for the first time."""
    made, _ = InviteCode.objects.get_or_create(
        customer=customer, defaults={"code": "".join(secrets.choice(DIGITS) for _ in range(10))}
    )
    return made.code


@transaction.atomic
def accept(*, customer: Customer, code: str, now: datetime) -> Invitation:
    """Note by whose code a customer has come; before anything was bought. The same one again is the same.

    Raises:
        InviteRefused: nobody's code, one's own (also by the same phone number), after a purchase, or another was noted.
    """
    Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
    found = InviteCode.objects.select_related("customer").filter(code=code.strip().upper()[:16]).first()
    if found is None or not found.customer.is_active:
        raise InviteRefused(f"nobody has the code {code.strip()[:16]!r}", reason="unknown")
    inviter = found.customer
    if inviter == customer or verified_phone(customer) == (verified_phone(inviter) or None):
        raise InviteRefused("this is your own code", reason="own")
    earlier = Invitation.objects.filter(invitee=customer).first()
    if earlier is not None:
        if earlier.inviter_id == inviter.pk:
            return earlier
        raise InviteRefused("you came by another code", reason="invited")
    if Purchase.objects.filter(customer=customer, state=Purchase.State.SETTLED).exists():
        raise InviteRefused("an invitation counts before the first purchase", reason="too_late")
    if Invitation.objects.filter(invitee=inviter, inviter=customer).exists():
        raise InviteRefused("you have invited each other: that earns nobody anything", reason="own")
    return Invitation.objects.create(inviter=inviter, invitee=customer, at=now)


def note_sign_up(request: HttpRequest, user: Customer, **_: Any) -> None:
    """Note by whose code somebody came who has just signed up (allauth's signal); a code that is none is forgotten."""
    code = request.get_signed_cookie(COOKIE, "", max_age=COOKIE_S)
    if code and settings.INVITE_PERCENT:
        with suppress(InviteRefused):
            accept(customer=user, code=str(code), now=utc_now())


def earn(purchase: Purchase, *, now: datetime) -> Commission | None:
    """Hold the inviter's part of what was paid for a purchase. The caller has just settled it.

    The part that was paid from a balance counts too, except what commissions brought into it cannot be told apart:
    an inviter's own commissions earn nobody else anything, as inviters are not each other's.
    """
    percent = settings.INVITE_PERCENT
    invitation = Invitation.objects.select_related("inviter").filter(invitee=purchase.customer).first()
    if not percent or invitation is None or now >= invitation.at + COUNTS or not invitation.inviter.is_active:
        return None
    amount = purchase.due_fen * percent // 100
    if amount <= 0:
        return None
    ledger.post(kind="commission", source=purchase.public_id, lines=rules.commission_earned(amount), now=now)
    return Commission.objects.create(
        inviter=invitation.inviter,
        purchase=purchase,
        percent=percent,
        amount_fen=amount,
        earned_at=now,
        due_at=now + timedelta(days=settings.REFUND_WINDOW_DAYS),
    )


def pay_commissions(*, now: datetime, most: int = 200) -> int:
    """Put into balances what was held for long enough, of what has stayed paid; return how many were ended."""
    due = Commission.objects.filter(state=Commission.State.HELD, due_at__lte=now).order_by("due_at")
    return sum(_pay(one, now) for one in list(due.values_list("pk", flat=True)[:most]))


@transaction.atomic
def _pay(commission_id: int, now: datetime) -> bool:
    commission = (
        Commission.objects.select_for_update(of=("self",)).select_related("inviter", "purchase").get(pk=commission_id)
    )
    if commission.state != Commission.State.HELD:
        return False
    stays = upgrades.net_cash_fen(commission.purchase) * commission.percent // 100
    paid = min(commission.amount_fen, stays) if commission.inviter.is_active else 0
    commission.state = Commission.State.PAID if paid else Commission.State.VOID
    commission.paid_fen, commission.ended_at = paid, now
    commission.save(update_fields=["state", "paid_fen", "ended_at"])
    lines = rules.commission_ended(commission.inviter.public_id, paid_fen=paid, void_fen=commission.amount_fen - paid)
    ledger.post(kind="commission_ended", source=commission.purchase.public_id, lines=lines, now=now)
    return True
