"""Somebody who logs in: a buyer, or an admin."""

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _


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

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects = CustomerManager()  # type: ignore[misc,assignment]

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        constraints = [models.UniqueConstraint(Lower("email"), name="one_customer_an_address")]

    def __str__(self) -> str:
        return self.email

    def get_full_name(self) -> str:
        return self.email

    def get_short_name(self) -> str:
        return self.email
