"""Between the shop and its gateways: takes notices in, and answers them in each provider's own words."""

import logging
from collections.abc import Mapping
from datetime import datetime

from billing.gateways import gateway
from billing.gateways.protocol import Answer
from billing.models import PaymentFact
from billing.services.facts import record
from kernel.errors import PlatformError

log = logging.getLogger(__name__)


def take_notice(*, provider: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Answer:
    """Verify a notice, store what it says, and return the provider's exact answer.

    Raises:
        PaymentsOff: this gateway is not set up here.
    """
    at = gateway(provider)
    try:
        accept_notice(provider=provider, headers=headers, body=body, now=now)
    except PlatformError as error:
        log.warning("%s notice refused: %s", provider, error.message)
        return at.answer(error)
    return at.answer(None)


def accept_notice(*, provider: str, headers: Mapping[str, str], body: bytes, now: datetime) -> list[PaymentFact]:
    """Verify a gateway's notice and store what it says, once, however often and however parallel it comes.

    Raises:
        BadNotice: it is forged, stale or unreadable; nothing is stored.
        PaymentsOff: this gateway is not set up here.
    """
    told = gateway(provider).read_notice(headers=headers, body=body, now=now)
    return [record(fact, source=PaymentFact.Source.NOTICE, now=now) for fact in told]
