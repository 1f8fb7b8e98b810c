"""Somebody who logs in, a buyer or an admin; and each message to a phone with what it cost."""

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.domain.phones import PATTERN


def new_id() -> str:
    """Return 32 random hexadecimal digits: what people and programs outside may call a row."""
    return uuid.uuid4().hex


def languages() -> list[tuple[str, Any]]:
    """Return what a person may be written to in; read when it is asked for, so that no migration copies it."""
    return list(settings.LANGUAGES)


def default_language() -> str:
    return str(settings.LANGUAGE_CODE)


class CustomerManager(BaseUserManager["Customer"]):
    """Makes customers from an email address; addresses are kept in lower case."""

    use_in_migrations = True

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "Customer":
        if not email:
            raise ValueError("a customer needs an email address")
        customer = self.model(email=email.strip().lower(), **fields)
        customer.set_password(password)
        customer.save(using=self._db)
        return customer

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "Customer":
        return self.create_user(email, password, **{**fields, "is_staff": True, "is_superuser": True})

    def get_by_natural_key(self, username: str | None) -> "Customer":
        return self.get(email__iexact=username)


class Customer(AbstractUser):
    """Somebody who logs in: a buyer, or an admin."""

    username = None  # type: ignore[assignment]
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    email = models.EmailField(_("email address"), unique=True)
    public_id = models.CharField(_("public id"), max_length=32, unique=True, default=new_id, editable=False)
    language = models.CharField(
        _("language"),
        max_length=10,
        choices=languages,
        default=default_language,
        help_text=_("Mails are written in it."),
    )
    # Only a number that was proved with a code stands here.
    phone = models.CharField(_("mobile number"), max_length=14, unique=True, null=True, blank=True)
    phone_verified_at = models.DateTimeField(_("mobile number proved at"), null=True, blank=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects = CustomerManager()  # type: ignore[misc,assignment]

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        permissions: ClassVar = [("give_roles", "Can make people staff, and put them into groups")]
        constraints = [
            models.UniqueConstraint(Lower("email"), name="one_customer_an_address"),
            models.CheckConstraint(
                condition=Q(phone=None, phone_verified_at=None)
                | Q(phone__isnull=False, phone__regex=PATTERN, phone_verified_at__isnull=False),
                name="phone_is_a_proved_mainland_number",
            ),
        ]

    def __str__(self) -> str:
        return self.email

    def get_full_name(self) -> str:
        return self.email

    def get_short_name(self) -> str:
        return self.email


class SmsMessage(models.Model):
    """A message to a phone that a provider was asked to send, and what it costs; the number is not readable in it."""

    class Outcome(models.TextChoices):
        UNKNOWN = "unknown", _("nobody knows")  # the provider did not answer; it may have been sent, so it counts
        SENT = "sent", _("sent")
        REFUSED = "refused", _("refused by the provider")

    class Purpose(models.TextChoices):
        LOGIN = "login", _("code to log in")
        PHONE = "phone", _("code to add a number")

    customer = models.ForeignKey(
        Customer, verbose_name=_("customer"), null=True, on_delete=models.SET_NULL, related_name="+"
    )
    number = models.CharField(_("number, masked"), max_length=16)
    provider = models.CharField(_("provider"), max_length=16)
    purpose = models.CharField(pgettext_lazy("of a code", "purpose"), max_length=8, choices=Purpose.choices)
    outcome = models.CharField(_("outcome"), max_length=8, choices=Outcome.choices, default=Outcome.UNKNOWN)
    provider_code = models.CharField(_("provider's code"), max_length=80, blank=True)
    provider_number = models.CharField(_("provider's number"), max_length=80, blank=True)
    cost_fen = models.PositiveIntegerField(_("cost, fen"))
    sent_at = models.DateTimeField(_("asked for at"))

    class Meta:
        verbose_name = _("message to a phone")
        verbose_name_plural = _("messages to phones")
        ordering = ("-sent_at", "-pk")
        indexes = [models.Index(fields=["-sent_at", "-id"], name="accounts_sms_newest")]

    def __str__(self) -> str:
        return f"{self.number} · {self.get_purpose_display()}"


class SmsDay(models.Model):
    """What messages of one day, Shanghai's, may still cost: the one row that each message passes."""

    day = models.DateField(_("day"), unique=True)
    spent_fen = models.PositiveIntegerField(_("spent, fen"), default=0)
    full_at = models.DateTimeField(_("cap reached at"), null=True, blank=True)

    class Meta:
        verbose_name = _("day of messages to phones")
        verbose_name_plural = _("days of messages to phones")

    def __str__(self) -> str:
        return str(self.day)


class ApiKey(models.Model):
    """What a program of a customer shows instead of a password. Its text is shown once and kept as a digest alone."""

    class Scope(models.TextChoices):
        READ = "read", _("read what you have, owe and were sent")
        ORDERS = "orders", _("place and cancel orders, also from your balance")
        TOKENS = "tokens", _("see, replace and revoke access tokens")

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="api_keys", verbose_name=_("customer"))
    name = models.CharField(_("name"), max_length=60)
    prefix = models.CharField(_("begins with"), max_length=12)  # for people to tell keys apart
    digest = models.CharField(_("digest"), max_length=64, unique=True, editable=False)
    scopes = models.JSONField(_("scopes"))
    created_at = models.DateTimeField(_("created"))
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    revoked_why = models.CharField(_("why it was revoked"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering = ["-id"]
        permissions: ClassVar = [("revoke_apikey", "Can revoke customers' API keys")]
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_at__isnull=True) | Q(expires_at__gt=F("created_at")),
                name="api_key_works_for_a_time",
            )
        ]

    def __str__(self) -> str:
        return f"{self.prefix}…"


class BrowserSession(models.Model):
    """A browser that somebody is logged in with, beside Django's session of the same key."""

    session_key = models.CharField(_("session"), max_length=40, unique=True, editable=False)
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="browser_sessions", verbose_name=_("customer"))
    address = models.GenericIPAddressField(_("address"), null=True, blank=True)
    agent = models.CharField(_("browser"), max_length=300, blank=True)
    began_at = models.DateTimeField(_("since"))
    seen_at = models.DateTimeField(_("last seen"), db_index=True)

    class Meta:
        verbose_name = _("logged-in browser")
        verbose_name_plural = _("logged-in browsers")
        ordering = ["-seen_at"]
        indexes: ClassVar = [models.Index(fields=["customer", "-seen_at"], name="browsers_of_customer")]

    def __str__(self) -> str:
        return f"#{self.pk}"


class WatchList(models.Model):
    """Symbols that a customer keeps an eye on, in their own order. Whoever has `share_code` may see and copy it."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="watch_lists", verbose_name=_("customer"))
    public_id = models.CharField(_("public id"), max_length=32, unique=True, default=new_id, editable=False)
    name = models.CharField(_("name"), max_length=40)
    symbols = models.JSONField(_("symbols of the list"), default=list)
    place = models.PositiveIntegerField(_("place among the lists"), default=0)
    share_code = models.CharField(_("code of its link"), max_length=16, unique=True, null=True, blank=True)
    changed_at = models.DateTimeField(_("changed"))

    class Meta:
        verbose_name = _("watch list")
        verbose_name_plural = _("watch lists")
        ordering = ["place", "id"]
        constraints = [models.CheckConstraint(condition=~Q(name=""), name="watch_list_has_a_name")]

    def __str__(self) -> str:
        return self.name
