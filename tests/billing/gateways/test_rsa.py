"""Keys are read with and without armour, of both kinds; what is no signature is none, without an error."""

import pytest
from Cryptodome.PublicKey import RSA
from hypothesis import given
from hypothesis import strategies as st

from billing.gateways import rsa
from tests.emulators.serving import is_signed, sign

KEY = RSA.generate(2048)
PRIVATE = {
    "pkcs8": KEY.export_key(pkcs=8).decode(),
    "pkcs1": KEY.export_key(pkcs=1).decode(),
}


@pytest.mark.parametrize("kind", ["pkcs8", "pkcs1"])
@pytest.mark.parametrize("armour", [True, False])
def test_a_key_of_either_kind_signs_what_another_library_verifies(kind, armour):
    text = PRIVATE[kind] if armour else "".join(PRIVATE[kind].splitlines()[1:-1])

    signature = rsa.sign(rsa.private_key(text), "金额=20.00".encode())

    assert is_signed(KEY.public_key(), "金额=20.00".encode(), signature)


def test_and_the_other_way_round():
    public = rsa.public_key(KEY.public_key().export_key().decode())

    assert rsa.verifies(public, b"message", sign(KEY, b"message"))
    assert not rsa.verifies(public, b"another", sign(KEY, b"message"))
    assert not rsa.verifies(public, b"message", sign(RSA.generate(2048), b"message"))
    assert not rsa.verifies(public, b"message", "WECHATPAY/SIGNTEST/" + sign(KEY, b"message"))


@given(st.text(max_size=400))
def test_nothing_that_is_sent_as_a_signature_raises(text):
    assert not rsa.verifies(rsa.public_key(KEY.public_key().export_key().decode()), b"message", text)


def test_what_is_no_key_is_refused_without_being_shown():
    short = RSA.generate(1024).export_key(pkcs=8).decode()
    for text in ("hunter2hunter2", short, KEY.public_key().export_key().decode(), ""):
        with pytest.raises(ValueError) as caught:
            rsa.private_key(text)
        assert "hunter2" not in str(caught.value)
    with pytest.raises(ValueError):
        rsa.public_key("????")
