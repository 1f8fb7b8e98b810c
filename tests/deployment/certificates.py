"""An authority of the deployment's own and one certificate for all of its servers, as an operator would make them."""

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kernel.clock import utc_now


def make_certificates(folder: Path, *names: str) -> None:
    """Write ca.pem, server.pem and server.key; the certificate is for the names and for 127.0.0.1."""
    now = utc_now()
    authority_key, server_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = _named("Test authority")

    def begin(subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        made = x509.CertificateBuilder(subject_name=subject, issuer_name=authority, public_key=key.public_key())
        made = made.serial_number(x509.random_serial_number())
        # An hour before, since some of the deployment's clocks are late.
        return made.not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(
            now + datetime.timedelta(days=1)
        )

    may_sign = x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    own = begin(authority, authority_key).add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    own = own.add_extension(may_sign, critical=True)
    (folder / "ca.pem").write_bytes(_pem(own.sign(authority_key, hashes.SHA256())))
    alternatives = [*map(x509.DNSName, names), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    server = begin(_named(names[0]), server_key).add_extension(
        x509.SubjectAlternativeName(alternatives), critical=False
    )
    (folder / "server.pem").write_bytes(_pem(server.sign(authority_key, hashes.SHA256())))
    (folder / "server.key").write_bytes(
        server_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
