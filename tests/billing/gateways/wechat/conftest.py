"""A merchant of the emulator's, at NOW."""

import pytest

from billing.gateways import rsa
from billing.gateways.wechat.client import WechatClient
from billing.gateways.wechat.gateway import WechatGateway
from tests.emulators.wechat import WechatEmulator
from tests.factories import NOW


@pytest.fixture(autouse=True)
def own_cache(settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "wechat"}}
    from django.core.cache import cache

    cache.clear()


@pytest.fixture
def wechat():
    with WechatEmulator(clock=NOW.timestamp) as running:
        yield running


@pytest.fixture
def client(wechat):
    return a_client(wechat, {wechat.public_key_id: rsa.public_key(wechat.public_key)})


@pytest.fixture
def gateway(client, wechat):
    return WechatGateway(client, app_id=wechat.app_id)


def a_client(wechat, keys):
    return WechatClient(
        url=wechat.url,
        mch_id=wechat.mch_id,
        serial=wechat.merchant_serial,
        key=rsa.private_key(wechat.merchant_private_key),
        api_key=wechat.api_key,
        keys=keys,
    )
