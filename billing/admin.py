"""The shop for admins. Money and rights are shown and never edited; what ends a right early is a row of its own."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display

from billing import selectors
from billing.models import AccessToken, GatewayNotice, Grant, GrantClosure, Plan, Purchase
from billing.services import entitlements, tokens
from billing.services.nodes import retire_node
from kernel.clock import utc_now
from kernel.errors import PlatformError
from kernel.scope import INTERVALS, LEVELS, MARKETS, TYPES
from nodes.admin import NodeAdmin, words_field
from nodes.models import Node
from outbox.admin import ReadOnly

admin.site.unregister(Node)


@admin.register(Node)
class SoldNodeAdmin(NodeAdmin):
    """A node with what is sold on it, which the app below cannot know."""

    list_display = (*NodeAdmin.list_display[:-1], "sold", NodeAdmin.list_display[-1])
    retire_node = staticmethod(retire_node)

    @display(description=_("sockets sold"), label={"room": "info", "full": "danger"})
    def sold(self, node: Node) -> tuple[str, str]:
        now = utc_now()
        standing = selectors.standing(node, selectors.sockets_held(now), now)
        return "full" if standing.full else "room", f"{standing.sold} / {node.capacity}"


class PlanForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    markets = words_field(MARKETS, _("markets"))
    levels = words_field(LEVELS, _("levels"))
    types = words_field(TYPES, _("types"))
    intervals = words_field(INTERVALS, _("intervals"))

    class Meta:
        model = Plan
        fields = (
            "slug",
            "name_en",
            "name_zh",
            "symbols",
            "price_fen",
            "max_connections",
            "on_sale",
            "markets",
            "levels",
            "types",
            "intervals",
        )


@admin.register(Plan)
class PlanAdmin(ModelAdmin):
    form = PlanForm
    list_display = ("slug", "name_en", "name_zh", "symbols", "price", "max_connections", "on_sale")
    list_filter = ("on_sale",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # purchases name it; taking it off sale is the way


@admin.register(Purchase)
class PurchaseAdmin(ReadOnly):
    list_display = ("public_id", "customer", "plan", "kind", "node", "months", "due", "shown_state", "placed_at")
    list_filter = ("state", "kind", "plan", "group")
    search_fields = ("public_id", "customer__email")
    list_select_related = ("customer", "plan", "node")
    date_hierarchy = "placed_at"

    @display(
        description=_("state"),
        label={"pending": "info", "settled": "success", "expired": "warning", "failed": "danger"},
    )
    def shown_state(self, purchase: Purchase) -> tuple[str, str]:
        return purchase.state, purchase.get_state_display()


@admin.register(Grant)
class GrantAdmin(ReadOnly):
    list_display = (
        "id",
        "customer",
        "group",
        "symbols",
        "max_connections",
        "starts_at",
        "ends_at",
        "closure",
        "extends",
    )
    list_filter = ("group",)
    search_fields = ("customer__email",)
    list_select_related = ("customer", "group", "closure", "extends")
    actions = ("close",)

    @admin.action(description=_("End now"), permissions=["close"])
    def close(self, request: HttpRequest, grants: QuerySet[Grant]) -> None:
        # Latest first: an extension must be closed before what it extends.
        for grant in grants.order_by("-starts_at", "-id"):
            try:
                reason = f"ended by {request.user}"[:200]
                entitlements.close_grant(grant_id=grant.pk, reason=reason, now=utc_now())
            except PlatformError as error:
                self.message_user(request, f"#{grant.pk}: {error.message}", messages.ERROR)
                continue
            self.log_change(request, grant, "closed")

    def has_close_permission(self, request: HttpRequest) -> bool:
        return bool(getattr(request.user, "is_superuser", False))


@admin.register(GrantClosure)
class GrantClosureAdmin(ReadOnly):
    list_display = ("grant", "closed_at", "reason")


@admin.register(AccessToken)
class AccessTokenAdmin(ReadOnly):
    list_display = ("jti", "customer", "group", "issued_at", "works_until_at", "revoked_at", "expires_at")
    list_filter = ("group",)
    search_fields = ("jti", "customer__email")
    list_select_related = ("customer", "group")
    actions = ("revoke",)

    @admin.action(description=_("Revoke at once"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, chosen: QuerySet[AccessToken]) -> None:
        for token in chosen.select_related("customer"):
            tokens.revoke_token(customer=token.customer, jti=token.jti, now=utc_now())
            self.log_change(request, token, "revoked")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return bool(getattr(request.user, "is_superuser", False))


@admin.register(GatewayNotice)
class GatewayNoticeAdmin(ReadOnly):
    list_display = ("received_at", "provider", "event_id", "purchase", "amount_fen", "currency", "outcome")
    list_filter = ("provider", "outcome")
    search_fields = ("event_id", "order_id")
