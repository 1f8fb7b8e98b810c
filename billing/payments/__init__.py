"""Payment gateways behind one protocol. `gateway(name)` is how the shop gets the one that is set up."""

from django.conf import settings

from billing.errors import PaymentsOff
from billing.payments.gateway import Gateway
from billing.payments.sandbox import SandboxGateway


def gateway(name: str) -> Gateway:
    """Return a gateway by name.

    Raises:
        PaymentsOff: this one is not what PAYMENT_GATEWAY says.
    """
    if name == "sandbox" and settings.PAYMENT_GATEWAY == "sandbox":
        return SandboxGateway(key=settings.SANDBOX_KEY)
    raise PaymentsOff
