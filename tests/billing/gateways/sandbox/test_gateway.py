"""What the sandbox signs it reads again, and nothing else."""

import pytest

from billing.errors import BadNotice
from billing.gateways.protocol import Order
from billing.gateways.sandbox.gateway import SandboxGateway


@pytest.fixture
def sandbox():
    return SandboxGateway(key="key")


def test_an_order_travels_signed_through_the_buyers_browser(sandbox):
    order = Order("order", 1000, "CNY", "Pack 5", "/purchases/order/")
    signed = sandbox.pay_url(order).rsplit("/", 1)[1]

    assert sandbox.read_order(signed) == order
    with pytest.raises(BadNotice):
        sandbox.read_order(signed[:-2] + "AA")
    with pytest.raises(BadNotice):
        SandboxGateway(key="another key").read_order(signed)


def test_a_sandbox_without_a_key_is_none():
    with pytest.raises(ValueError, match="SANDBOX_KEY"):
        SandboxGateway(key="")
