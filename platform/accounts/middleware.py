"""Lets staff into the admin with a second factor alone (settings.STAFF_MFA), and notes which browsers were here."""

from collections.abc import Callable

from allauth.account.authentication import get_authentication_records
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.services import sessions
from kernel.clock import utc_now

_OPEN = ("/admin/logout/", "/admin/jsi18n/")


class StaffSecondFactor:
    """Leads staff without a second factor to where one is set up, and a session that did not use it to where it can.

    A session may be older than the factor, or have come in by another door; the password alone opens no page of the
    admin. Stands behind allauth's own middleware.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        path = request.path_info
        if not settings.STAFF_MFA or not path.startswith("/admin/") or path in _OPEN or not _is_staff(request):
            return self._get_response(request)
        if not is_mfa_enabled(request.user, [Authenticator.Type.TOTP]):
            messages.info(request, _("The administration needs a second factor. Set it up here, then come back."))
            return redirect("mfa_activate_totp")
        if not any(record.get("method") == "mfa" for record in get_authentication_records(request, request.user)):
            return redirect_to_login(request.get_full_path(), reverse("mfa_reauthenticate"))
        return self._get_response(request)


def _is_staff(request: HttpRequest) -> bool:
    return bool(request.user.is_authenticated and request.user.is_staff)


class SeenBrowsers:
    """Notes, once in five minutes, that a person's browser was here: what the page of sessions shows."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        answer = self._get_response(request)
        # Behind the page: it may have logged somebody in or out. One that asked for no session stays the same for all.
        if hasattr(request, "session") and request.session.accessed and request.user.is_authenticated:
            sessions.note_seen(request, now=utc_now())
        return answer
