"""Each setting that lacks is a sentence, and none shows what is secret."""

import pytest

from billing.gateways.wechat import setup
from tests.factories import NOW


@pytest.fixture
def complete(settings, wechat, tmp_path):
    (tmp_path / "wechat.pem").write_text(wechat.public_key)
    settings.WECHAT_MCH_ID, settings.WECHAT_APP_ID = wechat.mch_id, wechat.app_id
    settings.WECHAT_SERIAL, settings.WECHAT_PRIVATE_KEY = wechat.merchant_serial, wechat.merchant_private_key
    settings.WECHAT_API_V3_KEY, settings.WECHAT_APP_SECRET = wechat.api_key, wechat.app_secret
    settings.WECHAT_PUBLIC_KEYS = [f"{wechat.public_key_id}={tmp_path / 'wechat.pem'}"]
    settings.WECHAT_URL = wechat.url
    return settings


def test_nothing_lacks_and_the_gateway_is_made(complete, wechat):
    assert setup.missing() == []
    assert set(setup.create().client.known_keys(NOW)) == {wechat.public_key_id}


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("WECHAT_MCH_ID", "", "WECHAT_MCH_ID"),
        ("WECHAT_APP_ID", "8888", "WECHAT_APP_ID"),
        ("WECHAT_SERIAL", "hunter2", "WECHAT_SERIAL"),
        ("WECHAT_PRIVATE_KEY", "", "apiclient_key.pem"),
        ("WECHAT_PRIVATE_KEY", "hunter2", "WECHAT_PRIVATE_KEY cannot be used"),
        ("WECHAT_API_V3_KEY", "hunter2", "32 characters, not 7"),
        ("WECHAT_APP_SECRET", "", "WECHAT_APP_SECRET"),
        ("WECHAT_METHODS", ["app"], "not app"),
        ("WECHAT_PUBLIC_KEYS", ["PUB_KEY_ID_1"], "no ID=FILE"),
        ("WECHAT_PUBLIC_KEYS", ["PUB_KEY_ID_1=/nowhere"], "/nowhere cannot be read"),
    ],
)  # fmt: skip
def test_what_lacks_is_said(complete, name, value, why):
    setattr(complete, name, value)

    said = " ".join(setup.missing())
    assert why in said
    assert "hunter2" not in said


def test_a_worker_needs_no_secret_of_the_account(complete):
    complete.WECHAT_APP_SECRET, complete.ROLE = "", "worker"

    assert setup.missing() == []


def test_certificates_are_fetched_where_wechat_is_set_up(complete, wechat):
    complete.PAYMENT_GATEWAYS = ["sandbox"]
    wechat.add_certificate()
    assert setup.refresh_certificates(NOW) == 0

    complete.PAYMENT_GATEWAYS = ["wechat"]
    assert setup.refresh_certificates(NOW) == 1
    assert len(setup.create().client.known_keys(NOW)) == 2
