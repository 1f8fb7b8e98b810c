"""What is not whole, not signed or not sure is not known; only a signed no is one. Nothing shows a key."""

import pytest

from billing.errors import GatewayRefused, GatewayUnavailable
from billing.gateways.alipay.client import AlipayClient
from tests.emulators.serving import Fault
from tests.factories import NOW

QUERY = "alipay.trade.query"


def ask(client, order_no="P1", now=NOW):
    return client.call(QUERY, {"out_trade_no": order_no}, now)


def test_a_no_is_told_with_alipays_code(client):
    with pytest.raises(GatewayRefused) as caught:
        ask(client)
    assert caught.value.fields == {"provider": "alipay", "provider_code": "ACQ.TRADE_NOT_EXIST"}


@pytest.mark.parametrize(
    "fault",
    [
        "502",
        "lost",
        "half",
        "20000",
        "ACQ.SYSTEM_ERROR",
        "AQC.SYSTEM_ERROR",
        "unsigned_error",
        "unsigned_success",
        "twice",
        "forged",
    ],
)
def test_what_is_not_known(client, alipay, fault, order):
    alipay.faults = [Fault(QUERY, fault)]

    with pytest.raises(GatewayUnavailable) as caught:
        ask(client, order)

    assert caught.value.fields == {"provider": "alipay"}
    assert ask(client, order)["trade_status"] == "TRADE_SUCCESS"  # the fault is over


@pytest.fixture
def order(gateway, alipay):
    from billing.gateways.protocol import Method
    from tests.billing.gateways.orders import an_order

    alipay.scan(gateway.start(an_order(), Method.QR, NOW).text)
    return an_order().order_no


def test_a_wrong_key_of_ours_is_refused_although_that_is_not_signed(alipay, client, caplog):
    alipay.merchant_key = alipay.stranger

    with pytest.raises(GatewayRefused) as caught:
        ask(client)
    assert caught.value.fields["provider_code"] == "isv.invalid-signature"
    assert "Alipay refuses alipay.trade.query: isv.invalid-signature" in caplog.text


def test_the_time_is_shanghais_on_whatever_clock(client, monkeypatch):
    import time

    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        with pytest.raises(GatewayRefused, match="TRADE_NOT_EXIST"):
            ask(client)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_with_certificates_their_numbers_go_along(alipay, client):
    from billing.gateways.alipay.signing import Keys

    alipay.certificate_sn, alipay.app_cert_sn, alipay.root_cert_sn = "sn-alipay", "sn-ours", "sn-root"
    certified = AlipayClient(
        url=client.url, app_id=client.app_id, key=client.key, keys=Keys({"sn-alipay": client.keys.by_sn[""]}),
        certificate_sn="sn-ours", root_sn="sn-root",
    )  # fmt: skip
    with pytest.raises(GatewayRefused, match="TRADE_NOT_EXIST"):
        ask(certified)

    alipay.certificate_sn = "sn-new"
    with pytest.raises(GatewayUnavailable, match="not believed"):
        ask(certified)


def test_nothing_shows_the_key(client, alipay, caplog):
    alipay.faults = [Fault(QUERY, "forged")]
    with pytest.raises(GatewayUnavailable) as caught:
        ask(client)

    said = f"{client!r} {caught.value!r} {caught.value.as_json()} {caplog.text}"
    assert alipay.merchant_private_key[:40] not in said
    assert "RSAPrivateKey" not in repr(client)
