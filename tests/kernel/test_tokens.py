"""Tokens are verified by RFC 8725: each way of forging one is refused, and nothing shows the token in an error."""

import base64
import json
from dataclasses import replace

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel import tokens
from kernel.scope import INTERVALS, MARKETS, MAX_SUBS_CAP, NOTHING, TYPES, Scope, Step

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


@pytest.mark.parametrize("behind_s", [6, 60, 300])
def test_a_token_works_at_once_on_a_node_whose_clock_is_behind(behind_s):
    claims = verified(issued(), now_s=NOW - behind_s)
    assert claims.scope.at(NOW - behind_s).max_subs == 5


def test_an_hour_is_too_much():
    with pytest.raises(tokens.TokenNotYetValid) as refused:
        verified(issued(), now_s=NOW - 3600)
    assert refused.value.code == "token_not_yet_valid"


def test_the_claims_say_what_holds_now_and_which_product_it_is():
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
        (forged({"nbf": NOW + 60}), tokens.TokenNotYetValid),
        (forged({"iat": NOW + 400}), tokens.TokenNotYetValid),
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


# -- one token has one text --------------------------------------------------------------------------------------------

HEADER = {"alg": "EdDSA", "kid": "k1", "typ": "rt+jwt"}
ISSUED = issued()
CLAIMS = jwt.decode(ISSUED, options={"verify_signature": False})


