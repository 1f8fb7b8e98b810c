"""Customers' API keys, for support: seen without their texts, and revoked with a reason."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from accounts.models import ApiKey, Customer
from accounts.services import revoke_api_key
from billing.admin.verbs import Office, Verb, VerbForm, reason_field
from billing.errors import AlreadyDecided


class RevokeForm(VerbForm):
    reason = reason_field()


def _revoke(row: ApiKey, said: dict[str, Any], by: Customer, now: datetime) -> ApiKey:
    if not revoke_api_key(key=row, why=said["reason"], now=now):
        raise AlreadyDecided
    return row


@admin.register(ApiKey)
class ApiKeyAdmin(Office):
    list_display = ("prefix", "name", "customer", "created_at", "last_used_at", "expires_at", "revoked_at")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    search_fields = ("prefix", "name", "customer__email")
    list_select_related = ("customer",)
    fields = (
        "prefix", "name", "customer", "scopes", "created_at", "last_used_at", "expires_at", "revoked_at", "revoked_why",
    )  # fmt: skip
    verbs = (
        Verb(
            "revoke", _("Revoke this key"), ("accounts.revoke_apikey",), _revoke, RevokeForm,
            fits=lambda row: row.revoked_at is None,
        ),
    )  # fmt: skip
