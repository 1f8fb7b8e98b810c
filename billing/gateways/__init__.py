"""Payment gateways behind one protocol, a package each; `gateway(name)` is how the shop gets the one that is set up.

What may happen here: a provider's addresses, forms, signatures and words, and pages that play a provider. What may not:
looking at purchases or deciding what a payment means; gateways are handed an order and return what a notice says.
"""

from billing.errors import PaymentsOff
from billing.gateways.protocol import Gateway
from billing.gateways.sandbox.gateway import SandboxGateway, sandbox


def gateway(name: str) -> Gateway:
    """Return a gateway by name.

    Raises:
        PaymentsOff: this one is not what PAYMENT_GATEWAY says, or it is the sandbox where real money is meant.
    """
    if name == SandboxGateway.name:
        return sandbox()
    raise PaymentsOff