def part(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def sealed(header: bytes | str, payload: bytes | str) -> str:
    """Sign a header and a payload just as they are, as nobody but the owner of the key could."""
    parts = [one if isinstance(one, str) else part(one) for one in (header, payload)]
    return ".".join([*parts, part(KEY.sign(".".join(parts).encode()))])


def raw(value: dict, *, twice: str = "") -> bytes:
    text = json.dumps(value)
    return (text if not twice else "{" + twice + "," + text[1:]).encode()


def with_a_trailing_bit(text: str) -> str:
    """Another text of the same bytes: the lowest bit of the last character belongs to no byte."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    assert len(text) % 4 in (2, 3)
    return text[:-1] + alphabet[alphabet.index(text[-1]) + 1]


def padded(value: dict, remainder: int = 2) -> bytes:
    """JSON of a length whose base64 has room for trailing bits."""
    told = raw(value)
    return told + b" " * ((remainder - len(told)) % 3)


def test_what_the_helpers_below_sign_is_a_token_unless_they_bend_it():
    assert verified(sealed(raw(HEADER), raw(CLAIMS))).scope == SCOPE
    assert verified(sealed(padded(HEADER), padded(CLAIMS))).scope == SCOPE


@pytest.mark.parametrize(
    "token",
    [
        with_a_trailing_bit(issued()),
        sealed(with_a_trailing_bit(part(padded(HEADER))), part(raw(CLAIMS))),
        sealed(part(raw(HEADER)), with_a_trailing_bit(part(padded(CLAIMS)))),
    ],
    ids=["signature", "header", "payload"],
)
def test_base64_whose_last_bits_say_nothing_is_refused(token):
    with pytest.raises(tokens.BadToken):
        verified(token)


@pytest.mark.parametrize("bent", ["{}=", "{}==", "{} ", " {}", "{}\n", "{}\t", "{}+", "{}/", "\ufeff{}", "{}\u00e9"])
@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_part_with_padding_blanks_or_other_letters_is_refused(bent, at):
    parts = issued().split(".")
    parts[at] = bent.format(parts[at])

    with pytest.raises(tokens.BadToken):
        verified(".".join(parts))


@pytest.mark.parametrize(
    "encoded",
    [
        lambda value: json.dumps(value).encode("utf-16"),
        lambda value: json.dumps(value).encode("utf-16-le"),
        lambda value: json.dumps(value).encode("utf-32"),
        lambda value: json.dumps(value).encode("utf-8-sig"),
        lambda value: json.dumps(value | {"x": "\u00e9"}, ensure_ascii=False).encode("latin-1"),
    ],
    ids=["UTF-16 with its mark", "UTF-16", "UTF-32", "UTF-8 with a mark", "Latin-1"],
)
def test_json_in_another_encoding_than_plain_utf_8_is_refused(encoded):
    for token in (sealed(encoded(HEADER), raw(CLAIMS)), sealed(raw(HEADER), encoded(CLAIMS))):
        with pytest.raises(tokens.BadToken):
            verified(token)
    with pytest.raises(tokens.BadToken):
        tokens.key_id(sealed(encoded(HEADER), raw(CLAIMS)))


@pytest.mark.parametrize(
    "token",
    [
        sealed(raw(HEADER, twice='"kid": "k2"'), raw(CLAIMS)),
        sealed(raw(HEADER, twice='"alg": "none"'), raw(CLAIMS)),
        sealed(raw(HEADER), raw(CLAIMS, twice='"sub": "bob"')),
        sealed(raw(HEADER), json.dumps(CLAIMS).replace('"max_subs"', '"max_subs": 9, "max_subs"', 1).encode()),
    ],
    ids=["kid", "alg", "sub", "deep inside"],
)
def test_a_name_that_stands_twice_is_refused(token):
    with pytest.raises(tokens.BadToken):
        verified(token)


@pytest.mark.parametrize("payload", [b"[]", b"5", b"null", b"", b"{", b"{} {}", b"[" * 9_000])
def test_a_header_or_payload_that_is_no_object_is_refused(payload):
    for token in (sealed(payload, raw(CLAIMS)), sealed(raw(HEADER), payload)):
        with pytest.raises(tokens.BadToken):
            verified(token)


@given(st.integers(0, len(ISSUED) - 1), st.sampled_from("AQgwz_-=. \n\u00e9"))
def test_no_letter_of_a_token_can_be_another_one(at, letter):
    token = ISSUED[:at] + letter + ISSUED[at + 1 :]

    if token != ISSUED:
        with pytest.raises(tokens.BadToken):
            verified(token)


# -- bounds ------------------------------------------------------------------------------------------------------------


def test_a_token_may_have_sixteen_kib_and_not_a_byte_more():
    header = part(raw(HEADER))

    assert tokens.key_id(header + "." * (16_384 - len(header))) == "k1"
    with pytest.raises(tokens.BadToken, match="longer than any of ours"):
        tokens.key_id(header + "." * (16_385 - len(header)))


def test_a_kid_has_one_to_sixty_four_letters():
    for kid in ("k", "k" * 64):
        assert tokens.key_id(forged(header={"kid": kid})) == kid
    for kid in ("", "k" * 65):
        with pytest.raises(tokens.BadToken):
            tokens.key_id(forged(header={"kid": kid}))


@pytest.mark.parametrize(
    "more", [{"crit": ["b64"], "b64": True}, {"crit": []}, {"b64": True}, {"kid": 5}, {"alg": None}]
)
def test_a_header_that_asks_for_more_than_we_do_is_refused(more):
    with pytest.raises(tokens.BadToken):
        tokens.key_id(sealed(raw(HEADER | more), raw(CLAIMS)))


def test_the_first_rev_is_nought_and_none_is_below():
    assert verified(forged({"rev": 0})).scope.rev == 0
    with pytest.raises(tokens.BadToken):
        verified(forged({"rev": -1}))


def test_a_bad_token_is_said_with_401_and_a_pages_token_in_other_hands_with_403():
    said = {one: one.http_status for one in (tokens.BadToken, *tokens.BadToken.__subclasses__())}
    assert {said.pop(tokens.ViewerElsewhere), said.pop(tokens.ViewerOrigin)} == {403}
    assert set(said.values()) == {401}


def test_a_pages_token_says_so_and_a_programs_says_nothing_of_it():
    assert verified(issued(viewer=True)).viewer is True
    assert verified(issued()).viewer is False
    assert "viewer" not in jwt.decode(issued(), options={"verify_signature": False})


def test_a_pages_token_keeps_its_claim_in_the_nested_shape():
    assert verified(issued(viewer=True, node_id="n1")).viewer is True


@pytest.mark.parametrize("value", ["true", "false", 1, 0, None, [], {}, [True], {"viewer": True}, "", 1.0])
def test_a_viewer_that_is_no_bool_is_neither_a_pages_token_nor_a_programs(value):
    with pytest.raises(tokens.BadToken):
        verified(forged({"viewer": value}))


def test_a_viewer_inside_a_nested_scope_is_refused():
    claims = jwt.decode(issued(node_id="n1"), options={"verify_signature": False})
    claims["scope"]["viewer"] = True
    with pytest.raises(tokens.BadToken):
        verified(jwt.encode(claims, KEY, algorithm="EdDSA", headers={"kid": "k1", "typ": "rt+jwt"}))


@pytest.mark.parametrize("customer", ["guest", "guest:192.0.2.1"])
def test_a_guest_is_a_page_or_nobody(customer):
    guest = replace(SCOPE, customer=customer)

    assert verified(issued(scope=guest, viewer=True)).guest
    with pytest.raises(tokens.BadToken):
        verified(issued(scope=guest))
    assert not verified(issued(viewer=True)).guest
    assert not verified(issued(scope=replace(SCOPE, customer="guesthouse"), viewer=True)).guest


def test_claims_hold_from_their_beginning_when_nobody_names_another():
    claims = tokens.Claims(SCOPE, "j1", issued_at_s=0, expires_at_s=NOW)

    claims.check(-5)
    with pytest.raises(tokens.BadToken):
        claims.check(-5.5)


def test_leeway_is_five_seconds_both_ways():
    verified(issued(), now_s=NOW + 5004)
    verified(issued(), now_s=NOW - 5)
    with pytest.raises(tokens.TokenExpired):
        verified(issued(), now_s=NOW + 5005)


@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda raw: raw.decode("latin-1")))
def test_no_text_makes_verify_raise_anything_else(text):
    with pytest.raises(tokens.BadToken):
        verified(text)


# -- the nested shape, which rt-receivers read ---------------------------------------------------------------------------

RSA = rsa.generate_private_key(65537, 2048)
RSA_KEYS = {"r1": tokens.VerifyKey("RS256", RSA.public_key())}


def nested_claims(scope=None, drop=(), **change):
    """Return what their own control plane signs, with the claims that ours adds and without steps."""
    inner = {
        "type": "realtime_stock", "markets": ["A_STOCK", "hk"], "levels": ["L1"], "symbols": {"mode": "all", "list": []},
        "quota": {"max_subs": 2},
    }  # fmt: skip
    claims = {
        "iss": "tickpack", "sub": "u9", "aud": "cn-east", "jti": "j9", "iat": NOW, "nbf": NOW, "exp": NOW + 5000, "rev": 5,
        "node_id": "n1", "scope": inner | (scope or {}),
    }  # fmt: skip
    return {name: value for name, value in (claims | change).items() if name not in drop}


def signed(claims):
    return jwt.encode(claims, RSA, algorithm="RS256", headers={"kid": "r1", "typ": "rt+jwt"})


def test_a_nested_token_says_the_same_as_a_flat_one():
    token = issued(private_key=RSA, kid="r1", algorithm="RS256", node_id="sh-1")

    assert verified(token, keys=RSA_KEYS) == verified(issued())
    claims = jwt.decode(token, options={"verify_signature": False})
    assert set(claims) == {"iss", "sub", "aud", "jti", "iat", "nbf", "exp", "rev", "node_id", "scope"}
    assert claims["node_id"] == "sh-1"
    assert set(claims["scope"]) == {"type", "markets", "levels", "symbols", "quota"}
    assert (claims["scope"]["type"], claims["scope"]["quota"]["max_subs"]) == ("realtime_stock", 5)
    assert jwt.get_unverified_header(token)["alg"] == "RS256"


def test_a_nested_token_without_steps_ends_with_its_exp():
    scope = verified(signed(nested_claims()), keys=RSA_KEYS).scope

    assert [(step.from_s, step.max_subs, sorted(step.markets)) for step in scope.steps] == [
        (NOW, 2, ["CN", "HK"]),
        (NOW + 5000, 0, []),
    ]
    assert (scope.customer, scope.rev, scope.symbols) == ("u9", 5, None)


def test_a_list_of_symbols_is_read_in_canonical_form():
    token = signed(nested_claims({"symbols": {"mode": "list", "list": ["700.hk", "600519.SH"]}}))

    assert verified(token, keys=RSA_KEYS).scope.symbols == {"00700.HK", "600519.SH"}


@pytest.mark.parametrize(
    "claims",
    [
        nested_claims({"type": "mcp_query"}),
        nested_claims({"type": ""}),
        nested_claims({"type": "mcp_query", "quota": {"total": 5, "used": 0, "remaining": 5}}),
        nested_claims({"markets": ["US"]}),
        nested_claims({"markets": "CN"}),
        nested_claims({"levels": ["L9"]}),
        nested_claims({"quota": {"max_subs": "2"}}),
        nested_claims({"quota": []}),
        nested_claims({"symbols": {"mode": "some", "list": []}}),
        nested_claims({"symbols": {"mode": "list", "list": "600519.SH"}}),
        nested_claims({"symbols": {"mode": "list", "list": ["?"]}}),
        nested_claims(scope_type="realtime_stock"),
        nested_claims() | {"scope": "realtime_stock"},
        nested_claims(iss="evil"),
        nested_claims(aud="hk"),
        nested_claims(exp=NOW - 10),
        *(nested_claims(drop=(name,)) for name in ("iss", "sub", "aud", "jti", "exp", "rev", "scope")),
    ],
)
def test_a_wrong_nested_token_is_refused(claims):
    with pytest.raises(tokens.BadToken):
        verified(signed(claims), keys=RSA_KEYS)


def test_a_key_signs_with_its_own_algorithm_alone():
    with pytest.raises(tokens.BadToken):
        verified(issued(kid="r1"), keys=RSA_KEYS)
    with pytest.raises(tokens.BadToken):
        verified(
            jwt.encode(nested_claims(), RSA, algorithm="RS512", headers={"kid": "r1", "typ": "rt+jwt"}), keys=RSA_KEYS
        )


# -- how long a token is ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", ["flat", "nested"])
@given(packs=st.integers(1, 400), max_subs=st.integers(1, MAX_SUBS_CAP), levels=st.sampled_from([{"L1"}, {"L1", "L2"}]))
@settings(deadline=None, max_examples=25)
def test_a_token_stays_under_2_kb_however_much_was_bought(shape, packs, max_subs, levels):
    key = RSA if shape == "nested" else KEY
    everything = frozenset(MARKETS), frozenset(levels), frozenset(TYPES), frozenset(INTERVALS)
    steps = [Step(NOW + at, max_subs - at % 2, 10_000, *everything) for at in range(2 * packs)]
    whole = Scope("c" * 32, "g" * 50, 2**31, (*steps, replace(NOTHING, from_s=NOW + 2 * packs)))

    token = tokens.issue(
        scope=whole, jti="j" * 32, issuer="https://shop.example", now_s=NOW, expires_at_s=NOW + 10**8, kid="k" * 21,
        private_key=key, algorithm="RS256" if shape == "nested" else "EdDSA", node_id="n" * 50 if shape == "nested" else None,
    )  # fmt: skip

    assert len(token) < 2000
    claims = jwt.decode(token, options={"verify_signature": False})
    carried = claims["quota"]["steps"] if shape == "flat" else claims["scope"]["quota"]["steps"]
    assert 2 <= len(carried) <= 12
    assert carried[0]["max_subs"] == max_subs
    assert carried[-1] == {"from": NOW + 2 * packs, "max_subs": 0, "max_conns": 0, "markets": [], "levels": []}


BARS = replace(STEPS[0], types=frozenset({"kline"}), intervals=frozenset({"1m"}))


@pytest.mark.parametrize("node_id", [None, "n1"])
def test_a_restriction_to_types_and_intervals_survives_the_token_in_both_shapes(node_id):
    scope = replace(SCOPE, steps=(BARS, STEPS[1]))

    token = issued(scope=scope, node_id=node_id)
    claims = jwt.decode(token, options={"verify_signature": False})

    assert verified(token).scope == scope
    told = claims if node_id is None else claims["scope"]
    assert (told["types"], told["intervals"]) == (["kline"], ["1m"])


@pytest.mark.parametrize("node_id", [None, "n1"])
def test_a_token_of_a_plan_with_all_of_them_names_no_type_and_no_interval(node_id):
    claims = jwt.decode(issued(node_id=node_id), options={"verify_signature": False})

    assert "types" not in json.dumps(claims)
    assert "intervals" not in json.dumps(claims)


@pytest.mark.parametrize(
    "change", [{"types": ["candles"]}, {"types": None}, {"intervals": "1m"}, {"intervals": ["60m"]}]
)
def test_types_and_intervals_that_are_no_words_of_ours_are_refused(change):
    with pytest.raises(tokens.BadToken):
        verified(forged(change))
