"""WeChat's own keys: those that settings name, and platform certificates, which WeChat hands out encrypted.

Certificates are kept as they came, encrypted with the shop's key: who can write into the store they are in still cannot
make one. New ones are added, and an old one goes when its time is over; the list is never emptied to be filled again.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from django.core.cache import cache

from billing.gateways import rsa, strict_json
from billing.gateways.texts import instant
from billing.gateways.wechat.signing import decrypt

FRESH_FOR = timedelta(hours=1)
_KEPT = "wechat-certificates:{mch_id}"


@lru_cache(maxsize=16)
def key_file(serial: str, path: str) -> RSAPublicKey:
    """Read a key of WeChat's from a file: a public key (PUB_KEY_ID_...) or a platform certificate.

    Raises:
        ValueError: it is neither, or a certificate of another serial number.
    """
    try:
        text = Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read ({type(error).__name__})") from None
    if "BEGIN CERTIFICATE" in text:
        return _certificate_key(text, serial)
    return rsa.public_key(text)


def read_certificates(data: object, api_key: str, now: datetime) -> dict[str, RSAPublicKey]:
    """Return the keys of what `GET /v3/certificates` answers in `data`, those that count now.

    Raises:
        ValueError: one cannot be read or decrypted.
    """
    if not isinstance(data, list):
        raise ValueError("it has no list of certificates")
    return {one["serial_no"]: _decrypted(json.dumps(one, sort_keys=True), api_key) for one in data if _counts(one, now)}


def kept(mch_id: str, api_key: str, now: datetime) -> dict[str, RSAPublicKey]:
    """Return the platform certificates that were fetched before; no network of others is asked."""
    return read_certificates(_kept(mch_id).get("data", []), api_key, now)


def is_due(mch_id: str, now: datetime) -> bool:
    """Tell whether an hour is over since they were fetched, or whether there are none."""
    fetched_at = _kept(mch_id).get("fetched_at")
    return fetched_at is None or now - datetime.fromisoformat(fetched_at) >= FRESH_FOR


def keep(mch_id: str, data: list[dict[str, Any]], now: datetime) -> None:
    """Add what was fetched and verified to what is there, and let go of what has expired."""
    together = {one["serial_no"]: one for one in [*_kept(mch_id).get("data", []), *data]}
    still = [one for one in together.values() if instant(one["expire_time"]) > now]
    cache.set(_KEPT.format(mch_id=mch_id), {"data": still, "fetched_at": now.isoformat()}, timeout=None)


def _kept(mch_id: str) -> dict[str, Any]:
    found: dict[str, Any] = cache.get(_KEPT.format(mch_id=mch_id)) or {}
    return found


def _counts(one: Mapping[str, Any], now: datetime) -> bool:
    try:
        return instant(one["effective_time"]) <= now < instant(one["expire_time"])
    except (KeyError, TypeError):
        raise ValueError("a certificate lacks its times") from None


@lru_cache(maxsize=32)
def _decrypted(one: str, api_key: str) -> RSAPublicKey:
    told = strict_json.read_object(one)
    resource = told.get("encrypt_certificate")
    if not isinstance(resource, dict) or not isinstance(told.get("serial_no"), str):
        raise ValueError("a certificate lacks its content")
    return _certificate_key(decrypt(resource, api_key).decode(), told["serial_no"])


def _certificate_key(pem: str, serial: str) -> RSAPublicKey:
    certificate = x509.load_pem_x509_certificate(pem.encode())
    own = f"{certificate.serial_number:X}"
    if own != serial.upper().lstrip("0"):
        raise ValueError(f"the certificate is {own}, not {serial[:64]}")
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey):
        raise ValueError("the certificate has no RSA key")
    return key
