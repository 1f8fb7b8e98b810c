"""A shop that is set up with an emulated provider, and how its notices come: over the shop's own address."""

from datetime import datetime
from urllib.parse import urlsplit

from django.test import Client

from billing.domain.months import SHANGHAI
from tests.emulators.alipay import AlipayEmulator
from tests.emulators.wechat import WechatEmulator

EMULATORS = {"alipay": AlipayEmulator, "wechat": WechatEmulator}


def set_up(settings, emulator, folder) -> None:
    """Say in settings what a merchant gets from a provider."""
    if isinstance(emulator, AlipayEmulator):
        settings.PAYMENT_GATEWAYS = ["alipay"]
        settings.ALIPAY_APP_ID, settings.ALIPAY_SELLER_ID = emulator.app_id, emulator.seller_id
        settings.ALIPAY_PRIVATE_KEY, settings.ALIPAY_PUBLIC_KEY = emulator.merchant_private_key, emulator.public_key
        settings.ALIPAY_URL = emulator.gateway
        return
    settings.PAYMENT_GATEWAYS = ["wechat"]
    (folder / "wechat.pem").write_text(emulator.public_key)
    settings.WECHAT_MCH_ID, settings.WECHAT_APP_ID = emulator.mch_id, emulator.app_id
    settings.WECHAT_SERIAL, settings.WECHAT_PRIVATE_KEY = emulator.merchant_serial, emulator.merchant_private_key
    settings.WECHAT_API_V3_KEY, settings.WECHAT_APP_SECRET = emulator.api_key, emulator.app_secret
    settings.WECHAT_PUBLIC_KEYS = [f"{emulator.public_key_id}={folder / 'wechat.pem'}"]
    settings.WECHAT_URL = settings.WECHAT_OPEN_URL = settings.WECHAT_API_URL = emulator.url


def post(url: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
    """Post a notice to the shop's view, as a provider's server would."""
    content_type = headers.get("Content-Type", "application/octet-stream")
    more = {name: value for name, value in headers.items() if name != "Content-Type"}
    answer = Client().generic("POST", urlsplit(url).path, body, content_type=content_type, headers=more, secure=True)
    return answer.status_code, answer.content


def day_of(epoch: float):
    """The day in Shanghai."""
    return datetime.fromtimestamp(epoch, SHANGHAI).date()
