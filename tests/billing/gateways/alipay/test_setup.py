"""Each setting that lacks is a sentence, and none shows what is secret."""

import pytest

from billing.gateways.alipay import setup
from billing.gateways.alipay.certificates import certificate_sn, root_sn
from tests.billing.gateways.alipay.test_certificates import a_certificate, pem
from tests.emulators.alipay import AlipayEmulator


@pytest.fixture
def complete(settings):
    alipay = AlipayEmulator()
    settings.ALIPAY_APP_ID, settings.ALIPAY_SELLER_ID = alipay.app_id, alipay.seller_id
    settings.ALIPAY_PRIVATE_KEY, settings.ALIPAY_PUBLIC_KEY = alipay.merchant_private_key, alipay.public_key
    return settings


def test_nothing_lacks_and_the_gateway_is_made(complete):
    assert setup.missing() == []
    assert setup.create().client.app_id == complete.ALIPAY_APP_ID


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("ALIPAY_APP_ID", "", "ALIPAY_APP_ID"),
        ("ALIPAY_SELLER_ID", "1234", "ALIPAY_SELLER_ID"),
        ("ALIPAY_PRIVATE_KEY", "", "ALIPAY_PRIVATE_KEY_FILE"),
        ("ALIPAY_PRIVATE_KEY", "hunter2", "ALIPAY_PRIVATE_KEY cannot be used"),
        ("ALIPAY_PUBLIC_KEY", "", "Alipay's public key, not the application's"),
        ("ALIPAY_PUBLIC_KEY", "hunter2", "ALIPAY_PUBLIC_KEY cannot be used"),
        ("ALIPAY_METHODS", ["qr", "app"], "not app"),
        ("ALIPAY_CERTIFICATE", "hunter2", "ALIPAY_CERTIFICATE cannot be used"),
    ],
)  # fmt: skip
def test_what_lacks_is_said(complete, name, value, why):
    setattr(complete, name, value)

    said = " ".join(setup.missing())
    assert why in said
    assert "hunter2" not in said


def test_certificates_stand_for_the_public_key_and_their_numbers_can_be_named(complete):
    one, root = pem(a_certificate(1)), pem(a_certificate(2))
    complete.ALIPAY_PUBLIC_KEY = ""
    complete.ALIPAY_CERTIFICATE = complete.ALIPAY_APP_CERTIFICATE = one
    complete.ALIPAY_ROOT_CERTIFICATE = root

    client = setup.create().client
    assert setup.missing() == []
    assert (client.certificate_sn, client.root_sn) == (certificate_sn(one), root_sn(root))
    assert set(client.keys.by_sn) == {certificate_sn(one)}

    complete.ALIPAY_ROOT_CERTIFICATE, complete.ALIPAY_ROOT_CERT_SN = "", "abc_def"
    complete.ALIPAY_APP_CERT_SN = "abc"
    assert setup.missing() == []
    assert (setup.create().client.certificate_sn, setup.create().client.root_sn) == ("abc", "abc_def")
