"""The questions of allauth and Django: how a person is written to, what failed logins count by, what is a password."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.internal.ratelimit import get_ip
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.models import Customer, languages

_AT_LEAST = 5  # different characters of a password


class AccountAdapter(DefaultAccountAdapter):
    """settings.ACCOUNT_ADAPTER."""

    def save_user(self, request: HttpRequest, user: Customer, form: Any, commit: bool = True) -> Customer:
        """Fill a new person's row from the sign-up form, with the language that the page was in."""
        asked = translation.get_language_from_request(request)
        if asked in dict(languages()):
            user.language = asked
        saved: Customer = super().save_user(request, user, form, commit)
        return saved

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send one of allauth's own mails, in the language of whom it is for; of nobody we know, in the page's."""
        person = context.get("user")
        with translation.override(getattr(person, "language", None) or translation.get_language()):
            super().send_mail(template_prefix, email, context)

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Count failed logins by account and address: by the account alone a stranger could lock its owner out."""
        account: str = super()._get_login_attempts_cache_key(request, **credentials)
        return f"{account}:{get_ip(request)}"


class DifferentCharacters:
    """Refuses one of few different characters (settings.AUTH_PASSWORD_VALIDATORS): blanks alone are long enough."""

    def validate(self, password: str, user: Any = None) -> None:
        different = len(set(password) - set(" \t\r\n\u00a0\u3000"))
        if different < _AT_LEAST:
            raise ValidationError(self.get_help_text(), code="password_too_uniform")

    def get_help_text(self) -> str:
        return _("Your password must have at least %(count)d different characters; blanks do not count.") % {
            "count": _AT_LEAST
        }
