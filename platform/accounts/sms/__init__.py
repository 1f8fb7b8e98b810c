"""Messages to phones behind one protocol, a module for each provider; SMS_PROVIDER says which one a shop has.

What may happen here: a provider's addresses, signatures and words. What may not: deciding who is written to, how often
and for how much; that is accounts.services, which counts each message before it is sent.

A module has two functions: `missing() -> list[str]`, a sentence for each setting that lacks, and `create() -> Sms`,
which is called where none lacks.
"""

from functools import cache
from importlib import import_module
from typing import Any

from django.conf import settings

from accounts.domain.phones import Purpose
from accounts.sms.protocol import Sms

PROVIDERS = ("console", "aliyun", "tencent")


def is_on() -> bool:
    """Tell whether this shop writes to phones; where it does not, nothing about phones is shown."""
    return settings.SMS_PROVIDER in PROVIDERS and not missing()


def provider() -> Sms:
    """Return the provider that is set up; asked only where `is_on`."""
    made: Sms = _module(settings.SMS_PROVIDER).create()
    return made


def missing() -> list[str]:
    """Return a sentence for each setting without which the provider that is named cannot be used."""
    if settings.SMS_PROVIDER not in PROVIDERS:
        return []
    found: list[str] = _module(settings.SMS_PROVIDER).missing()
    if settings.SMS_PRICE_FEN <= 0:
        found.append(f"SMS_PRICE_FEN={settings.SMS_PRICE_FEN} is no price of a message; write what one costs, in fen")
    if settings.SMS_DAILY_CAP_FEN < settings.SMS_PRICE_FEN:
        found.append(
            f"SMS_DAILY_CAP_FEN={settings.SMS_DAILY_CAP_FEN} lets no message out; "
            "write what may be spent in a day, in fen, or SMS_PROVIDER=none"
        )
    return found


def template(purpose: Purpose) -> str:
    """Return the id under which the provider has reviewed the text for a purpose."""
    return str({Purpose.LOGIN: settings.SMS_TEMPLATE_LOGIN, Purpose.PHONE: settings.SMS_TEMPLATE_PHONE}[purpose])


@cache
def _module(name: str) -> Any:
    return import_module(f"accounts.sms.{name}")
