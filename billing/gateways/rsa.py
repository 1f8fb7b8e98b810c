"""RSA as Alipay and WeChat use it: PKCS #1 v1.5 with SHA-256, keys with or without their armour. Pure."""

import binascii
from base64 import b64decode, b64encode
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    load_der_private_key,
    load_der_public_key,
    load_pem_private_key,
    load_pem_public_key,
)

PublicKey = RSAPublicKey
_LEAST_BITS = 2048


@lru_cache(maxsize=8)
def private_key(text: str) -> RSAPrivateKey:
    """Read a private key: PKCS #1 or #8, in PEM, or only the base64 within it, as Alipay's tool hands it out.

    Raises:
        ValueError: it is none, or too short. What was read stands in no message.
    """
    try:
        found = load_pem_private_key(text.encode(), None) if "-----" in text else load_der_private_key(der(text), None)
    except (ValueError, TypeError):
        raise ValueError("it is no private key in PEM or base64") from None
    if not isinstance(found, RSAPrivateKey) or found.key_size < _LEAST_BITS:
        raise ValueError(f"it is no RSA key of {_LEAST_BITS} bits or more")
    return found


@lru_cache(maxsize=32)
def public_key(text: str) -> RSAPublicKey:
    """Read a public key in PEM, or only the base64 within it.

    Raises:
        ValueError: it is none, or too short.
    """
    try:
        found = load_pem_public_key(text.encode()) if "-----" in text else load_der_public_key(der(text))
    except (ValueError, TypeError):
        raise ValueError("it is no public key in PEM or base64") from None
    if not isinstance(found, RSAPublicKey) or found.key_size < _LEAST_BITS:
        raise ValueError(f"it is no RSA key of {_LEAST_BITS} bits or more")
    return found


def sign(key: RSAPrivateKey, message: bytes) -> str:
    """Return a signature in base64."""
    return b64encode(key.sign(message, PKCS1v15(), SHA256())).decode()


def verifies(key: RSAPublicKey, message: bytes, signature: str) -> bool:
    """Tell whether a signature in base64 is this key's. Whatever is no signature is not, and raises nothing."""
    try:
        key.verify(b64decode(signature.encode("ascii"), validate=True), message, PKCS1v15(), SHA256())
    except (InvalidSignature, binascii.Error, UnicodeEncodeError):
        return False
    return True


def der(text: str) -> bytes:
    """Return the bytes of a base64 text with line breaks; raises ValueError where it is none."""
    return b64decode("".join(text.split()), validate=True)
