"""Errors of HTTP as RFC 9457 has them (`application/problem+json`), each with a code of ours that stays.

Which addresses answer so is the caller's affair. A code's page is `<base>#<code>`; what stands here are the codes of
HTTP itself, which no error of our own has.
"""

from collections.abc import Mapping
from typing import Any

from kernel.errors import PlatformError

MEDIA_TYPE = "application/problem+json"
ADDRESSES = "/api/v1/shop/"  # what stands below answers its errors so
PAGE = f"{ADDRESSES}problems"
# code -> status and what it says
HTTP: Mapping[str, tuple[int, str]] = {
    "fields_invalid": (400, "Fields of the request cannot be used; `errors` names them"),
    "body_unreadable": (400, "The body is no JSON object"),
    "malformed": (400, "The request cannot be read"),
    "not_authenticated": (401, "Nobody is logged in; send an API key"),
    "csrf_failed": (403, "A session needs its CSRF token; send it, or an API key"),
    "permission_denied": (403, "Who asks may not do this"),
    "not_found": (404, "There is nothing at this address"),
    "method_not_allowed": (405, "This address does not know the method"),
    "not_acceptable": (406, "The answer is JSON, which `Accept` does not take"),
    "body_too_large": (413, "The body is too long"),
    "unsupported_media_type": (415, "A body is sent as application/json"),
    "too_many_requests": (429, "Too many calls; wait as long as `Retry-After` says"),
    "internal_error": (500, "This is our fault; try again, and tell us when it stays"),
    "unavailable": (503, "Something this request needs is away, or too much is asked at this moment; try again"),
}


def applies_to(path: str) -> bool:
    """Tell whether errors of an address are problems."""
    return path.startswith(ADDRESSES)


def of_http(code: str, *, base: str, detail: str = "", **fields: Any) -> dict[str, Any]:
    """Return the problem of a code of HTTP.

    Args:
        base: where the shop is, `https://shop.example`.
    """
    status, title = HTTP[code]
    return _problem(code, status, title, detail or title, base, fields)


def of_error(error: PlatformError, *, base: str) -> dict[str, Any]:
    """Return the problem that one of our own errors is; its numbers stand beside."""
    return _problem(error.code, error.http_status, type(error).message, error.message, base, error.fields)


def _problem(code: str, status: int, title: str, detail: str, base: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    told = {"type": f"{base}{PAGE}#{code}", "title": title, "status": status, "detail": detail, "code": code}
    return {**fields, **told}
