"""Writes messages into the log instead of sending them, for a developer's machine."""

import logging
from collections.abc import Mapping

from django.conf import settings

from accounts.domain.phones import masked
from accounts.sms.protocol import Sent

log = logging.getLogger(__name__)


def missing() -> list[str]:
    """Refuse it wherever somebody means it: a code in a log lets in whoever reads the log."""
    if settings.DEBUG or settings.EMBEDDED:
        return []
    return ["SMS_PROVIDER names console, which writes codes into the log and sends nothing; it is for development"]


def create() -> "Console":
    return Console()


class Console:
    name = "console"

    def send(self, number: str, template: str, params: Mapping[str, str]) -> Sent:
        said = ", ".join(f"{name} {value}" for name, value in params.items())
        log.warning("a message to %s that nobody sends: %s", masked(number), said)
        return Sent("console")
