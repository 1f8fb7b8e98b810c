"""Celery's entrances to the shop. Keywords only and unknown ones tolerated: old and new workers overlap in a deploy."""

import logging
import threading
from typing import Any

import httpx
from celery import Task, shared_task
from django.conf import settings

from billing.errors import GatewayRefused, GatewayUnavailable
from billing.gateways.sandbox import notices
from billing.gateways.sandbox.gateway import SandboxGateway
from billing.gateways.wechat import setup as wechat
from billing.services import asking, books, invitations, prepayments, purchases, reminders, renewals
from kernel.clock import utc_now

log = logging.getLogger(__name__)
_asking = threading.Lock()


@shared_task(name="billing.expire_purchases")
def expire_purchases(**_: Any) -> int:
    """Give up purchases that nobody has paid in time; beat offers this each minute."""
    now = utc_now()
    return purchases.expire_purchases(now=now) + prepayments.expire_prepayments(now=now)


@shared_task(name="billing.pay_commissions")
def pay_commissions(**_: Any) -> int:
    """Put commissions into balances that were held for long enough; beat offers this each ten minutes."""
    return invitations.pay_commissions(now=utc_now())


@shared_task(name="billing.renew")
def renew(**_: Any) -> int:
    """Announce and make the renewals that are due; beat offers this each five minutes."""
    return renewals.renew(now=utc_now())


@shared_task(name="billing.ask_gateways")
def ask_gateways(**_: Any) -> int:
    """Ask what became of attempts and refunds that are due; beat offers this each five seconds."""
    # One thread of a worker at most: gateways that hang would else take them all from what has to be delivered.
    if not _asking.acquire(blocking=False):
        return 0
    try:
        now = utc_now()
        return asking.ask_attempts(now=now) + asking.send_refunds(now=now)
    finally:
        _asking.release()


@shared_task(name="billing.remind")
def remind(**_: Any) -> int:
    """Remind customers that packs end; beat offers this each ten minutes."""
    return reminders.remind(now=utc_now())


@shared_task(name="billing.look_over_books")
def look_over_books(**_: Any) -> int:
    """Reconcile once a day, with yesterday's bills when there are; beat offers this each ten minutes."""
    return books.look_nightly(now=utc_now())


@shared_task(name="billing.refresh_certificates")
def refresh_certificates(**_: Any) -> int:
    """Fetch WeChat's platform certificates once an hour; beat offers this each minute, for a store that lost them."""
    try:
        return wechat.refresh_certificates(utc_now())
    except (GatewayUnavailable, GatewayRefused) as error:
        log.warning("WeChat's platform certificates were not fetched: %s %s", error.message, error.fields)
        return 0


@shared_task(name=notices.POST_NOTIFY, bind=True, max_retries=8)
def post_sandbox_notify(self: Task, *, message: dict[str, Any], forged: bool = False, **_: Any) -> int:
    """Post the sandbox's notice to the shop over HTTP, again and again until it is taken, as real gateways do.

    Args:
        message: what SandboxGateway.sign_notice signs; it is signed anew at each try.
        forged: sign it with another key.
    """
    key = "not-the-gateway's-key" if forged else settings.SANDBOX_KEY
    headers, body = SandboxGateway(key=key).sign_notice(message, utc_now())
    url = f"{settings.PANEL_URL}/payments/sandbox/notify"
    try:
        answer = httpx.post(url, content=body, headers=headers, timeout=10, trust_env=False)
    except httpx.TransportError as error:
        raise self.retry(exc=error, countdown=2**self.request.retries) from None
    if answer.status_code >= 500:
        raise self.retry(countdown=2**self.request.retries)
    return answer.status_code
