"""Payment gateways behind one protocol, a package each; which of them a shop has is the setting PAYMENT_GATEWAYS.

What may happen here: a provider's addresses, forms, signatures and words, and pages that play a provider. What may not:
looking at purchases or deciding what a payment means; gateways are handed an order and return what has happened.

A package has two functions: `missing() -> list[str]`, a sentence for each setting that lacks, and
`create() -> Gateway`, which is called where none lacks.
"""

from functools import cache
from importlib import import_module
from typing import Any

from django.conf import settings

from billing.errors import PaymentsOff
from billing.gateways.protocol import Gateway


def names() -> tuple[str, ...]:
    """Return the gateways that are set up, in the order in which buyers see them."""
    return tuple(settings.PAYMENT_GATEWAYS)


def gateway(name: str) -> Gateway:
    """Return a gateway by name.

    Raises:
        PaymentsOff: PAYMENT_GATEWAYS does not name it, or it is the sandbox where real money is meant.
    """
    if name not in settings.PAYMENT_GATEWAYS or missing(name):
        raise PaymentsOff(gateway=name[:20])
    made: Gateway = _package(name).create()
    return made


def missing(name: str) -> list[str]:
    """Return a sentence for each setting without which a gateway cannot be used."""
    found: list[str] = _package(name).missing()
    return found


@cache
def _package(name: str) -> Any:
    return import_module(f"billing.gateways.{name}")
