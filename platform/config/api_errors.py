"""The one place where an error becomes an HTTP status."""

from typing import Any

from rest_framework.response import Response
from rest_framework.views import exception_handler

from config import problems
from kernel.credentials import challenge
from kernel.errors import PlatformError, Refused
from kernel.problems import applies_to
from kernel.tokens import BadToken


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer our own errors as {code, message, ...}, and leave the framework's to the framework.

    Below /api/v1/shop/ both are problems (config.problems).
    """
    request = context.get("request")
    as_problems = request is not None and applies_to(request.path)
    if not isinstance(error, PlatformError):
        return problems.of_framework_error(error, context) if as_problems else exception_handler(error, context)
    headers = {}
    if as_problems:
        asked = challenge(error)
        return problems.of_platform_error(error, {"WWW-Authenticate": asked} if asked else {})
    if isinstance(error, BadToken) and (asked := challenge(error)):
        headers["WWW-Authenticate"] = asked
    elif not isinstance(error, Refused) and error.http_status == 503:
        headers["Retry-After"] = "2"
    return Response(error.as_json(), status=error.http_status, headers=headers)
