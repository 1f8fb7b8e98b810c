"""Serial numbers of certificates as Alipay reckons them, and its keys by them. Pure."""

import hashlib
import re
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from billing.gateways import rsa

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_RSA_OIDS = "1.2.840.113549.1.1"
_RSA_OID_DER = bytes.fromhex("2A864886F70D0101")


def sn_of(issuer: str, serial: int) -> str:
    """Return Alipay's serial number: the MD5 of the issuer, most specific name first, and the serial in decimal."""
    return hashlib.md5(f"{issuer}{serial}".encode(), usedforsecurity=False).hexdigest()


@lru_cache(maxsize=8)
def certificate_sn(pem: str) -> str:
    """Return the serial number of the first certificate in a file.

    Raises:
        ValueError: there is none.
    """
    certificate = _certificates(pem)[0]
    return sn_of(_issuer(certificate), certificate.serial_number)


@lru_cache(maxsize=8)
def root_sn(pem: str) -> str:
    """Return the serial number of Alipay's root file: those of its RSA certificates, joined by _.

    Raises:
        ValueError: it has none, or an RSA certificate that cannot be read; the setting can name the number instead.
    """
    found = []
    for block in _PEM.findall(pem):
        try:
            certificate = x509.load_pem_x509_certificate(block.encode())
            oid, issuer = certificate.signature_algorithm_oid.dotted_string, _issuer(certificate)
        except ValueError:
            # One of the file's certificates is an elliptic one that the library refuses; those do not count anyway.
            if _RSA_OID_DER in rsa.der(_body(block)):
                raise ValueError("an RSA certificate of the root file cannot be read") from None
            continue
        if oid.startswith(_RSA_OIDS):
            found.append(sn_of(issuer, certificate.serial_number))
    if not found:
        raise ValueError("the root file has no RSA certificate")
    return "_".join(found)


@lru_cache(maxsize=8)
def keys_of(pem: str) -> dict[str, RSAPublicKey]:
    """Return the keys of Alipay's own certificates by their serial numbers; a file may hold the old and the new one.

    Raises:
        ValueError: there is none, or one is no RSA certificate.
    """
    keys = {}
    for certificate in _certificates(pem):
        key = certificate.public_key()
        if not isinstance(key, RSAPublicKey):
            raise ValueError("a certificate has no RSA key")
        keys[sn_of(_issuer(certificate), certificate.serial_number)] = key
    return keys


def _certificates(pem: str) -> list[x509.Certificate]:
    blocks = _PEM.findall(pem)
    if not blocks:
        raise ValueError("it holds no certificate in PEM")
    return [x509.load_pem_x509_certificate(block.encode()) for block in blocks]


def _issuer(certificate: x509.Certificate) -> str:
    return certificate.issuer.rfc4514_string()


def _body(block: str) -> str:
    return "".join(line for line in block.splitlines() if "-----" not in line)
