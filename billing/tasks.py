"""Celery's entrances to the shop. Keywords only and unknown ones tolerated: old and new workers overlap in a deploy."""

from typing import Any

import httpx
from celery import Task, shared_task
from django.conf import settings

from billing.gateways.sandbox import notices
from billing.gateways.sandbox.gateway import SandboxGateway
from billing.services import purchases
from kernel.clock import utc_now


@shared_task(name="billing.expire_purchases")
def expire_purchases(**_: Any) -> int:
    """Give up purchases that nobody has paid in time; beat offers this each minute."""
    return purchases.expire_purchases(now=utc_now())


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
