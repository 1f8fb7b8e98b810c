"""The one place where an error becomes an HTTP status."""

from typing import Any

from rest_framework.response import Response
from rest_framework.views import exception_handler

from kernel.credentials import challenge
from kernel.errors import PlatformError, Refused
from kernel.tokens import BadToken


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer our own errors as {code, message, ...}; leave the framework's to the framework."""
    if not isinstance(error, PlatformError):
        return exception_handler(error, context)
    headers = {}
    if isinstance(error, BadToken) and (asked := challenge(error)):
        headers["WWW-Authenticate"] = asked
    elif not isinstance(error, Refused) and error.http_status == 503:
        headers["Retry-After"] = "2"
    return Response(error.as_json(), status=error.http_status, headers=headers)
