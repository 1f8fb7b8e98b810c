"""By what right data is sold: entered by people, with their names."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.timezone import localdate
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display

from kernel.clock import utc_now
from nodes.models import DataLicence


@admin.register(DataLicence)
class DataLicenceAdmin(ModelAdmin):
    list_display = ("lane", "provider", "contract", "starts_on", "ends_on", "shown_state", "entered_by", "entered_at")
    list_filter = ("lane", "provider")
    readonly_fields = ("entered_by", "entered_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # Of what it was, stays: another provider or market is another licence.
        return (*self.readonly_fields, "lane", "provider") if obj else self.readonly_fields

    @display(description=_("today"), label={"holds": "success", "insisted": "warning", "ended": "danger"})
    def shown_state(self, licence: DataLicence) -> tuple[str, Any]:
        if not licence.covers(localdate(utc_now())):
            return "ended", _("does not hold")
        return ("holds", _("holds")) if licence.contract else ("insisted", _("holds on an operator's word"))

    def save_model(self, request: HttpRequest, obj: DataLicence, form: Any, change: bool) -> None:
        obj.entered_by, obj.entered_at = str(request.user)[:80], utc_now()
        super().save_model(request, obj, form, change)
