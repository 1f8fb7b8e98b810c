"""Serial numbers are Alipay's; of the root file RSA certificates count, and one that cannot be read is not passed over."""

from base64 import b64encode
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric import rsa as keys
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from billing.gateways.alipay import certificates
from tests.factories import NOW

ISSUER = "CN=Ant Financial Certification Authority Class 1 R1,OU=Certification Authority,O=Ant Financial,C=CN"
RSA_KEY, EC_KEY = keys.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1())


def a_certificate(serial, key=RSA_KEY):
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Ant Financial"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "Certification Authority"),
            x509.NameAttribute(NameOID.COMMON_NAME, "Ant Financial Certification Authority Class 1 R1"),
        ]
    )
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=365))
    )
    return built.sign(key, hashes.SHA256())


def pem(certificate):
    return certificate.public_bytes(Encoding.PEM).decode()


def broken(certificate):
    """The same with bytes behind it, which the library refuses, as it does one of the real root file's."""
    data = b64encode(certificate.public_bytes(Encoding.DER) + b"\0\0").decode()
    return f"-----BEGIN CERTIFICATE-----\n{data}\n-----END CERTIFICATE-----\n"


def test_a_serial_number_of_alipays():
    serial = 42701552708448241360226107228231049510

    assert certificates.sn_of(ISSUER, serial) == "866efef280dec9137a87d047ac446315"
    assert certificates.certificate_sn(pem(a_certificate(serial))) == "866efef280dec9137a87d047ac446315"


def test_of_the_root_file_rsa_certificates_count():
    first, second = a_certificate(1), a_certificate(2)
    file = pem(a_certificate(3, EC_KEY)) + pem(first) + broken(a_certificate(4, EC_KEY)) + pem(second)

    assert certificates.root_sn(file) == f"{certificates.sn_of(ISSUER, 1)}_{certificates.sn_of(ISSUER, 2)}"


def test_an_rsa_certificate_that_cannot_be_read_is_an_error():
    with pytest.raises(ValueError, match="cannot be read"):
        certificates.root_sn(pem(a_certificate(1)) + broken(a_certificate(2)))
    with pytest.raises(ValueError, match="no RSA certificate"):
        certificates.root_sn(pem(a_certificate(3, EC_KEY)))


def test_alipays_keys_by_their_numbers():
    found = certificates.keys_of(pem(a_certificate(1)) + pem(a_certificate(2)))

    assert set(found) == {certificates.sn_of(ISSUER, 1), certificates.sn_of(ISSUER, 2)}
    with pytest.raises(ValueError, match="no RSA key"):
        certificates.keys_of(pem(a_certificate(3, EC_KEY)))
    with pytest.raises(ValueError, match="no certificate"):
        certificates.keys_of("hello")
