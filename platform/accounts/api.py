"""How programs of customers come in: by API key, or with the session of a browser; what they may, and how often.

A session may all that its customer may, with Django's CSRF check; a key may what its scopes say.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from accounts.errors import ScopeMissing
from accounts.models import ApiKey, Customer
from accounts.services import KEY_BEGINS, count_once_more, use_api_key
from kernel.clock import utc_now
from kernel.credentials import bearer

_MINUTE = 60


class ApiKeyAuthentication(BaseAuthentication):
    """Takes `Authorization: Bearer tpk_...`; another header, or none, is left to the session."""

    def authenticate(self, request: Request) -> tuple[Customer, ApiKey] | None:
        shown = bearer(request.headers.get("Authorization"))
        if not shown:
            return None
        key = use_api_key(shown, now=utc_now())
        return key.customer, key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="shop"'


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """What the API's description says of it."""

    target_class = ApiKeyAuthentication
    name = "ApiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        said = f"An API key of the panel's page /account/keys/, which begins with `{KEY_BEGINS}`."
        return {"type": "http", "scheme": "bearer", "description": said}


def may(request: Request, scope: str) -> bool:
    """Tell whether who asks has a scope: a key its own, a session all."""
    return not isinstance(request.auth, ApiKey) or scope in request.auth.scopes


class HasScope(BasePermission):
    """Lets in who has what the view's `scopes` say of the method."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        wanted: Mapping[str, str] = getattr(view, "scopes", {})
        scope = wanted.get(str(request.method), ApiKey.Scope.READ)
        if not may(request, scope):
            assert isinstance(request.auth, ApiKey)  # a session may all
            raise ScopeMissing(scope=str(scope), scopes=request.auth.scopes)
        return True


class ByKey(BaseThrottle):
    """So many calls a minute of each key, and of each customer's sessions together."""

    seconds: ClassVar[int] = _MINUTE

    def allow_request(self, request: Request, view: APIView) -> bool:
        who = f"key:{request.auth.pk}" if isinstance(request.auth, ApiKey) else f"customer:{request.user.pk}"
        minute, self._past = divmod(int(utc_now().timestamp()), self.seconds)
        return count_once_more(f"api:{who}:{minute}", seconds=2 * self.seconds) <= settings.API_CALLS_A_MINUTE

    def wait(self) -> float:
        return float(self.seconds - self._past)
