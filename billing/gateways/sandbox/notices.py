"""The sandbox's notices, posted to the shop by a worker as a real gateway's come from elsewhere."""

from datetime import datetime, timedelta
from typing import Any

from outbox.kinds import Payload
from outbox.services.sending import say
from outbox.transports.task import Task

KIND = "sandbox_notice"
POST_NOTIFY = "billing.post_sandbox_notify"


def post_later(*, message: dict[str, Any], forged: bool, delay: timedelta) -> None:
    """Have a notice posted once this transaction has happened.

    Args:
        message: what SandboxGateway.sign_notice signs.
        forged: it is signed with another key.
    """
    say(KIND, {"message": message, "forged": forged}, delay=delay)


def prepare(payload: Payload, now: datetime) -> Task:
    """Return the task that posts a notice."""
    return Task(POST_NOTIFY, {"message": payload["message"], "forged": payload["forged"]})
