"""Scope <-> JWT. Billing signs, streaming verifies; both by RFC 8725: one algorithm a key, typ, every claim required.

Time is an argument; PyJWT would read the clock itself. It signs, and its algorithms verify; the compact form is read
here. Its `decode_complete` takes 155 us for a token of two steps and 731 us for one of a hundred, where this takes 123
and 325, 106 of them the signature; and it lets through what RFC 7515 and 7519 call malformed: padding, other encodings
than UTF-8, names that stand twice. One token has one text here.
No function puts a token, or a part of one, into an error's text.
"""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jwt

from kernel import nested
from kernel.errors import Malformed, Refused
from kernel.scope import (
    INTERVALS,
    LEVELS,
    MARKETS,
    SKEW_S,
    TYPES,
    BadScope,
    Scope,
    restrictions_as_claims,
    step_as_claims,
    steps_from_claims,
    words,
    words_or_all,
)

TYP = "rt+jwt"
SCOPE_TYPE = "realtime_stock"
LEEWAY_S = 5
MAX_TOKEN_BYTES = 16 * 1024  # of those we take; earlier releases signed every step, 12 KiB for a hundred
MOST_STEPS, SIGNED_BYTES = 12, 2000  # of those we sign: proxies refuse header lines of 4 or 8 kB
_FEWEST_STEPS = 3  # what holds now, the lowest of what comes, the end
ALGORITHMS = ("EdDSA", "RS256")
GUEST = "guest"  # whose a viewer token is that nobody has logged in for; programs never have one
_REQUIRED = ("iss", "sub", "aud", "jti", "iat", "nbf", "exp")
_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)", re.ASCII)
_NOT_A_JWT = "the token is not a JWT; copy it again from the panel, whole"
_SIGNED_BY: dict[str, jwt.algorithms.Algorithm] = {
    "EdDSA": jwt.algorithms.OKPAlgorithm(),
    "RS256": jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256),
}


class BadToken(Refused):
    message = "The token is not one of ours."
    code = "token_invalid"
    http_status = 401


class TokenMissing(BadToken):
    message = (
        "No token; send it as `Authorization: Bearer ...`, in a browser's socket as the subprotocols `bearer, <token>`"
    )
    code = "token_missing"


class TokenExpired(BadToken):
    message = "The token has expired."
    code = "token_expired"


class TokenNotYetValid(BadToken):
    """The only one that waiting mends: the clock of the machine that looks is behind that of the one that signed."""

    message = "The token is not valid yet; is this machine's clock right?"
    code = "token_not_yet_valid"


class TokenForeign(BadToken):
    message = "The token is for another service or node group."
    code = "token_foreign"


class TokenRevoked(BadToken):
    message = "The token was revoked."
    code = "token_revoked"


class SubscriptionExpired(BadToken):
    message = "The last grant behind this token has ended; renew it on the panel and go on with the same token."
    code = "subscription_expired"


class CustomerDeactivated(BadToken):
    message = "The account behind this token is deactivated; its operator can activate it again."
    code = "customer_deactivated"


class UnknownKey(BadToken):
    message = "The token is signed with a key this node does not know."
    code = "token_unknown_key"


class ViewerElsewhere(BadToken):
    """A page's token in a language of programs: refused, so that it can never count as one of them."""

    message = "This token is for the panel's own pages; programs use the token of the panel's dashboard"
    code = "viewer_elsewhere"
    http_status = 403


class ViewerOrigin(BadToken):
    message = "This token works for the panel's own pages alone; programs use the token of the panel's dashboard"
    code = "viewer_origin"
    http_status = 403


@dataclass(frozen=True, slots=True)
class VerifyKey:
    """A public key and the only algorithm it may be used with. `public` is what PyJWT takes."""

    algorithm: str
    public: Any


