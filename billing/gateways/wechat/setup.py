"""Makes WeChat's gateway out of settings, or says what lacks."""

import re
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from django.conf import settings

from billing.gateways import rsa
from billing.gateways.wechat import certificates
from billing.gateways.wechat.client import WechatClient
from billing.gateways.wechat.gateway import PRODUCTS, WechatGateway
from billing.gateways.wechat.reading import PROVIDER


def missing() -> list[str]:
    """Return a sentence for each setting that lacks or cannot be used; no secret stands in one."""
    found = []
    if not re.fullmatch(r"[0-9]{8,10}", settings.WECHAT_MCH_ID):
        found.append("WeChat Pay needs WECHAT_MCH_ID: the merchant number, 8 to 10 digits")
    if not re.fullmatch(r"wx[0-9a-zA-Z]{8,30}", settings.WECHAT_APP_ID):
        found.append("WeChat Pay needs WECHAT_APP_ID: of the account that the merchant number is bound to, wx...")
    if not re.fullmatch(r"[0-9A-Fa-f]{20,40}", settings.WECHAT_SERIAL):
        found.append("WeChat Pay needs WECHAT_SERIAL: the serial number of the merchant's certificate, in hex")
    if not settings.WECHAT_PRIVATE_KEY:
        found.append("WeChat Pay needs WECHAT_PRIVATE_KEY_FILE: apiclient_key.pem of the merchant's certificate")
    else:
        try:
            rsa.private_key(settings.WECHAT_PRIVATE_KEY)
        except ValueError as error:
            found.append(f"WECHAT_PRIVATE_KEY cannot be used: {error}")
    if len(settings.WECHAT_API_V3_KEY.encode()) != 32:
        found.append(f"WeChat Pay needs WECHAT_API_V3_KEY: 32 characters, not {len(settings.WECHAT_API_V3_KEY)}")
    if unknown := sorted(set(settings.WECHAT_METHODS) - set(PRODUCTS)):
        found.append(f"WECHAT_METHODS knows {', '.join(PRODUCTS)}, not {', '.join(unknown)}")
    if "jsapi" in settings.WECHAT_METHODS and not settings.WECHAT_APP_SECRET and settings.ROLE in ("all", "panel"):
        found.append(
            "WeChat Pay needs WECHAT_APP_SECRET to know buyers inside WeChat; or take jsapi out of WECHAT_METHODS"
        )
    try:
        _keys()
    except ValueError as error:
        found.append(f"WECHAT_PUBLIC_KEYS cannot be used: {error}")
    return found


def create() -> WechatGateway:
    """Return the gateway with this shop's keys."""
    client = WechatClient(
        url=settings.WECHAT_URL,
        mch_id=settings.WECHAT_MCH_ID,
        serial=settings.WECHAT_SERIAL.upper(),
        key=rsa.private_key(settings.WECHAT_PRIVATE_KEY),
        api_key=settings.WECHAT_API_V3_KEY,
        keys=_keys(),
    )
    return WechatGateway(client, app_id=settings.WECHAT_APP_ID, products=settings.WECHAT_METHODS)


def refresh_certificates(now: datetime) -> int:
    """Fetch WeChat's platform certificates where WeChat is set up and an hour is over; return how many came."""
    if PROVIDER not in settings.PAYMENT_GATEWAYS or missing():
        return 0
    return create().refresh(now)


def _keys() -> dict[str, RSAPublicKey]:
    keys = {}
    for one in settings.WECHAT_PUBLIC_KEYS:
        serial, is_named, path = one.partition("=")
        if not is_named:
            raise ValueError(f"{one!r} is no ID=FILE, like PUB_KEY_ID_0100=/run/payment/wechat.pem")
        keys[serial.strip()] = certificates.key_file(serial.strip(), path.strip())
    return keys
