"""What is sold: nodes with what is sold on them, plans and their versions."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display

from billing import selectors
from billing.models import Plan, PlanVersion
from billing.models.catalogue import TERMS, all_intervals, all_types
from billing.services.nodes import retire_node
from billing.services.plans import version_of
from kernel.clock import utc_now
from kernel.scope import INTERVALS, LEVELS, MARKETS, TYPES
from nodes import selectors as nodes
from nodes.admin import NodeAdmin, words_field
from nodes.domain.placement import SEEN_WITHIN
from nodes.models import Node, all_markets, first_level

admin.site.unregister(Node)


class SeenFilter(admin.SimpleListFilter):
    """Whether the poller has seen a node within the time that the shop asks for."""

    title, parameter_name = _("seen"), "seen"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("seen")), ("no", _("not seen"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Node]) -> QuerySet[Node]:
        now = utc_now()
        if self.value() == "no":
            return queryset.filter(pk__in=nodes.unseen(now))
        return queryset.filter(last_seen_at__gte=now - SEEN_WITHIN) if self.value() == "yes" else queryset


@admin.register(Node)
class SoldNodeAdmin(NodeAdmin):
    """A node with what is sold on it, which the app below cannot know."""

    list_display = (*NodeAdmin.list_display[:-1], "sold", NodeAdmin.list_display[-1])
    list_filter = (SeenFilter, *NodeAdmin.list_filter)
    retire_node = staticmethod(retire_node)

    @display(description=_("sockets sold"), label={"room": "info", "full": "danger"})
    def sold(self, node: Node) -> tuple[str, str]:
        now = utc_now()
        standing = selectors.standing(node, selectors.sockets_held(now), now)
        return "full" if standing.full else "room", f"{standing.sold} / {node.capacity}"


class PlanForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    markets = words_field(MARKETS, _("markets"), all_markets)
    levels = words_field(LEVELS, _("levels"), first_level)
    types = words_field(TYPES, _("types"), all_types)
    intervals = words_field(INTERVALS, _("intervals"), all_intervals)

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

    def save_model(self, request: HttpRequest, obj: Plan, form: Any, change: bool) -> None:
        """Store the version that is on sale from now on: prices that are shown are pinned to it."""
        super().save_model(request, obj, form, change)
        version_of(obj, utc_now())

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # purchases name it; taking it off sale is the way


class PlanVersionForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    class Meta:
        model = PlanVersion
        fields = ("renewable_until_at",)


@admin.register(PlanVersion)
class PlanVersionAdmin(ModelAdmin):
    """What plans were, as they were sold; for how long each goes on is all that can be changed."""

    form = PlanVersionForm
    list_display = ("plan", "number", "symbols", "max_connections", "price", "since_at", "renewable_until_at")
    list_filter = ("plan",)
    list_select_related = ("plan",)
    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False
    readonly_fields = ("plan", "number", "price_fen", "since_at", *TERMS)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # made when a plan is sold

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # purchases name it
