"""What the control plane tells other processes: rows of the outbox, written in the transaction that causes them.

A worker delivers them within a second (nodes.services.deliver_outbox). The hook after the commit only makes that
sooner: 26 of 40 killed processes lost theirs (failure-modes 1d), so nothing ever relies on it.
"""

import logging
from datetime import datetime, timedelta
from typing import Any

from celery import current_app
from django.db import transaction

from kernel.clock import utc_now
from nodes.models import Outbox

log = logging.getLogger(__name__)


def entitlement(*, scope: dict[str, Any]) -> None:
    """Say what a customer may follow on a group from now on. `scope` is Scope.as_json()."""
    _say(Outbox.Kind.ENTITLEMENT, {"scope": scope})


def revocation(*, jti: str, customer: str, group: str, works_until_s: int, expires_at_s: int) -> None:
    """Say from when on a token no longer works."""
    payload = {"jti": jti, "customer": customer, "group": group}
    _say(Outbox.Kind.REVOCATION, {**payload, "works_until_s": works_until_s, "expires_at_s": expires_at_s})


def drain(*, node: str) -> None:
    """Say that a node's drain order was given or taken back; which of both is read when this is delivered."""
    _say(Outbox.Kind.DRAIN, {"node": node})


def feed_setting(*, lane: str) -> None:
    """Say that a lane's feed setting has changed; its value is read when this is delivered."""
    _say(Outbox.Kind.FEED_SETTING, {"lane": lane})


def calendar_override(*, lane: str, day: str) -> None:
    """Say that a trading day was changed or given back; read when this is delivered."""
    _say(Outbox.Kind.CALENDAR_OVERRIDE, {"lane": lane, "day": day})


def mail(*, to: str, subject: str, body: str) -> None:
    """Send a mail once this transaction has happened."""
    _say(Outbox.Kind.MAIL, {"to": to, "subject": subject, "body": body})


def task(*, name: str, kwargs: dict[str, Any], delay: timedelta = timedelta(0)) -> None:
    """Run a Celery task once this transaction has happened, after `delay`."""
    _say(Outbox.Kind.TASK, {"name": name, "kwargs": kwargs}, delay=delay)


def _say(kind: Outbox.Kind, payload: dict[str, Any], *, delay: timedelta = timedelta(0)) -> None:
    now: datetime = utc_now()
    Outbox.objects.create(kind=kind, payload=payload, created_at=now, due_at=now + delay)
    if not delay:
        transaction.on_commit(_hurry, robust=True)  # once a row; the second finds nothing left to do


def _hurry() -> None:
    try:
        current_app.send_task("nodes.deliver_outbox", expires=2, retry=False)
    except Exception as error:
        # Beat offers the same task each second, so a broker that is away costs a second and no message.
        log.warning("the broker is away, the outbox waits for beat: %s", type(error).__name__)
