"""What waits and what was delivered, and how far reports are read; for admins, who change neither."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display

from outbox import kinds
from outbox.models import MailRecord, Outbox, ReportCheckpoint


class ReadOnly(ModelAdmin):
    """Shows rows and changes none."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Outbox)
class OutboxAdmin(ReadOnly):
    list_display = ("id", "shown_kind", "language", "created_at", "attempts", "delivered_at", "last_error")
    list_filter = ("kind", ("delivered_at", admin.EmptyFieldListFilter))
    date_hierarchy = "created_at"

    @display(description=_("kind"), label={"known": "info", "unknown": "danger"})
    def shown_kind(self, row: Outbox) -> tuple[str, Any]:
        kind = kinds.find(row.kind)
        return ("known", kind.label) if kind else ("unknown", _("%(kind)s (unknown here)") % {"kind": row.kind})


@admin.register(ReportCheckpoint)
class ReportCheckpointAdmin(ReadOnly):
    list_display = ("group", "read_at", "handled", "skipped", "missed", "lost", "last_skipped")


@admin.register(MailRecord)
class MailRecordAdmin(ReadOnly):
    list_display = ("id", "customer", "to", "shown_kind", "subject", "language", "shown_state", "said_at", "sent_at")
    list_filter = ("state", "kind", "language")
    search_fields = ("customer__email", "to", "message_id")
    list_select_related = ("customer",)
    date_hierarchy = "said_at"
    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False
    exclude = ("key",)

    @display(description=_("kind"))
    def shown_kind(self, row: MailRecord) -> str:
        return kinds.label(row.kind)

    @display(
        description=_("state"),
        label={"waiting": "info", "sent": "success", "suppressed": "warning", "bounced": "danger"},
    )
    def shown_state(self, row: MailRecord) -> tuple[str, Any]:
        return row.state, row.get_state_display()
