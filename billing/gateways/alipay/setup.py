"""Makes Alipay's gateway out of settings, or says what lacks."""

from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from django.conf import settings

from billing.gateways import rsa
from billing.gateways.alipay import certificates
from billing.gateways.alipay.client import AlipayClient
from billing.gateways.alipay.gateway import PRODUCTS, AlipayGateway
from billing.gateways.alipay.signing import Keys


def missing() -> list[str]:
    """Return a sentence for each setting that lacks or cannot be used; no secret stands in one."""
    found = []
    if not settings.ALIPAY_APP_ID:
        found.append("Alipay needs ALIPAY_APP_ID: the application's number on the open platform")
    if not (settings.ALIPAY_SELLER_ID.startswith("2088") and len(settings.ALIPAY_SELLER_ID) == 16):
        found.append("Alipay needs ALIPAY_SELLER_ID: the 16 digits of the merchant's account, from 2088")
    if not settings.ALIPAY_PRIVATE_KEY:
        found.append("Alipay needs ALIPAY_PRIVATE_KEY or ALIPAY_PRIVATE_KEY_FILE: the application's private key")
    else:
        found += _why_not("ALIPAY_PRIVATE_KEY", _key)
    if settings.ALIPAY_CERTIFICATE:
        found += _why_not("ALIPAY_CERTIFICATE", _keys)
        found += _why_not("ALIPAY_APP_CERTIFICATE", _certificate_sn)
        found += _why_not("ALIPAY_ROOT_CERTIFICATE", _root_sn)
    elif not settings.ALIPAY_PUBLIC_KEY:
        found.append(
            "Alipay needs ALIPAY_PUBLIC_KEY or ALIPAY_PUBLIC_KEY_FILE: Alipay's public key, not the application's;"
            " or its certificates: ALIPAY_CERTIFICATE_FILE, ALIPAY_APP_CERTIFICATE_FILE, ALIPAY_ROOT_CERTIFICATE_FILE"
        )
    else:
        found += _why_not("ALIPAY_PUBLIC_KEY", _keys)
    if unknown := sorted(set(settings.ALIPAY_METHODS) - set(PRODUCTS)):
        found.append(f"ALIPAY_METHODS knows {', '.join(PRODUCTS)}, not {', '.join(unknown)}")
    return found


def create() -> AlipayGateway:
    """Return the gateway with this shop's keys."""
    certified = bool(settings.ALIPAY_CERTIFICATE)
    client = AlipayClient(
        url=settings.ALIPAY_URL,
        app_id=settings.ALIPAY_APP_ID,
        key=_key(),
        keys=_keys(),
        certificate_sn=_certificate_sn() if certified else "",
        root_sn=_root_sn() if certified else "",
    )
    return AlipayGateway(
        client,
        seller_id=settings.ALIPAY_SELLER_ID,
        products=settings.ALIPAY_METHODS,
        qr_product=settings.ALIPAY_QR_PRODUCT,
    )


def _key() -> RSAPrivateKey:
    return rsa.private_key(settings.ALIPAY_PRIVATE_KEY)


def _keys() -> Keys:
    if settings.ALIPAY_CERTIFICATE:
        return Keys(certificates.keys_of(settings.ALIPAY_CERTIFICATE))
    return Keys({"": rsa.public_key(settings.ALIPAY_PUBLIC_KEY)})


def _certificate_sn() -> str:
    return settings.ALIPAY_APP_CERT_SN or certificates.certificate_sn(settings.ALIPAY_APP_CERTIFICATE)


def _root_sn() -> str:
    return settings.ALIPAY_ROOT_CERT_SN or certificates.root_sn(settings.ALIPAY_ROOT_CERTIFICATE)


def _why_not(name: str, read: Callable[[], object]) -> list[str]:
    try:
        read()
    except ValueError as error:
        return [f"{name} cannot be used: {error}"]
    return []