@dataclass(frozen=True, slots=True)
class Claims:
    """A verified token: whose it is, which one it is, and what it allows.

    A `viewer` is one of the panel's own pages: it takes nothing from the customer's programs.
    """

    scope: Scope
    jti: str
    issued_at_s: int
    expires_at_s: int
    not_before_s: int = 0
    viewer: bool = False

    @property
    def guest(self) -> bool:
        """Tell whether it is nobody's: kernel.access leaves it TEST.CN and nothing else, whatever it says."""
        return self.viewer and self.scope.customer.partition(":")[0] == GUEST

    def check(self, now_s: float) -> None:
        """Look whether the token holds at an instant.

        Raises:
            TokenExpired, TokenNotYetValid: not any more, not yet.
        """
        if now_s >= self.expires_at_s + LEEWAY_S:
            raise TokenExpired
        if now_s < max(self.not_before_s, self.issued_at_s - SKEW_S) - LEEWAY_S:
            raise TokenNotYetValid


def issue(
    *,
    scope: Scope,
    jti: str,
    issuer: str,
    now_s: int,
    expires_at_s: int,
    kid: str,
    private_key: Any,
    algorithm: str = "EdDSA",
    node_id: str | None = None,
    viewer: bool = False,
) -> str:
    """Sign a scope. `markets`, `levels` and `max_*` are what holds now; `quota.steps` has what is to come.

    At most MOST_STEPS stand there, fewer where the token would be longer than SIGNED_BYTES (Scope.shortened); the
    store's entitlement has all of them and counts as long as it can be read.

    `types`, `intervals` and `symbols` stand in it where they restrict anything, and are absent where they do not.

    Args:
        node_id: of a node that wants the nested shape (kernel.nested); None for our own.
        viewer: it is for the panel's own pages, not for programs.
    """
    for most in range(MOST_STEPS, _FEWEST_STEPS - 1, -1):
        claims = _claims(scope.shortened(most), jti, issuer, now_s, expires_at_s)
        if viewer:
            claims["viewer"] = True
        if node_id is not None:
            claims = nested.as_nested(claims, node_id)
        token = jwt.encode(claims, private_key, algorithm=algorithm, headers={"kid": kid, "typ": TYP})
        if len(token) <= SIGNED_BYTES:
            break
    return token


def _claims(scope: Scope, jti: str, issuer: str, now_s: int, expires_at_s: int) -> dict[str, Any]:
    present = scope.at(now_s)
    return {
        "iss": issuer,
        "sub": scope.customer,
        "aud": scope.group,
        "jti": jti,
        "iat": now_s,
        "nbf": now_s - SKEW_S,
        "exp": expires_at_s,
        "scope_type": SCOPE_TYPE,
        "rev": scope.rev,
        "markets": sorted(present.markets),
        "levels": sorted(present.levels),
        **restrictions_as_claims(present),
        **({"symbols": sorted(scope.symbols)} if scope.symbols is not None else {}),
        "quota": {
            "max_subs": present.max_subs,
            "max_conns": present.max_conns,
            "steps": [step_as_claims(step) for step in scope.steps],
        },
    }


def key_id(token: str) -> str:
    """Return the `kid` of a token that nobody has verified yet.

    Raises:
        BadToken: it is too long, not a JWT, or its header is not ours.
    """
    if len(token) > MAX_TOKEN_BYTES:
        raise BadToken("the token is longer than any of ours")
    return _header(token.partition(".")[0])[0]


@lru_cache(maxsize=64)  # all tokens of a key have one header
def _header(part: str) -> tuple[str, str]:
    """Return a header's kid and alg."""
    try:
        header = _object(part)
    except (ValueError, RecursionError):
        raise BadToken(_NOT_A_JWT) from None
    kid, algorithm = header.get("kid"), header.get("alg")
    if header.get("typ") != TYP or not isinstance(kid, str) or not 1 <= len(kid) <= 64:
        raise BadToken("the token is not a real-time token of this service")
    # We give no meaning to extensions, and RFC 7515 refuses what is critical and not understood.
    if not isinstance(algorithm, str) or "crit" in header or "b64" in header:
        raise BadToken("the token is not a real-time token of this service")
    return kid, algorithm


