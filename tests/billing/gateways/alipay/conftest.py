"""A merchant of the emulator's, at NOW."""

import pytest

from billing.gateways import rsa
from billing.gateways.alipay.client import AlipayClient
from billing.gateways.alipay.gateway import AlipayGateway
from billing.gateways.alipay.signing import Keys
from tests.emulators.alipay import AlipayEmulator
from tests.factories import NOW


@pytest.fixture
def alipay():
    with AlipayEmulator(clock=NOW.timestamp) as running:
        yield running


@pytest.fixture
def client(alipay):
    return AlipayClient(
        url=alipay.gateway,
        app_id=alipay.app_id,
        key=rsa.private_key(alipay.merchant_private_key),
        keys=Keys({"": rsa.public_key(alipay.public_key)}),
    )


@pytest.fixture
def gateway(client, alipay):
    return AlipayGateway(client, seller_id=alipay.seller_id)
