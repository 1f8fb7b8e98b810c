"""allauth's questions: in which language a person is written to, and what their failed logins count by."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.internal.ratelimit import get_ip
from django.http import HttpRequest
from django.utils import translation

from accounts.models import Customer, languages


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
