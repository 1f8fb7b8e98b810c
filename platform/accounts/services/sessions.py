"""Browsers that somebody is logged in with: noted once in five minutes, shown, ended one by one or together.

A row stands beside Django's session and says whose it is, so that nobody reads every session to find a person's.
"""

import hashlib
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import transaction
from django.http import HttpRequest

from accounts.models import BrowserSession, Customer

SEEN_EVERY = timedelta(minutes=5)
MOST = 50  # of a person: with more, those that were not seen for longest are logged out
_AGENT = 300


def note_seen(request: HttpRequest, *, now: datetime) -> bool:
    """Note that somebody's browser was here; return whether it was written. Twice in five minutes is once."""
    key, person = request.session.session_key, request.user
    # A program's API key may be another person's than the session that a browser sends beside it.
    if not key or not isinstance(person, Customer) or request.session.get(SESSION_KEY) != str(person.pk):
        return False
    digest = hashlib.sha256(f"{key}:{person.pk}".encode()).hexdigest()[:32]
    if not cache.add(f"session-seen:{digest}", 1, int(SEEN_EVERY.total_seconds())):
        return False
    seen = {
        "customer": person,
        "address": request.META.get("REMOTE_ADDR") or None,
        "agent": request.headers.get("User-Agent", "")[:_AGENT],
        "seen_at": now,
    }
    BrowserSession.objects.update_or_create(session_key=key, defaults=seen, create_defaults={**seen, "began_at": now})
    _end_the_oldest(person)
    return True


def sessions_of(customer: Customer, *, now: datetime) -> list[BrowserSession]:
    """Return the browsers that are logged in, the one that was seen last first."""
    rows = list(BrowserSession.objects.filter(customer=customer).order_by("-seen_at", "-pk")[:MOST])
    alive = set(
        Session.objects.filter(session_key__in=[one.session_key for one in rows], expire_date__gt=now).values_list(
            "session_key", flat=True
        )
    )
    return [one for one in rows if one.session_key in alive]


@transaction.atomic
def end_session(*, customer: Customer, pk: int) -> bool:
    """Log one browser of a person out; return whether there was such a one."""
    row = BrowserSession.objects.filter(customer=customer, pk=pk).first()
    if row is None:
        return False
    Session.objects.filter(session_key=row.session_key).delete()
    row.delete()
    return True


@transaction.atomic
def end_sessions(*, customer: Customer, but: str | None = None) -> int:
    """Log a person's browsers out, all but the one with this session key; return how many rows there were."""
    rows = BrowserSession.objects.filter(customer=customer)
    if but is not None:
        rows = rows.exclude(session_key=but)
    Session.objects.filter(session_key__in=list(rows.values_list("session_key", flat=True))).delete()
    return int(rows.delete()[0])


@transaction.atomic
def forget_ended(*, now: datetime) -> int:
    """Remove the rows of browsers that were not seen for as long as a session lasts; return how many."""
    over = now - timedelta(seconds=settings.SESSION_COOKIE_AGE)
    return int(BrowserSession.objects.filter(seen_at__lt=over).delete()[0])


def _end_the_oldest(person: Customer) -> None:
    beyond = BrowserSession.objects.filter(customer=person).order_by("-seen_at", "-pk")[MOST : MOST + 10]
    for row in beyond:
        end_session(customer=person, pk=row.pk)
