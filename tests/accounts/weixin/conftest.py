"""A shop with a website application at an emulated WeChat."""

import pytest
from django.core.cache import cache

from tests.emulators.weixin import WeixinEmulator


@pytest.fixture
def weixin(settings):
    cache.clear()
    with WeixinEmulator(domain="testserver") as emulator:
        settings.WEIXIN_LOGIN_APP_ID, settings.WEIXIN_LOGIN_SECRET = emulator.app_id, emulator.secret
        settings.WECHAT_OPEN_URL = settings.WECHAT_API_URL = emulator.url
        yield emulator
