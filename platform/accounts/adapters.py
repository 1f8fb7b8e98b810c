"""The questions of allauth and Django: how a person is written to, by mail or on a phone, what failed logins count by,
what is a password."""

from typing import Any
from urllib.parse import urlencode

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.account.utils import get_next_redirect_url
from allauth.core import context as allauth_context
from allauth.core.internal.ratelimit import get_ip
from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.sites.shortcuts import get_current_site
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from accounts import selectors, services
from accounts.domain.phones import Purpose
from accounts.forms import PhoneNumberField
from accounts.models import Customer, default_language, languages
from accounts.selectors import person_of
from accounts.services import CHOSEN
from accounts.services.sessions import end_sessions
from kernel.clock import utc_now
from outbox.services import mailing

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
        person = context.get("user") or person_of(email)
        language = getattr(person, "language", None) or translation.get_language() or default_language()
        request = allauth_context.request
        with translation.override(language):
            known = {"request": request, "email": email, "current_site": get_current_site(request)}
            message = self.render_mail(template_prefix, email, {**known, **context})
        customer = person if isinstance(person, Customer) and person.pk else None
        mailing.send_account_mail(message, customer=customer, language=language, now=utc_now())

    def render_mail(
        self, template_prefix: str, email: str | list[str], context: dict[str, Any], headers: Any = None
    ) -> EmailMultiAlternatives:
        """Write a mail as plain text, by its template, and the same in the frame that all our mails have."""
        message: EmailMultiAlternatives = super().render_mail(template_prefix, email, context, headers)
        link = context.get("activate_url") or context.get("password_reset_url") or ""
        shown = {
            "subject": str(message.subject).removeprefix(settings.ACCOUNT_EMAIL_SUBJECT_PREFIX),
            "parts": message.body.split(link, 1) if link else [message.body],
            "link": link,
            "label": _("Confirm the address") if "activate_url" in context else _("Choose a new password"),
            "shop": settings.SHOP_NAME,
            "panel_url": settings.PANEL_URL,
        }
        message.attach_alternative(render_to_string("mail/account.html", shown), "text/html")
        return message

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Count failed logins by account and address: by the account alone a stranger could lock its owner out."""
        account: str = super()._get_login_attempts_cache_key(request, **credentials)
        return f"{account}:{get_ip(request)}"

    def set_password(self, user: Customer, password: str) -> None:
        """Set a password; where a link by mail did it, whoever else had come in by another door is shut out."""
        super().set_password(user, password)
        if user.pk is not None:
            # Who knew the old one may be logged in somewhere.
            here = self.request.session.session_key if self.request.user == user else None
            end_sessions(customer=user, but=here)
        if not self.request.user.is_authenticated:
            services.shut_unproved_doors(customer=user)

    # -- what somebody had chosen before they logged in: it survives the way through mails, on this browser and others
    def get_login_redirect_url(self, request: HttpRequest) -> str:
        chosen: str = request.session.pop(CHOSEN, "")
        return chosen if chosen and self.is_safe_url(chosen) else str(super().get_login_redirect_url(request))

    def get_signup_redirect_url(self, request: HttpRequest) -> str:
        return self.get_login_redirect_url(request)

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: Any) -> str:
        return self._with_chosen(request, str(super().get_email_confirmation_url(request, emailconfirmation)))

    def get_reset_password_from_key_url(self, key: str) -> str:
        return self._with_chosen(self.request, str(super().get_reset_password_from_key_url(key)))

    def _with_chosen(self, request: HttpRequest, url: str) -> str:
        """Return a link for a mail that leads on to what was chosen, where something was."""
        chosen = get_next_redirect_url(request) or request.session.get(CHOSEN, "")
        return f"{url}?{urlencode({REDIRECT_FIELD_NAME: chosen})}" if chosen and self.is_safe_url(chosen) else url

    def get_email_verification_redirect_url(self, email_address: EmailAddress) -> str:
        if self.request.user.is_authenticated:
            return self.get_login_redirect_url(self.request)
        return str(super().get_email_verification_redirect_url(email_address))

    # -- phones: a number is kept once it is proved, so none of them waits to be
    def phone_form_field(self, **more: Any) -> PhoneNumberField:
        return PhoneNumberField(**more)

    def get_phone(self, user: Customer) -> tuple[str, bool] | None:
        number = selectors.verified_phone(user)
        return (number, True) if number else None

    def set_phone(self, user: Customer, phone: str, verified: bool) -> None:
        if verified:
            self.set_phone_verified(user, phone)

    def set_phone_verified(self, user: Customer, phone: str) -> None:
        services.keep_phone(customer=user, number=phone, now=utc_now())

    def get_user_by_phone(self, phone: str) -> Customer | None:
        return selectors.by_phone(phone)

    def send_verification_code_sms(self, user: Customer, phone: str, code: str, **more: Any) -> None:
        """Send a code; who is logged in adds a number, who is not wants to log in."""
        purpose = Purpose.PHONE if self.request.user.is_authenticated else Purpose.LOGIN
        services.send_code(customer=user, number=phone, purpose=purpose, code=code, now=utc_now())

    def send_unknown_account_sms(self, phone: str, **more: Any) -> None:
        """Write to nobody: the page is the same as for a known number, and strangers are no cost of ours."""


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
