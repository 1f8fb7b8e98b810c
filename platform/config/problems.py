"""Errors below /api/v1/shop/ as problem+json, whoever found them: a service, the framework, Django, the server."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import HttpResponse, JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

from kernel import problems
from kernel.errors import PlatformError, Unavailable

_CODES: tuple[tuple[type[exceptions.APIException], str], ...] = (
    (exceptions.ParseError, "body_unreadable"),
    (exceptions.NotAuthenticated, "not_authenticated"),
    (exceptions.AuthenticationFailed, "not_authenticated"),
    (exceptions.MethodNotAllowed, "method_not_allowed"),
    (exceptions.NotAcceptable, "not_acceptable"),
    (exceptions.UnsupportedMediaType, "unsupported_media_type"),
    (exceptions.Throttled, "too_many_requests"),
)
_STATUSES = {403: "permission_denied", 404: "not_found"}
_AN_HOUR, _A_MOMENT = "3600", "2"


def of_platform_error(error: PlatformError, headers: dict[str, str]) -> Response:
    """Return the answer to one of our own errors."""
    if error.http_status == 429:
        headers = {**headers, "Retry-After": str(error.fields.get("retry_after_seconds", _AN_HOUR))}
    elif isinstance(error, Unavailable):
        headers = {**headers, "Retry-After": _A_MOMENT}
    found = problems.of_error(error, base=settings.PANEL_URL)
    return Response(found, status=error.http_status, headers=headers, content_type=problems.MEDIA_TYPE)


def of_framework_error(error: Exception, context: dict[str, Any]) -> Response | None:
    """Return the answer to an error of the REST framework or of Django; None for what is a fault."""
    if isinstance(error, SuspiciousOperation):
        return _answer("malformed", str(error)[:200], {})
    answer = exception_handler(error, context)
    if answer is None:
        return None
    headers = {name: str(answer[name]) for name in ("WWW-Authenticate", "Retry-After", "Allow") if name in answer}
    if isinstance(error, exceptions.ValidationError):
        return _answer("fields_invalid", "", headers, errors=list(_fields(error.get_full_details())))
    code = next((code for kind, code in _CODES if isinstance(error, kind)), _STATUSES.get(answer.status_code, ""))
    detail = str(getattr(error, "detail", ""))
    if code == "permission_denied" and detail.startswith("CSRF"):
        code = "csrf_failed"
    return _answer(code or "malformed", detail, headers)


def plain(code: str, detail: str = "", headers: dict[str, str] | None = None) -> HttpResponse:
    """Return an answer without the REST framework: for what never came to a view, or broke one."""
    found = problems.of_http(code, base=settings.PANEL_URL, detail=detail)
    return JsonResponse(found, status=found["status"], headers=headers, content_type=problems.MEDIA_TYPE)


def _answer(code: str, detail: str, headers: dict[str, str], **fields: Any) -> Response:
    found = problems.of_http(code, base=settings.PANEL_URL, detail=detail, **fields)
    return Response(found, status=found["status"], headers=headers, content_type=problems.MEDIA_TYPE)


def _fields(details: Any, name: str = "") -> Iterator[dict[str, str]]:
    """Yield what is wrong with each field; `name` is dotted where one stands inside another."""
    if (
        isinstance(details, dict)
        and set(details) == {"message", "code"}
        and not isinstance(details["code"], list | dict)
    ):
        yield {"field": name, "code": str(details["code"]), "message": str(details["message"])}
    elif isinstance(details, dict):
        for key, value in details.items():
            inner = "" if key == "non_field_errors" else str(key)
            yield from _fields(value, ".".join(filter(None, (name, inner))))
    else:
        for value in details:
            yield from _fields(value, name)
