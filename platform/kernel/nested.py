"""The claims of a token as rt-receivers read them: everything that is allowed stands under `scope`.

`issue` and `verify` (kernel.tokens) know flat claims; here they are turned into the nested ones and back, so that
nothing that we sign is lost: `jti`, `aud`, `kid` and the steps stand in both. docs/protocol.md "rt-receiver".
"""

from typing import Any

from kernel.errors import Malformed
from kernel.scope import symbols_from

FLAT, NESTED = "flat", "nested"
SHAPES = (FLAT, NESTED)
_MARKETS = {"CN": "CN", "A_STOCK": "CN", "ASTOCK": "CN", "STOCK": "CN", "ETF": "CN", "INDEX": "CN", "HK": "HK"}
_RESTRICTIONS = ("types", "intervals")  # absent where a plan has all of them
_MAX_CONNS = 3  # of a token that doesn't say: their own have no such number


class BadShape(Malformed):
    message = "A nested scope is not of its shape."
    code = "bad_token_shape"


def market_of(word: Any) -> str:
    """Return what a market's name stands for.

    Raises:
        BadShape: it is none.
    """
    found = _MARKETS.get(word.strip().upper()) if isinstance(word, str) else None
    if found is None:
        raise BadShape("a market is one of A_STOCK, STOCK, ETF, INDEX, CN and HK")
    return found


def markets_of(value: Any) -> list[str]:
    """Read a list of markets' names."""
    if not isinstance(value, list):
        raise BadShape("markets must be a list")
    return sorted({market_of(word) for word in value})


def symbols_of(value: Any) -> frozenset[str] | None:
    """Read `{mode, list}`; None for all.

    Raises:
        BadScope, BadShape: it is neither all nor a list of symbols.
    """
    if value is None:
        return None
    mode = value.get("mode") if isinstance(value, dict) else None
    if mode in ("all", "", None) and isinstance(value, dict):
        return None
    if mode != "list":
        raise BadShape("symbols.mode must be all or list")
    return symbols_from(value.get("list"))


def as_nested(claims: dict[str, Any], node_id: str) -> dict[str, Any]:
    """Return flat claims in the nested shape."""
    inside = ("scope_type", "markets", "levels", "symbols", "quota", *_RESTRICTIONS)
    only = {"mode": "list", "list": claims["symbols"]} if "symbols" in claims else {"mode": "all", "list": []}
    return {
        **{name: value for name, value in claims.items() if name not in inside},
        "node_id": node_id,
        "scope": {
            "type": claims["scope_type"],
            "markets": claims["markets"],
            "levels": claims["levels"],
            "symbols": only,
            **{name: claims[name] for name in _RESTRICTIONS if name in claims},
            "quota": claims["quota"],
        },
    }


def flattened(claims: dict[str, Any]) -> tuple[dict[str, Any], frozenset[str] | None]:
    """Return claims in our own shape and the only symbols that they allow; those that are flat come back as they are.

    Without steps there are two, as their own tokens mean it: what the quota says until `exp`, and then nothing.

    Raises:
        Malformed: the scope is not of its shape.
    """
    scope = claims.get("scope")
    if scope is None:
        return claims, symbols_from(claims["symbols"]) if "symbols" in claims else None
    if not isinstance(scope, dict) or "scope_type" in claims or "symbols" in claims:
        raise BadShape("scope must be an object, and the only one")
    if "viewer" in scope:
        raise BadShape("viewer stands beside the scope")
    quota = scope.get("quota")
    if not isinstance(quota, dict):
        raise BadShape("scope.quota must be an object")
    markets = markets_of(scope.get("markets"))
    restricted = {name: scope[name] for name in _RESTRICTIONS if name in scope}
    if any(name in claims for name in _RESTRICTIONS):
        raise BadShape("scope must be an object, and the only one")
    flat = {**claims, "scope_type": scope.get("type"), "markets": markets, "levels": scope.get("levels"), **restricted}
    if "steps" not in quota:
        begins, ends = min(claims["iat"], claims["nbf"]), claims["exp"]
        allowed = {"markets": markets, "levels": scope.get("levels"), "max_conns": quota.get("max_conns", _MAX_CONNS)}
        nothing: dict[str, Any] = {"max_subs": 0, "max_conns": 0, "markets": [], "levels": []}
        steps = [
            {"from": begins, "max_subs": quota.get("max_subs"), **allowed, **restricted},
            {"from": ends, **nothing},
        ]
        quota = {**quota, "steps": steps}
    return {**flat, "quota": quota}, symbols_of(scope.get("symbols"))
