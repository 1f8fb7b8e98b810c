"""What the sandbox signs it reads again, and nothing else."""

import pytest

from billing.errors import BadNotice
from billing.gateways.protocol import Device, Method, RefundOrder, RefundStatus
from billing.gateways.sandbox.gateway import SandboxGateway, missing
from tests.billing.gateways.orders import an_order
from tests.factories import NOW


@pytest.fixture
def sandbox():
    return SandboxGateway(key="key")


def test_an_order_travels_signed_through_the_buyers_browser(sandbox):
    order = an_order()
    signed = sandbox.start(order, Method.PAGE, NOW).url.rsplit("/", 1)[1]

    assert sandbox.read_order(signed) == order
    with pytest.raises(BadNotice):
        sandbox.read_order(signed[:-2] + "AA")
    with pytest.raises(BadNotice):
        SandboxGateway(key="another key").read_order(signed)


def test_a_sandbox_without_a_key_is_none():
    with pytest.raises(ValueError, match="SANDBOX_KEY"):
        SandboxGateway(key="")


def test_it_is_offered_everywhere_and_pays_back_at_once(sandbox):
    refund = RefundOrder("R1", "P1", "t-1", 500, 1000, "CNY", "wish", "https://shop.example/notify")

    assert [sandbox.methods(device) for device in Device] == [(Method.PAGE,)] * 3
    assert sandbox.refund(refund, NOW).status == RefundStatus.DONE
    assert sandbox.query("P1", NOW) == () == sandbox.close("P1", NOW)
    assert sandbox.bill(NOW.date(), NOW) is None


def test_it_lacks_where_money_is_real(settings):
    settings.EMBEDDED = settings.DEBUG = False
    assert "everybody can pay with it" in missing()[0]

    settings.DEBUG, settings.SANDBOX_KEY = True, ""
    assert "SANDBOX_KEY" in missing()[0]

    settings.SANDBOX_KEY = "key"
    assert missing() == []
