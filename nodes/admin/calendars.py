"""Trading days that operators have changed, and up to when days are known."""

from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.timezone import localdate
from unfold.admin import ModelAdmin

from kernel.clock import utc_now
from nodes import announcements, selectors
from nodes.models import CalendarHorizon, CalendarOverride


class TellsOfCalendars(ModelAdmin):
    """A list that says above its rows which markets' known trading days end soon."""

    list_before_template = "admin/nodes/ending_calendars.html"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        ending = selectors.ending_calendars(localdate(utc_now()))
        return super().changelist_view(request, {**(extra_context or {}), "ending_calendars": ending})


@admin.register(CalendarOverride)
class CalendarOverrideAdmin(TellsOfCalendars):
    list_display = ("day_on", "lane", "kind", "opens_at", "closes_at", "note", "entered_by", "entered_at")
    list_filter = ("lane", "kind")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # Another day is another override: the old one would have to be taken back as well.
        return ("lane", "day_on") if obj else ()

    def save_model(self, request: HttpRequest, obj: CalendarOverride, form: Any, change: bool) -> None:
        with transaction.atomic():
            obj.entered_by, obj.entered_at = str(request.user)[:80], utc_now()
            super().save_model(request, obj, form, change)
            announcements.calendar_override(lane=obj.lane, day=obj.day_on.isoformat())

    def delete_model(self, request: HttpRequest, obj: CalendarOverride) -> None:
        with transaction.atomic():
            super().delete_model(request, obj)
            announcements.calendar_override(lane=obj.lane, day=obj.day_on.isoformat())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[CalendarOverride]) -> None:
        for override in queryset:
            self.delete_model(request, override)


@admin.register(CalendarHorizon)
class CalendarHorizonAdmin(TellsOfCalendars):
    """Up to when trading days are known. `manage.py import_calendar` sets it; taking it back is done here."""

    list_display = ("lane", "until_on", "entered_by", "entered_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("lane",) if obj else ()

    def save_model(self, request: HttpRequest, obj: CalendarHorizon, form: Any, change: bool) -> None:
        with transaction.atomic():
            obj.entered_by, obj.entered_at = str(request.user)[:80], utc_now()
            super().save_model(request, obj, form, change)
            announcements.calendar_horizon(lane=obj.lane)

    def delete_model(self, request: HttpRequest, obj: CalendarHorizon) -> None:
        with transaction.atomic():
            super().delete_model(request, obj)
            announcements.calendar_horizon(lane=obj.lane)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[CalendarHorizon]) -> None:
        for horizon in queryset:
            self.delete_model(request, horizon)
