"""Reminds customers that packs end: a week before, the day before, on the day, and once some days after.

Each is said once by (chain, its end, step), whoever runs this and however often: a row says so, and the database keeps
it single. A step whose time has passed while nothing ran is left out; late, it would be wrong.
"""

from collections.abc import Iterator
from datetime import datetime, time, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F, Q

from billing import announcements, selectors
from billing.domain.months import SHANGHAI
from billing.models import AutoRenewal, EndNotice, Grant, Purchase
from billing.services.letters import rights

MORNING = time(9)  # in Shanghai: nobody is woken
BACK_AFTER, BACK_UNTIL = timedelta(days=3), timedelta(days=10)
# An end that moved by less (an outage's hours, a day that was given) is the same end: nobody is told twice.
SAME_END = timedelta(days=3)
_STEPS = EndNotice.Step


def remind(*, now: datetime) -> int:
    """Say every reminder whose time has come; return how many were said."""
    return sum(_say(tail, step, now) for step in _STEPS.values for tail in list(_due(step, now)))


def window(step: str, ends_at: datetime) -> tuple[datetime, datetime]:
    """Return from when until when a step of a chain's end can be said."""
    # A pack that ends at midnight has had its last day before it.
    last = (ends_at - timedelta(seconds=1)).astimezone(SHANGHAI).date()
    begins = datetime.combine(last, time(), SHANGHAI)
    if step == _STEPS.WEEK:
        return datetime.combine(last - timedelta(days=7), MORNING, SHANGHAI), begins - timedelta(days=1)
    if step == _STEPS.DAY:
        return datetime.combine(last - timedelta(days=1), MORNING, SHANGHAI), begins
    if step == _STEPS.TODAY:
        return min(datetime.combine(last, MORNING, SHANGHAI), max(begins, ends_at - timedelta(hours=2))), ends_at
    return datetime.combine((ends_at + BACK_AFTER).astimezone(SHANGHAI).date(), MORNING, SHANGHAI), ends_at + BACK_UNTIL


def _due(step: str, now: datetime) -> Iterator[Grant]:
    """Yield the last grants of chains for which a step can be said now and was not."""
    after = step == _STEPS.WAY_BACK
    span = (now - BACK_UNTIL, now - BACK_AFTER + timedelta(days=1)) if after else (now, now + timedelta(days=9))
    never_began = Q(extended_by__closure__closed_at__lte=F("extended_by__starts_at"))
    rows = Grant.objects.filter(ends_at__gt=span[0], ends_at__lt=span[1], closure__isnull=True)
    rows = rows.filter(Q(extended_by__isnull=True) | never_began, customer__is_active=True).exclude(
        end_notices__step=step
    )
    for tail in rows.select_related("customer", "group", "purchase").order_by("pk"):
        start, end = window(step, tail.ends_at)
        if start <= now < end and _is_told(tail, step, start, now):
            yield tail


def _is_told(tail: Grant, step: str, start: datetime, now: datetime) -> bool:
    """Tell whether a chain's owner should be told: it really ends then, and something changes."""
    if not rights.still_ends(tail, tail.ends_at):
        return False
    chain = selectors.chain_of(tail)
    # Of one that renews by itself the renewal writes: before, on the day, and why it failed.
    if step != _STEPS.WAY_BACK and AutoRenewal.objects.filter(root=chain[0], on=True).exists():
        return False
    if tail.purchase.kind == Purchase.Kind.TRIAL and step != _STEPS.DAY:
        return False
    said = EndNotice.objects.filter(grant__in=chain, step=step, ends_at__gt=tail.ends_at - SAME_END)
    if said.exists():
        return False
    if step == _STEPS.WAY_BACK:
        return rights.was_paid(tail) and not selectors.has_something(tail.customer, now)
    # Whoever has just bought a short time knows when it ends.
    if Purchase.objects.filter(grant__in=chain, paid_fen__gt=0, settled_at__gt=start).exists():
        return False
    before, after = rights.change_at(tail, tail.ends_at)
    return after.max_subs < before.max_subs


def _say(tail: Grant, step: str, now: datetime) -> bool:
    try:
        with transaction.atomic():
            EndNotice.objects.create(grant=tail, ends_at=tail.ends_at, step=step, at=now)
            if tail.purchase.kind == Purchase.Kind.TRIAL:
                announcements.trial_ends(tail)
            elif step == _STEPS.WAY_BACK:
                announcements.way_back(tail, ends_at=tail.ends_at)
            else:
                announcements.pack_ends(tail, ends_at=tail.ends_at, step=step)
    except IntegrityError:  # another worker has said it meanwhile
        return False
    return True
