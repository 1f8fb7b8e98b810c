"""Addresses that do not work, and the verb that lets mails go there again."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.models import Customer
from billing.admin.verbs import Office, Verb
from outbox.models import SuppressedAddress
from outbox.services import mailing


def _lift(row: SuppressedAddress, said: dict[str, Any], by: Customer, now: datetime) -> HttpResponseRedirect:
    mailing.lift(address=row.address)
    return HttpResponseRedirect(reverse("admin:outbox_suppressedaddress_changelist"))  # the row is gone


@admin.register(SuppressedAddress)
class SuppressedAddressAdmin(Office):
    list_display = ("address", "reason", "since_at", "mail")
    search_fields = ("address",)
    list_select_related = ("mail",)
    date_hierarchy = "since_at"
    verbs = (Verb("lift", _("Write to it again"), ("outbox.lift_suppression",), _lift),)
