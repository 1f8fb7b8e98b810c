"""Where a token stands in a request, and what a 401 answers: read from plain header values, for every entrance.

Each reader returns the token without the blanks around it, "" where there is none. `required` says which one counts.
Header values come as texts, or as an ASGI server's bytes; no cookie has a say anywhere.
"""

from collections.abc import Sequence
from urllib.parse import parse_qs

from kernel.errors import PlatformError
from kernel.tokens import TokenMissing

SUBPROTOCOL = "bearer"  # what a server selects of `bearer, <token>`: the token must not come back in an answer
_UNAUTHORIZED = 401


def bearer(authorization: str | bytes | None) -> str:
    """Return the token of `Authorization: Bearer <token>`; the scheme's case does not matter (RFC 9110)."""
    scheme, _, token = text(authorization).partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def secret(authorization: str | bytes | None) -> str:
    """Return an operator's secret of `Authorization`: after exactly `Bearer `, or the bare value."""
    value = text(authorization).strip()
    return value.removeprefix("Bearer ").strip()


def own_header(value: str | bytes | None) -> str:
    """Return the token of a header that a dialect has for it alone, such as `token` or `X-API-Key`."""
    return text(value).strip()


def subprotocol_token(offered: Sequence[str]) -> str:
    """Return the token that a page offers as the subprotocols `bearer, <token>`, in this order and alone.

    A browser's socket can set no header. Whether the page may connect at all is its origin's matter, not asked here.
    """
    return offered[1] if len(offered) == 2 and offered[0] == SUBPROTOCOL else ""


def query_token(query: str | bytes, names: Sequence[str]) -> str:
    """Return the token of a query string, by the first of these names that has one; of a repeated name the first."""
    asked = parse_qs(text(query)) if names else {}
    return next((token for name in names if (token := asked.get(name, [""])[0].strip())), "")


def looks_like_a_token(query: str | bytes) -> bool:
    """Tell whether a query string seems to carry a token, for whoever refuses it there: URLs end in logs."""
    return "token=" in text(query)


def required(*found: str) -> str:
    """Return the first token that was found, in the order of the arguments.

    Raises:
        TokenMissing: there is none.
    """
    token = next(filter(None, found), None)
    if token is None:
        raise TokenMissing
    return token


def challenge(error: PlatformError) -> str | None:
    """Return the `WWW-Authenticate` of an answer (RFC 6750, section 3); None for an error that is not HTTP 401.

    The code of an error is lower case, digits and underscores, so nothing in it needs quoting.
    """
    if error.http_status != _UNAUTHORIZED:
        return None
    return f'Bearer error="invalid_token", error_description="{error.code}"'


def text(value: str | bytes | None) -> str:
    """Return a header's value as a text; HTTP's bytes are Latin-1."""
    if value is None:
        return ""
    return value.decode("latin-1") if isinstance(value, bytes) else value
