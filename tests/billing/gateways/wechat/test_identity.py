"""Who pays is asked of WeChat with a code that counts once; the account's secret shows nowhere."""

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from billing.errors import GatewayRefused, GatewayUnavailable
from billing.gateways.wechat import identity


@pytest.fixture
def account(wechat, settings):
    settings.WECHAT_APP_ID, settings.WECHAT_APP_SECRET = wechat.app_id, wechat.app_secret
    settings.WECHAT_OPEN_URL = settings.WECHAT_API_URL = wechat.url
    return settings


def test_a_code_is_exchanged_once(account):
    url = identity.authorize_url(back_to="https://shop.example/wechat/return", state="s/1")
    assert url.endswith("#wechat_redirect")
    answer = httpx.get(url, trust_env=False)
    back = parse_qs(urlsplit(answer.headers["location"]).query)

    assert answer.headers["location"].startswith("https://shop.example/wechat/return?")
    assert back["state"] == ["s/1"]
    assert identity.open_id_of(back["code"][0]).startswith("o")
    with pytest.raises(GatewayRefused) as caught:
        identity.open_id_of(back["code"][0])
    assert caught.value.fields["provider_code"] == "40029"


def test_nobody_there_and_nothing_of_the_secret(account, caplog):
    caplog.set_level("DEBUG", logger="billing")
    account.WECHAT_API_URL = "http://127.0.0.1:9"

    with pytest.raises(GatewayUnavailable) as caught:
        identity.open_id_of("c")
    assert account.WECHAT_APP_SECRET not in f"{caught.value!r} {caught.value.as_json()}"
