"""Scope <-> JWT. Billing signs, streaming verifies; both by RFC 8725: one algorithm a key, typ, every claim required.

Time is an argument: PyJWT would read the clock itself, so its own time checks are off and ours follow.
No function here puts a token, or a part of one, into an error's text.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jwt

from kernel.errors import Refused
from kernel.scope import BadScope, Scope, step_as_claims, steps_from_claims, words

TYP = "rt+jwt"
SCOPE_TYPE = "realtime_stock"
LEEWAY_S = 5
MAX_TOKEN_BYTES = 16 * 1024  # a token with a hundred steps has 12 KiB; a header line is bounded by 64 KiB
ALGORITHMS = ("EdDSA", "RS256")
_REQUIRED = ["iss", "sub", "aud", "jti", "iat", "nbf", "exp"]


class BadToken(Refused):
    """The token is not one of ours."""

    code = "token_invalid"
    http_status = 401


class TokenMissing(BadToken):
    """No token; send it as `Authorization: Bearer ...`, in a browser's socket as the subprotocols `bearer, <token>`"""

    code = "token_missing"


class TokenExpired(BadToken):
    """The token has expired."""

    code = "token_expired"


class TokenForeign(BadToken):
    """The token is for another service or node group."""

    code = "token_foreign"


class TokenRevoked(BadToken):
    """The token was revoked."""

    code = "token_revoked"


class SubscriptionExpired(BadToken):
    """The last grant behind this token has ended; renew it on the panel and go on with the same token."""

    code = "subscription_expired"


class UnknownKey(BadToken):
    """The token is signed with a key this node does not know."""

    code = "token_unknown_key"


@dataclass(frozen=True, slots=True)
class VerifyKey:
    """A public key and the only algorithm it may be used with. `public` is what PyJWT takes."""

    algorithm: str
    public: Any


@dataclass(frozen=True, slots=True)
class Claims:
    """A verified token: whose it is, which one it is, and what it allows."""

    scope: Scope
    jti: str
    issued_at_s: int
    expires_at_s: int


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
) -> str:
    """Sign a scope. The claims are those of DESIGN section 3; `markets`, `levels` and `max_*` are the first step's."""
    present = scope.at(now_s)
    claims = {
        "iss": issuer,
        "sub": scope.customer,
        "aud": scope.group,
        "jti": jti,
        "iat": now_s,
        "nbf": now_s,
        "exp": expires_at_s,
        "scope_type": SCOPE_TYPE,
        "rev": scope.rev,
        "markets": sorted(present.markets),
        "levels": sorted(present.levels),
        "quota": {
            "max_subs": present.max_subs,
            "max_conns": present.max_conns,
            "steps": [step_as_claims(step) for step in scope.steps],
        },
    }
    return jwt.encode(claims, private_key, algorithm=algorithm, headers={"kid": kid, "typ": TYP})


def key_id(token: str) -> str:
    """Return the `kid` of a token that nobody has verified yet.

    Raises:
        BadToken: it is too long, not a JWT, or its header is not ours.
    """
    if len(token) > MAX_TOKEN_BYTES:
        raise BadToken("the token is longer than any of ours")
    return _key_id(token.partition(".")[0])


@lru_cache(maxsize=64)  # all tokens of a key have one header
def _key_id(header_part: str) -> str:
    try:
        # A signature and a payload of nothing: PyJWT looks at whole tokens only.
        header = jwt.get_unverified_header(f"{header_part}.e30.")
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise BadToken("the token is not a JWT; copy it again from the panel, whole") from None
    kid = header.get("kid")
    if header.get("typ") != TYP or not isinstance(kid, str) or not 1 <= len(kid) <= 64:
        raise BadToken("the token is not a real-time token of this service")
    return kid


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
    try:
        claims = jwt.decode(
            token,
            key.public,
            algorithms=[key.algorithm],
            issuer=issuer,
            audience=audience,
            options={
                "require": _REQUIRED,
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
                "verify_aud": True,
            },
        )
    except (jwt.InvalidAudienceError, jwt.InvalidIssuerError):
        raise TokenForeign from None
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise BadToken("the token's signature or claims are not right; copy it again from the panel, whole") from None
    return _read(claims, now_s)


def _read(claims: dict[str, Any], now_s: float) -> Claims:
    times = {name: claims.get(name) for name in ("iat", "nbf", "exp")}
    if any(type(value) is not int for value in times.values()):
        raise BadToken("the token's times are not whole numbers")
    if claims.get("scope_type") != SCOPE_TYPE:
        raise BadToken("the token is for another product")
    # A list of audiences is legal JWT but none of ours: one token, one node group.
    if not isinstance(claims["aud"], str) or not isinstance(claims["jti"], str) or not isinstance(claims["sub"], str):
        raise BadToken("the token's aud, jti and sub must be texts")
    if now_s >= claims["exp"] + LEEWAY_S:
        raise TokenExpired
    if now_s < claims["nbf"] - LEEWAY_S or now_s < claims["iat"] - LEEWAY_S:
        raise BadToken("the token is not valid yet; is this machine's clock right?")
    quota, rev = claims.get("quota"), claims.get("rev")
    if not isinstance(quota, dict) or type(rev) is not int or rev < 0:
        raise BadToken("the token's quota or rev is missing")
    try:
        words(claims, "markets", ("CN", "HK"))
        words(claims, "levels", ("L1", "L2"))
        scope = Scope(customer=claims["sub"], group=claims["aud"], rev=rev, steps=steps_from_claims(quota.get("steps")))
    except BadScope as error:
        raise BadToken(f"the token's scope is not right: {error.message}") from None
    return Claims(scope=scope, jti=claims["jti"], issued_at_s=claims["iat"], expires_at_s=claims["exp"])
