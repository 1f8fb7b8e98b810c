"""Chains that renew by themselves: always an extension, always from the balance, only where the customer said so.

Five days before the end it is announced, in the last day it is done, and tried until the end. Each step of one end is
taken once, and its mail goes out with it.
"""

import logging
from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import Customer
from billing import announcements, selectors
from billing.domain.pricing import MAX_MONTHS, MIN_MONTHS
from billing.errors import BadPurchase, BalanceTooSmall, NotThatGrant
from billing.models import AutoRenewal, Grant, Purchase, RenewalStep
from billing.services import quotes
from billing.services.purchases import place_purchase
from billing.services.quotes import Wanted
from kernel.errors import PlatformError

log = logging.getLogger(__name__)

AHEAD = timedelta(days=5)  # the announcement
BEFORE = timedelta(days=1)  # the renewal; what fails is tried again until the end


@transaction.atomic
def switch(*, customer: Customer, grant: int, on: bool, now: datetime, months: int = 1) -> AutoRenewal:
    """Switch the automatic renewal of a chain on or off, by any grant of it.

    Raises:
        NotThatGrant: it is not the customer's.
        BadPurchase: it has ended, was given away, or the months are none.
    """
    Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
    found = Grant.objects.select_related("purchase").filter(pk=grant, customer=customer).first()
    if found is None:
        raise NotThatGrant(grant=grant)
    if not MIN_MONTHS <= months <= MAX_MONTHS:
        raise BadPurchase(f"months must be a whole number from {MIN_MONTHS} to {MAX_MONTHS}")
    chain = selectors.chain_of(found)
    if on and _end_of(chain) is None:
        raise BadPurchase("this pack has ended: buy it anew, and let that one renew by itself")
    renewal, _ = AutoRenewal.objects.update_or_create(
        root=chain[0], defaults={"customer": customer, "months": months, "on": on, "changed_at": now}
    )
    return renewal


def renew(*, now: datetime, most: int = 200) -> int:
    """Take the steps that are due; return how many were taken. Offered often, each step is taken once."""
    taken = 0
    for pk in AutoRenewal.objects.filter(on=True).order_by("pk").values_list("pk", flat=True):
        try:
            taken += _step(pk, now)
        except Exception:  # one chain that cannot be read must not keep the others from renewing
            log.exception("automatic renewal %s", pk)
        if taken >= most:
            break
    return taken


def _step(renewal_id: int, now: datetime) -> bool:
    renewal = AutoRenewal.objects.select_related("customer", "root").get(pk=renewal_id)
    end_at = _end_of(selectors.chain_of(renewal.root))
    if end_at is None or now < end_at - AHEAD or not renewal.customer.is_active:
        return False
    if now < end_at - BEFORE:
        return _announce(renewal_id, end_at, now)
    return _renew(renewal_id, now)


@transaction.atomic
def _announce(renewal_id: int, end_at: datetime, now: datetime) -> bool:
    renewal = _locked(renewal_id)
    if not renewal.on or _taken(renewal, end_at, RenewalStep.Step.AHEAD):
        return False
    tail = selectors.chain_of(renewal.root)[-1]
    found = quotes.quote(renewal.customer, _wanted(renewal, tail), now=now)
    _take(renewal, end_at, RenewalStep.Step.AHEAD, now)
    announcements.renewal_ahead(
        renewal.customer,
        grant=tail,
        renews_at=end_at - BEFORE,
        months=renewal.months,
        amount_fen=found.price.due_fen,
    )
    return True


def _renew(renewal_id: int, now: datetime) -> bool:
    try:
        return _renew_now(renewal_id, now)
    except PlatformError as error:
        return _failed(renewal_id, error, now)


@transaction.atomic
def _renew_now(renewal_id: int, now: datetime) -> bool:
    renewal = _locked(renewal_id)
    chain = selectors.chain_of(renewal.root)
    end_at = _end_of(chain)
    if not renewal.on or end_at is None or now < end_at - BEFORE or now >= end_at:
        return False
    tail = chain[-1]
    wanted = _wanted(renewal, tail)
    due = quotes.quote(renewal.customer, wanted, now=now).price.due_fen
    if due > (has := selectors.balance_fen(renewal.customer)):
        raise BalanceTooSmall(balance_fen=has, due_fen=due)
    purchase = place_purchase(
        customer=renewal.customer,
        plan=wanted.plan,
        node=selectors.serving_node(tail.purchase.node).slug,
        months=renewal.months,
        kind=Purchase.Kind.EXTEND,
        extends=tail.pk,
        idempotency_key=f"renewal:{renewal.pk}:{int(end_at.timestamp())}",
        use_balance=True,
        now=now,
    )
    _take(renewal, end_at, RenewalStep.Step.RENEWED, now)
    announcements.renewed(purchase)
    return True


@transaction.atomic
def _failed(renewal_id: int, error: PlatformError, now: datetime) -> bool:
    renewal = _locked(renewal_id)
    end_at = _end_of(selectors.chain_of(renewal.root))
    if end_at is None or _taken(renewal, end_at, RenewalStep.Step.FAILED):
        return False
    # Said at once: there is a day left to top up, and it is tried again until the end.
    _take(renewal, end_at, RenewalStep.Step.FAILED, now, why=error.code)
    announcements.renewal_failed(selectors.chain_of(renewal.root)[-1], why=error.code)
    return True


def _wanted(renewal: AutoRenewal, tail: Grant) -> Wanted:
    plan = Purchase.objects.values_list("plan__slug", flat=True).get(pk=tail.purchase_id)
    return Wanted(plan, renewal.months, Purchase.Kind.EXTEND, tail.pk)


def _end_of(chain: list[Grant]) -> datetime | None:
    """Return up to when a chain is paid for; None where its last grant gives nothing any more."""
    ends = [one.as_value().until_at for one in chain if one.as_value().until_at > one.starts_at]
    return max(ends, default=None)


def _locked(renewal_id: int) -> AutoRenewal:
    owner = AutoRenewal.objects.values_list("customer_id", flat=True).get(pk=renewal_id)
    Customer.objects.select_for_update(no_key=True).get(pk=owner)
    return AutoRenewal.objects.select_for_update(of=("self",)).select_related("customer", "root").get(pk=renewal_id)


def _taken(renewal: AutoRenewal, end_at: datetime, step: str) -> bool:
    return RenewalStep.objects.filter(renewal=renewal, ends_at=end_at, step=step).exists()


def _take(renewal: AutoRenewal, end_at: datetime, step: str, now: datetime, *, why: str = "") -> None:
    RenewalStep.objects.create(renewal=renewal, ends_at=end_at, step=step, at=now, why=why)
