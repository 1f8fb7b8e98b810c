"""The list of instruments: searched, filtered, changed; above it what running feeds report and no list has."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import display

from kernel.errors import PlatformError
from nodes import selectors
from nodes.models import Instrument, InstrumentList
from nodes.services import instruments
from outbox.admin import ReadOnly

_COLORS = {"trading": "success", "suspended": "warning", "delisted": "danger"}


@admin.register(Instrument)
class InstrumentAdmin(ModelAdmin):
    list_before_template = "admin/nodes/reported_symbols.html"
    list_display = ("symbol", "name_zh", "name_en", "board", "kind", "lot", "shown_state", "listed_on", "entered_by")
    list_filter = ("state", "board", "kind", "currency", "sector")
    search_fields = ("symbol", "name_zh", "name_en", "pinyin", "initials", "former_codes", "former_names")
    readonly_fields = ("entered_by", "entered_at")
    actions = ("delist", "relist")
    list_per_page = 100

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # Another code is another row, whose former codes have this one.
        return (*self.readonly_fields, "symbol") if obj else self.readonly_fields

    @display(description=_("state"), label=_COLORS)
    def shown_state(self, instrument: Instrument) -> tuple[str, str]:
        return instrument.state, instrument.get_state_display()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        reported = selectors.reported_unknown() if self.has_add_permission(request) else {}
        told = {"reported": list(reported), "published": InstrumentList.objects.first()}
        answer: HttpResponse = super().changelist_view(request, {**(extra_context or {}), **told})
        return answer

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("add-reported/", view(require_POST(self.add_reported)), name="add_reported"),
            path("enter-committed/", view(require_POST(self.enter_committed)), name="enter_committed"),
            *super().get_urls(),
        ]

    def enter_committed(self, request: HttpRequest) -> HttpResponse:
        """Enter the list that came with the program, so that it can be changed here."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        if instruments.enter_committed(by=str(request.user)[:80]):
            self.message_user(request, _("The list was entered."), messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:nodes_instrument_changelist"))

    def add_reported(self, request: HttpRequest) -> HttpResponse:
        """Add what a feed reports, as its code says it is; name and lot can be written afterwards."""
        back = HttpResponseRedirect(reverse("admin:nodes_instrument_changelist"))
        symbol = str(request.POST.get("symbol", ""))[:16]
        if not self.has_add_permission(request):
            raise PermissionDenied
        if symbol not in selectors.reported_unknown():
            self.message_user(request, _("No feed reports %(symbol)s any more.") % {"symbol": symbol}, messages.WARNING)
            return back
        try:
            added = instruments.add_reported(symbol=symbol, name="", by=str(request.user)[:80])
        except PlatformError as error:
            self.message_user(request, error.message, messages.ERROR)
            return back
        self.log_addition(request, added, "reported by a feed")
        self.message_user(request, _("%(symbol)s was added; write its name.") % {"symbol": symbol}, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:nodes_instrument_change", args=[added.pk]))

    def save_model(self, request: HttpRequest, obj: Instrument, form: Any, change: bool) -> None:
        instruments.save_instrument(obj, by=str(request.user)[:80])

    def delete_model(self, request: HttpRequest, obj: Instrument) -> None:
        instruments.delete_instruments([obj.pk], by=str(request.user)[:80])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Instrument]) -> None:
        instruments.delete_instruments(queryset.values_list("pk", flat=True), by=str(request.user)[:80])

    @admin.action(description=_("Delist: found as such, last"), permissions=["change"])
    def delist(self, request: HttpRequest, rows: QuerySet[Instrument]) -> None:
        self._set_state(request, rows, Instrument.State.DELISTED)

    @admin.action(description=_("List again"), permissions=["change"])
    def relist(self, request: HttpRequest, rows: QuerySet[Instrument]) -> None:
        self._set_state(request, rows, Instrument.State.TRADING)

    def _set_state(self, request: HttpRequest, rows: QuerySet[Instrument], state: Instrument.State) -> None:
        changed = instruments.set_state(rows.values_list("pk", flat=True), state=state, by=str(request.user)[:80])
        text = ngettext("%(n)s instrument was changed.", "%(n)s instruments were changed.", changed)
        self.message_user(request, text % {"n": changed}, messages.SUCCESS)


@admin.register(InstrumentList)
class InstrumentListAdmin(ReadOnly):
    list_display = ("rev", "rows", "published_at", "published_by")
    fields = list_display