def verify(token: str, *, keys: Mapping[str, VerifyKey], issuer: str, audience: str, now_s: float) -> Claims:
    """Return what a token says, if everything about it is right at `now_s`.

    Args:
        keys: verify keys by kid; the algorithm is the key's, never the header's.
        audience: the node group that this node belongs to.

    Raises:
        UnknownKey, BadToken, TokenExpired, TokenForeign: all HTTP 401.
    """
    kid = key_id(token)
    key = keys.get(kid)
    if key is None:
        raise UnknownKey
    claims = _read(_opened(token, key), issuer, audience)
    claims.check(now_s)
    return claims


def _opened(token: str, key: VerifyKey) -> dict[str, Any]:
    """Return the claims of a token that `key` has signed."""
    wrong = BadToken("the token's signature or claims are not right; copy it again from the panel, whole")
    parts = _COMPACT.fullmatch(token)
    if parts is None or _header(parts[1])[1] != key.algorithm:
        raise wrong
    try:
        signed = _SIGNED_BY[key.algorithm].verify(token[: parts.end(2)].encode(), key.public, _decoded(parts[3]))
        claims = _object(parts[2]) if signed else None
    except (ValueError, RecursionError):
        raise wrong from None
    if claims is None or any(claims.get(name) is None for name in _REQUIRED):
        raise wrong
    return claims


def _object(part: str) -> dict[str, Any]:
    """Return the JSON object of a header or a payload.

    Raises:
        ValueError, RecursionError: it is none, not in UTF-8, or a name stands in it twice.
    """
    found = _json(_decoded(part).decode("utf-8"))
    if not isinstance(found, dict):
        raise ValueError("it must be an object")
    return found


def _decoded(part: str) -> bytes:
    """Read base64url without padding; only what an encoder writes, so that a signed token has one text."""
    decoded = urlsafe_b64decode(part + "=" * (-len(part) % 4))
    if urlsafe_b64encode(decoded).rstrip(b"=") != part.encode():
        raise ValueError("it is not the canonical form")
    return decoded


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


_json = json.JSONDecoder(object_pairs_hook=_once).decode


def _read(claims: dict[str, Any], issuer: str, audience: str) -> Claims:
    # A list of audiences is legal JWT but none of ours: one token, one node group.
    if not isinstance(claims["aud"], str) or not isinstance(claims["jti"], str) or not isinstance(claims["sub"], str):
        raise BadToken("the token's aud, jti and sub must be texts")
    if claims["iss"] != issuer or claims["aud"] != audience:
        raise TokenForeign
    viewer = claims.get("viewer", False)
    # Strictly: what only looks like a page's token must become neither a page's nor a program's.
    if type(viewer) is not bool or (claims["sub"].partition(":")[0] == GUEST and not viewer):
        raise BadToken("the token's viewer is not right")
    times = {name: claims.get(name) for name in ("iat", "nbf", "exp")}
    if any(type(value) is not int for value in times.values()):
        raise BadToken("the token's times are not whole numbers")
    try:
        claims, symbols = nested.flattened(claims)
    except Malformed as error:
        raise BadToken(f"the token's scope is not right: {error.message}") from None
    if claims.get("scope_type") != SCOPE_TYPE:
        raise BadToken("the token is for another product")
    quota, rev = claims.get("quota"), claims.get("rev")
    if not isinstance(quota, dict) or type(rev) is not int or rev < 0:
        raise BadToken("the token's quota or rev is missing")
    try:
        words(claims, "markets", MARKETS)
        words(claims, "levels", LEVELS)
        words_or_all(claims, "types", TYPES)
        words_or_all(claims, "intervals", INTERVALS)
        steps = steps_from_claims(quota.get("steps"))
    except BadScope as error:
        raise BadToken(f"the token's scope is not right: {error.message}") from None
    scope = Scope(customer=claims["sub"], group=claims["aud"], rev=rev, steps=steps, symbols=symbols)
    return Claims(
        scope=scope, jti=claims["jti"], issued_at_s=claims["iat"], expires_at_s=claims["exp"],
        not_before_s=claims["nbf"], viewer=viewer,
    )  # fmt: skip
