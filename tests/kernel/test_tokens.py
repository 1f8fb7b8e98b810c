"""Tokens are verified by RFC 8725: each way of forging one is refused, and nothing shows the token in an error."""

import base64
import json

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from kernel import tokens
from kernel.scope import Scope, Step

NOW = 1_790_000_000
KEY, OTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
KEYS = {"k1": tokens.VerifyKey("EdDSA", KEY.public_key())}
STEPS = (Step(NOW, 5, 2, frozenset({"CN", "HK"}), frozenset({"L1"})), Step(NOW + 1000, 0, 0, frozenset(), frozenset()))
SCOPE = Scope("alice", "cn-east", 3, STEPS)


def issued(**change):
    arguments = {
        "scope": SCOPE, "jti": "j1", "issuer": "tickpack", "now_s": NOW, "expires_at_s": NOW + 5000, "kid": "k1", "private_key": KEY,
    }  # fmt: skip
    return tokens.issue(**arguments | change)


def verified(token, **change):
    return tokens.verify(
        token, **{"keys": KEYS, "issuer": "tickpack", "audience": "cn-east", "now_s": NOW + 10} | change
    )


def forged(change=None, drop=(), header=None, key=KEY):
    claims = jwt.decode(issued(), options={"verify_signature": False})
    claims = {name: value for name, value in (claims | (change or {})).items() if name not in drop}
    return jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": "k1", "typ": "rt+jwt"} | (header or {}))


def test_what_was_signed_is_what_is_read():
    claims = verified(issued())
    assert claims.scope == SCOPE
    assert (claims.jti, claims.issued_at_s, claims.expires_at_s) == ("j1", NOW, NOW + 5000)


def test_the_claims_carry_what_the_seed_promises():
    claims = jwt.decode(issued(), options={"verify_signature": False})
    assert (claims["markets"], claims["levels"], claims["quota"]["max_subs"]) == (["CN", "HK"], ["L1"], 5)
    assert claims["scope_type"] == "realtime_stock"


@pytest.mark.parametrize(
    ("token", "error"),
    [
        (forged({"aud": "hk"}), tokens.TokenForeign),
        (forged({"aud": ["cn-east", "hk"]}), tokens.BadToken),
        (forged({"iss": "evil"}), tokens.TokenForeign),
        (forged({"exp": NOW}), tokens.TokenExpired),
        (forged({"exp": str(NOW + 5000)}), tokens.BadToken),
        (forged({"nbf": NOW + 60}), tokens.BadToken),
        (forged({"iat": NOW + 60}), tokens.BadToken),
        (forged({"scope_type": "mcp_query"}), tokens.BadToken),
        (forged({"sub": 5}), tokens.BadToken),
        (forged({"rev": True}), tokens.BadToken),
        (forged({"quota": {"max_subs": 5}}), tokens.BadToken),
        (forged({"quota": {"steps": [{"from": 1, "max_subs": "999999"}]}}), tokens.BadToken),
        *(
            (forged(drop=(name,)), tokens.BadToken)
            for name in ("iss", "sub", "aud", "jti", "iat", "nbf", "exp", "rev", "quota")
        ),
        (forged(header={"typ": "JWT"}), tokens.BadToken),
        (forged(header={"kid": "k2"}), tokens.UnknownKey),
        (forged(header={"crit": ["x"], "x": 1}), tokens.BadToken),
        (forged(key=OTHER), tokens.BadToken),
        (issued() + ".x", tokens.BadToken),
        (issued()[:-4], tokens.BadToken),
        ("x" * 20_000, tokens.BadToken),
        ("", tokens.BadToken),
    ],
)
def test_a_forged_token_is_refused(token, error):
    with pytest.raises(error) as caught:
        verified(token)
    assert not token or token[:30] not in str(caught.value)


def _unsigned(algorithm, signature=b""):
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    claims = jwt.decode(issued(), options={"verify_signature": False})
    sealed = base64.urlsafe_b64encode(signature).rstrip(b"=").decode()
    return f"{part({'alg': algorithm, 'kid': 'k1', 'typ': 'rt+jwt'})}.{part(claims)}.{sealed}"


def test_alg_none_and_a_public_key_as_hmac_secret_are_refused():
    import hashlib
    import hmac

    pem = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    half = _unsigned("HS256").rpartition(".")[0]
    mac = base64.urlsafe_b64encode(hmac.new(pem, half.encode(), hashlib.sha256).digest()).rstrip(b"=").decode()
    for token in (_unsigned("none"), f"{half}.{mac}"):
        with pytest.raises(tokens.BadToken):
            verified(token)


def test_leeway_is_five_seconds_both_ways():
    verified(issued(), now_s=NOW + 5004)
    verified(issued(), now_s=NOW - 5)
    with pytest.raises(tokens.TokenExpired):
        verified(issued(), now_s=NOW + 5005)


@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda raw: raw.decode("latin-1")))
def test_no_text_makes_verify_raise_anything_else(text):
    with pytest.raises(tokens.BadToken):
        verified(text)
