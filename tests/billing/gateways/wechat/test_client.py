"""What is not whole, not signed or not sure is not known; a no is told with WeChat's code. Nothing shows a key."""

import pytest

from billing.errors import GatewayRefused, GatewayUnavailable
from billing.gateways import rsa
from billing.gateways.protocol import Method
from tests.billing.gateways.orders import an_order
from tests.billing.gateways.wechat.conftest import a_client
from tests.emulators.serving import Fault
from tests.factories import NOW


def ask(client, order_no="P12345"):
    return client.call("GET", f"/v3/pay/transactions/out-trade-no/{order_no}?mchid={client.mch_id}", NOW)


@pytest.fixture
def order(gateway):
    gateway.start(an_order(), Method.QR, NOW)
    return an_order().order_no


def test_a_no_is_told_with_wechats_code(client):
    with pytest.raises(GatewayRefused) as caught:
        ask(client)
    assert caught.value.fields == {"provider": "wechat", "provider_code": "ORDER_NOT_EXIST"}


@pytest.mark.parametrize(
    "fault",
    [
        "502",
        "lost",
        "half",
        "SYSTEM_ERROR",
        "BANK_ERROR",
        "FREQUENCY_LIMITED",
        "unsigned",
        "forged",
        "signtest",
        "stale",
        "doubled_key",
    ],
)
def test_what_is_not_known(client, wechat, fault, order):
    wechat.faults = [Fault("query", fault)]

    with pytest.raises(GatewayUnavailable) as caught:
        ask(client, order)

    assert caught.value.fields == {"provider": "wechat"}
    assert ask(client, order)["trade_state"] == "NOTPAY"  # the fault is over


def test_a_wrong_key_of_ours_is_refused(wechat, client, caplog):
    wechat.merchant_key = wechat.stranger

    with pytest.raises(GatewayRefused) as caught:
        ask(client)
    assert caught.value.fields["provider_code"] == "SIGN_ERROR"
    assert "WeChat refuses /v3/pay/transactions/out-trade-no/P12345: SIGN_ERROR" in caplog.text


def test_answers_are_signed_with_either_kind_of_key_while_a_merchant_changes_over(wechat, order):
    wechat.add_certificate()
    wechat.signs_with = "mixed"
    both = a_client(wechat, {wechat.public_key_id: rsa.public_key(wechat.public_key)})
    assert both.refresh(NOW) == 1

    for _ in range(20):
        assert ask(both, order)["trade_state"] == "NOTPAY"
    assert len({wechat._signer()[0] for _ in range(50)}) == 2


def test_nothing_shows_the_keys(client, wechat, order, caplog):
    wechat.faults = [Fault("query", "forged")]
    with pytest.raises(GatewayUnavailable) as caught:
        ask(client, order)

    said = f"{client!r} {caught.value!r} {caught.value.as_json()} {caplog.text}"
    assert wechat.api_key not in said
    assert "RSAPrivateKey" not in said
