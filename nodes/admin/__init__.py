"""Nodes and their groups, for admins; feeds, calendars and the rest in modules of their own."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminPasswordWidget

from kernel.clock import utc_now
from kernel.errors import PlatformError
from kernel.scope import LEVELS, MARKETS
from nodes import selectors
from nodes.admin import calendars as calendars  # registers its own
from nodes.admin import feeds as feeds  # registers its own
from nodes.admin import instruments as instruments  # registers its own
from nodes.admin import licences as licences  # registers its own
from nodes.admin import proof as proof  # registers its own
from nodes.admin.sure import ask_first
from nodes.domain.health import is_off
from nodes.domain.placement import is_unseen
from nodes.models import Node, NodeGroup, ProcessHealth, all_markets, first_level
from nodes.models.words import MARKET_NAMES, WordField, word
from nodes.services import states
from outbox.admin import ReadOnly

# Lists are narrowed by words too, where a field has no choices of its own.
admin.FieldListFilter.register(
    lambda field: isinstance(field, WordField), admin.ChoicesFieldListFilter, take_priority=True
)


def words_field(
    known: tuple[str, ...], label: Any, initial: Callable[[], list[str]] | None = None
) -> forms.MultipleChoiceField:
    """Return a form field that edits a JSON list of known words as check boxes.

    Args:
        initial: what is ticked for a new row; Django asks the model's default for its own fields alone.
    """
    choices = [(one, word(MARKET_NAMES, one)) for one in known]
    widget = UnfoldAdminCheckboxSelectMultipleWidget
    return forms.MultipleChoiceField(label=label, choices=choices, widget=widget, initial=initial)


class NodeForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    markets = words_field(MARKETS, _("markets"), all_markets)
    levels = words_field(LEVELS, _("levels"), first_level)

    class Meta:
        model = Node
        fields = (
            "slug", "group", "region", "region_zh", "ws_url", "health_url", "markets", "levels", "realtime",
            "token_kind", "capacity",
        )  # fmt: skip


class NodeGroupForm(forms.ModelForm):  # type: ignore[type-arg]
    """The address has the Redis password in it: it is written here and never shown again."""

    address = forms.CharField(
        label=_("Redis of the group"),
        required=False,
        widget=UnfoldAdminPasswordWidget(),
        help_text=_("Like redis://:password@host:6379/0. Left blank, what is stored stays; it is not shown."),
    )
    own_redis = forms.BooleanField(label=_("Use the Redis of the panel itself"), required=False)

    class Meta:
        model = NodeGroup
        fields = ("slug", "name", "name_zh", "transport", "address")

    def clean_address(self) -> str:
        return str(self.cleaned_data["address"] or self.initial.get("address", ""))

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        return {**said, "address": ""} if said.get("own_redis") else said


@admin.register(NodeGroup)
class NodeGroupAdmin(ModelAdmin):
    form = NodeGroupForm
    list_display = ("slug", "title", "transport")
    search_fields = ("slug", "name", "name_zh")

    @display(description=_("name"), ordering="name")
    def title(self, group: NodeGroup) -> str:
        return group.title

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        seen = ("slug", "name", "name_zh", "transport")
        return (*seen, "address", "own_redis") if self.has_change_permission(request, obj) or obj is None else seen

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # Tokens carry the slug as their audience: another one would refuse them all.
        return ("slug",) if obj else ()


@admin.register(Node)
class NodeAdmin(ModelAdmin):
    form = NodeForm
    list_display: tuple[str, ...] = (
        "slug",
        "group",
        "place",
        "shown_state",
        "seen",
        "connections",
        "capacity",
        "last_error",
    )
    list_filter: tuple[Any, ...] = ("group", "state", "realtime")
    search_fields = ("slug", "region", "ws_url")
    readonly_fields = ("state", "last_seen_at", "last_error", "connections", "reports_realtime")
    actions = ("drain", "undrain", "retire")
    retire_node = staticmethod(states.retire_node)  # the shop has one that moves what was sold, too

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # grants and purchases name it; retiring is the way

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return (*self.readonly_fields, "slug", "group") if obj else self.readonly_fields

    @display(description=_("state"), label={"active": "success", "draining": "warning", "retired": "danger"})
    def shown_state(self, node: Node) -> tuple[str, str]:
        return node.state, node.get_state_display()

    @display(description=_("region"), ordering="region")
    def place(self, node: Node) -> str:
        return node.place

    @display(description=_("seen"), label={"seen": "success", "unseen": "danger"})
    def seen(self, node: Node) -> tuple[str, Any]:
        return ("unseen", _("not seen")) if is_unseen(node.last_seen_at, utc_now()) else ("seen", _("seen"))

    @admin.action(description=_("Drain: no new buyers, no new connections"), permissions=["change"])
    def drain(self, request: HttpRequest, nodes: QuerySet[Node]) -> HttpResponse | None:
        return self._ask_or_do(request, nodes, "drain", states.drain_node)

    @admin.action(description=_("Put back to work"), permissions=["change"])
    def undrain(self, request: HttpRequest, nodes: QuerySet[Node]) -> None:
        self._each(request, nodes, states.undrain_node)

    @admin.action(description=_("Retire"), permissions=["change"])
    def retire(self, request: HttpRequest, nodes: QuerySet[Node]) -> HttpResponse | None:
        return self._ask_or_do(request, nodes, "retire", self.retire_node)

    def _ask_or_do(self, request: HttpRequest, nodes: QuerySet[Node], action: str, verb: Any) -> HttpResponse | None:
        """Do it, but ask first where a group is left without a node that takes anybody."""
        chosen = list(nodes.select_related("group"))
        bare = selectors.groups_left_without([node.pk for node in chosen], utc_now())
        if action == "retire":  # the last one that is active is refused, with a sentence
            others = Node.objects.filter(state=Node.State.ACTIVE).exclude(pk__in=[node.pk for node in chosen])
            bare = [group for group in bare if others.filter(group=group).exists()]
        notes = [_left_without(group, [node for node in chosen if node.group_id == group.pk]) for group in bare]
        page = ask_first(request, self, action=action, rows=chosen, notes=notes) if notes else None
        if page is None:
            self._each(request, nodes, verb)
        return page

    def _each(self, request: HttpRequest, nodes: QuerySet[Node], verb: Any) -> None:
        for node in nodes:
            try:
                changed = verb(node_id=node.pk)
            except PlatformError as error:
                self.message_user(request, f"{node.slug}: {error.message}", messages.ERROR)
                continue
            self.log_change(request, changed, f"state: {changed.state}")
            self.message_user(request, f"{node.slug}: {changed.get_state_display()}", messages.SUCCESS)


def _left_without(group: NodeGroup, nodes: list[Node]) -> str:
    return _now(
        "%(group)s is left without a node that takes anybody: %(connections)d open connections are closed and find no "
        "other one, new ones are refused (/readyz answers 503), and nothing of the group can be bought until a node "
        "is put back to work or another one is seen."
    ) % {"group": group.title, "connections": sum(node.connections for node in nodes)}


@admin.register(ProcessHealth)
class ProcessHealthAdmin(ReadOnly):
    list_display: tuple[str, ...] = (
        "node",
        "role",
        "group",
        "version",
        "sockets",
        "lag",
        "memory",
        "clock",
        "reported_at",
        "process",
    )
    list_filter = ("group", "role", "version")
    list_select_related = ("group",)
    search_fields = ("node", "process")

    @display(description=_("lag"))
    def lag(self, row: ProcessHealth) -> str:
        said = {market: "?" if ms is None else f"{ms} ms" for market, ms in sorted(row.lag_ms.items())}
        return " · ".join(f"{word(MARKET_NAMES, market)} {text}" for market, text in said.items())

    @display(description=_("clock"), ordering="clock_offset_ms", label={"right": "success", "off": "danger"})
    def clock(self, row: ProcessHealth) -> tuple[str, str]:
        return "off" if is_off(row.clock_offset_ms) else "right", f"{row.clock_offset_ms / 1000:+.1f} s"

    @display(description=_("memory"), ordering="rss_bytes")
    def memory(self, row: ProcessHealth) -> str:
        return f"{row.rss_bytes / 2**20:.0f} MB"
