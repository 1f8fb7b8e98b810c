"""Trials: once a customer and once a phone number; free for a verified number, for a small price without one."""

import hashlib
import hmac
from datetime import datetime

from django.conf import settings

from accounts.models import Customer
from accounts.selectors import verified_phone
from billing.errors import TrialRefused
from billing.models import FormerTrial, Plan, Purchase, Trial, TrialOffer


def days_of(plan: Plan) -> int | None:
    """Return how long a plan can be tried; None where it cannot."""
    return TrialOffer.objects.filter(plan=plan, active=True).values_list("days", flat=True).first()


def offer_for(customer: Customer, plan: Plan) -> tuple[TrialOffer, int]:
    """Return the offer to try a plan, and what it costs a customer, in fen: nothing with a verified phone.

    Raises:
        TrialRefused: there is none, or this customer or this phone number has had one.
    """
    offer = TrialOffer.objects.filter(plan=plan, active=True, plan__on_sale=True).first()
    if offer is None:
        raise TrialRefused(f"there is no trial of {plan.slug}", reason="none")
    waiting = Purchase.objects.filter(customer=customer, kind=Purchase.Kind.TRIAL, state=Purchase.State.PENDING)
    if Trial.objects.filter(customer=customer).exists() or waiting.exists():
        raise TrialRefused("you have had a trial, or have ordered one", reason="had_one")
    # Somebody who deleted their account and signs up anew has had theirs.
    if FormerTrial.objects.filter(digest=digest(customer.email.lower())).exists():
        raise TrialRefused("you have had a trial with an account that was deleted", reason="had_one")
    phone = verified_phone(customer)
    if not phone:
        return offer, offer.price_fen
    if FormerTrial.objects.filter(digest=digest(phone)).exists():
        raise TrialRefused("this phone number has had a trial", reason="phone_had_one")
    if Trial.objects.filter(phone_digest=digest(phone)).exists():
        raise TrialRefused("this phone number has had a trial", reason="phone_had_one")
    return offer, 0


def note_trial(purchase: Purchase, *, now: datetime) -> Trial:
    """Keep who has had a trial, with the digest of the phone number that it was free for."""
    phone = verified_phone(purchase.customer) if purchase.due_fen == 0 else ""
    return Trial.objects.create(
        customer=purchase.customer, purchase=purchase, phone_digest=digest(phone) if phone else None, at=now
    )


def digest(phone: str) -> str:
    """Return what is kept of a phone number, or of an address: nobody reads it back, and the same is the same again."""
    return hmac.new(settings.SECRET_KEY.encode(), f"trial:{phone}".encode(), hashlib.sha256).hexdigest()
