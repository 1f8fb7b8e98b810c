"""How WeChat signs and is signed to, and what it encrypts. Pure."""

import binascii
from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from billing.gateways import rsa

SCHEME = "WECHATPAY2-SHA256-RSA2048"
FRESH_FOR = timedelta(minutes=5)  # both ways; a repeat is signed anew


class NotSigned(ValueError):
    """WeChat has not signed this, or not now."""


def authorization(
    *, method: str, path: str, body: bytes, mch_id: str, serial: str, key: RSAPrivateKey, now: datetime, nonce: str
) -> str:
    """Return the Authorization header of a request.

    Args:
        path: with its query, as it is sent.
        body: the very bytes that are sent; none for a GET.
    """
    stamp = str(int(now.timestamp()))
    message = f"{method}\n{path}\n{stamp}\n{nonce}\n".encode() + body + b"\n"
    told = {
        "mchid": mch_id,
        "nonce_str": nonce,
        "timestamp": stamp,
        "serial_no": serial,
        "signature": rsa.sign(key, message),
    }
    return f"{SCHEME} " + ",".join(f'{name}="{value}"' for name, value in told.items())


def bridge_parameters(*, app_id: str, prepay_id: str, key: RSAPrivateKey, now: datetime, nonce: str) -> dict[str, str]:
    """Return what WeChat's script is called with to pay."""
    stamp, package = str(int(now.timestamp())), f"prepay_id={prepay_id}"
    message = f"{app_id}\n{stamp}\n{nonce}\n{package}\n".encode()
    return {
        "appId": app_id,
        "timeStamp": stamp,
        "nonceStr": nonce,
        "package": package,
        "signType": "RSA",
        "paySign": rsa.sign(key, message),
    }


def verify(*, headers: Mapping[str, str], body: bytes, keys: Mapping[str, rsa.PublicKey], now: datetime) -> None:
    """Return if WeChat has signed these bytes within five minutes.

    A probe (a signature that begins with WECHATPAY/SIGNTEST/) fails like any other wrong signature, as it shall.

    Args:
        keys: by serial number; public keys and platform certificates beside each other.

    Raises:
        NotSigned: another scheme, an unknown serial number, a wrong signature, or another time.
    """
    told = {name.lower(): value for name, value in headers.items()}
    if told.get("wechatpay-signature-type", SCHEME) != SCHEME:
        raise NotSigned("it is signed in another way than ours")
    stamp, serial = told.get("wechatpay-timestamp", ""), told.get("wechatpay-serial", "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        raise NotSigned("it has no time")
    if abs(now.timestamp() - int(stamp)) >= FRESH_FOR.total_seconds():
        raise NotSigned("it is too old, or from the future")
    key = keys.get(serial)
    if key is None:
        raise NotSigned(f"it is signed with a key that is not known here: {serial[:64]!r}")
    signed = f"{stamp}\n{told.get('wechatpay-nonce', '')}\n".encode("utf-8", "replace") + body + b"\n"
    if not rsa.verifies(key, signed, told.get("wechatpay-signature", "")):
        raise NotSigned("it is not signed by WeChat")


def decrypt(resource: object, api_key: str) -> bytes:
    """Return what an encrypted part says.

    Raises:
        ValueError: it is encrypted in another way or for somebody else.
    """
    if not isinstance(resource, dict):
        raise ValueError("it has no encrypted part")
    parts = [resource.get(name) for name in ("algorithm", "nonce", "ciphertext")]
    parts.append(resource.get("associated_data") or "")
    if not all(isinstance(one, str) for one in parts):
        raise ValueError("an encrypted part lacks a field")
    algorithm, nonce, ciphertext, associated = map(str, parts)
    if algorithm != "AEAD_AES_256_GCM":
        raise ValueError(f"it is encrypted by {algorithm[:30]!r}")
    try:
        return AESGCM(api_key.encode()).decrypt(
            nonce.encode(), b64decode(ciphertext, validate=True), associated.encode()
        )
    except (InvalidTag, binascii.Error):
        raise ValueError("it is encrypted with another key") from None
