"""Nodes, feeds and calendars, for admins."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.timezone import localdate, localtime
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminPasswordWidget

from kernel.clock import utc_now
from kernel.errors import PlatformError
from kernel.scope import LEVELS, MARKETS
from nodes import announcements, selectors, store
from nodes.admin import instruments as instruments  # registers its own
from nodes.admin import licences as licences  # registers its own
from nodes.admin import proof as proof  # registers its own
from nodes.admin.quality import TellsOfDays
from nodes.admin.tables import table
from nodes.domain.health import is_off
from nodes.domain.placement import is_unseen
from nodes.errors import UnknownTransport
from nodes.models import (
    CalendarHorizon,
    CalendarOverride,
    FeedSetting,
    LineSwitch,
    MarketLine,
    Node,
    NodeGroup,
    ProcessHealth,
    all_markets,
    first_level,
)
from nodes.services import feeds, states
from outbox.admin import ReadOnly
from outbox.errors import LinkAway


def words_field(
    known: tuple[str, ...], label: Any, initial: Callable[[], list[str]] | None = None
) -> forms.MultipleChoiceField:
    """Return a form field that edits a JSON list of known words as check boxes.

    Args:
        initial: what is ticked for a new row; Django asks the model's default for its own fields alone.
    """
    choices = [(word, word) for word in known]
    widget = UnfoldAdminCheckboxSelectMultipleWidget
    return forms.MultipleChoiceField(label=label, choices=choices, widget=widget, initial=initial)


class NodeForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    markets = words_field(MARKETS, _("markets"), all_markets)
    levels = words_field(LEVELS, _("levels"), first_level)

    class Meta:
        model = Node
        fields = (
            "slug", "group", "region", "ws_url", "health_url", "markets", "levels", "realtime", "token_kind",
            "capacity",
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
        fields = ("slug", "name", "transport", "address")

    def clean_address(self) -> str:
        return str(self.cleaned_data["address"] or self.initial.get("address", ""))

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        return {**said, "address": ""} if said.get("own_redis") else said


@admin.register(NodeGroup)
class NodeGroupAdmin(ModelAdmin):
    form = NodeGroupForm
    list_display = ("slug", "name", "transport")
    search_fields = ("slug", "name")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        seen = ("slug", "name", "transport")
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
        "region",
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

    @display(description=_("seen"), label={"seen": "success", "unseen": "danger"})
    def seen(self, node: Node) -> tuple[str, Any]:
        return ("unseen", _("not seen")) if is_unseen(node.last_seen_at, utc_now()) else ("seen", _("seen"))

    @admin.action(description=_("Drain: no new buyers, no new connections"), permissions=["change"])
    def drain(self, request: HttpRequest, nodes: QuerySet[Node]) -> None:
        self._each(request, nodes, states.drain_node)

    @admin.action(description=_("Put back to work"), permissions=["change"])
    def undrain(self, request: HttpRequest, nodes: QuerySet[Node]) -> None:
        self._each(request, nodes, states.undrain_node)

    @admin.action(description=_("Retire"), permissions=["change"])
    def retire(self, request: HttpRequest, nodes: QuerySet[Node]) -> None:
        self._each(request, nodes, self.retire_node)

    def _each(self, request: HttpRequest, nodes: QuerySet[Node], verb: Any) -> None:
        for node in nodes:
            try:
                changed = verb(node_id=node.pk)
            except PlatformError as error:
                self.message_user(request, f"{node.slug}: {error.message}", messages.ERROR)
                continue
            self.log_change(request, changed, f"state: {changed.state}")
            self.message_user(request, f"{node.slug}: {changed.get_state_display()}", messages.SUCCESS)


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
        return " · ".join(f"{market} {text}" for market, text in said.items())

    @display(description=_("clock"), ordering="clock_offset_ms", label={"right": "success", "off": "danger"})
    def clock(self, row: ProcessHealth) -> tuple[str, str]:
        return "off" if is_off(row.clock_offset_ms) else "right", f"{row.clock_offset_ms / 1000:+.1f} s"

    @display(description=_("memory"), ordering="rss_bytes")
    def memory(self, row: ProcessHealth) -> str:
        return f"{row.rss_bytes / 2**20:.0f} MB"


def _states(setting: FeedSetting) -> list[tuple[str, dict[str, str]]]:
    """Return what each Redis holds of a lane's feed, by the group that uses it; the panel's own first."""
    said: list[tuple[str, dict[str, str]]] | None = getattr(setting, "said", None)
    if said is None:  # two columns ask, and each would ask every Redis
        said = [(group, _state(group, setting.lane)) for group in selectors.destinations()]
        setting.said = said  # type: ignore[attr-defined]
    return said


def _state(group: str, lane: str) -> dict[str, str]:
    try:
        return store.feed_state(selectors.link_named(group), lane=lane)
    except UnknownTransport as error:
        return {"problem": error.message}


def _problems(state: dict[str, str]) -> list[str]:
    """Return what is wrong with a market, and with the connection of each of its lines."""
    lines = [(line["name"], store.connection_of(line)["problem"]) for line in store.lines_of(state)]
    return [state.get("problem", ""), *(f"{name}: {problem}" for name, problem in lines if problem)]


def _presumed(state: dict[str, str]) -> str:
    return str(_("presumed")) if state.get("presumed") == "1" else ""


_LINE_HEADS = (
    _("line"), _("state"), _("lag, median"), _("lag, 99 of 100"), _("rows a second"), _("symbols"), _("told first"),
    _("did not count"), _("connection"),
)  # fmt: skip


def _line_cells(line: dict[str, Any]) -> tuple[str, ...]:
    lags = ("?" if line[name] is None else f"{line[name]} ms" for name in ("lag_ms", "lag_p99_ms"))
    reasons = " · ".join(f"{reason} {number}" for reason, number in sorted(line["reasons"].items()))
    share = f"{line['first']:.0%}"
    cells = (line["name"], line["state"], *lags, f"{line['rows_per_s']:.1f}", str(line["symbols"]), share, reasons)
    return (*cells, " ".join(filter(None, store.connection_of(line).values())))


def _of_group(group: str, text: str) -> str:
    return f"{group}: {text}" if group else text


class TellsOfCalendars(ModelAdmin):
    """A list that says above its rows which markets' known trading days end soon."""

    list_before_template = "admin/nodes/ending_calendars.html"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        ending = selectors.ending_calendars(localdate(utc_now()))
        return super().changelist_view(request, {**(extra_context or {}), "ending_calendars": ending})


class MarketLineInline(TabularInline):
    model = MarketLine
    extra = 0
    fields = ("name", "source", "rank", "weight", "mode")


@admin.register(LineSwitch)
class LineSwitchAdmin(ReadOnly):
    list_display = ("at", "lane", "before", "after", "reason", "group")
    list_filter = ("lane", "group", "reason")
    list_select_related = ("group",)


@admin.register(FeedSetting)
class FeedSettingAdmin(TellsOfDays, TellsOfCalendars):
    inlines = (MarketLineInline,)
    list_display = ("lane", "feed", "data", "speed", "seed", "run", "running", "problem")
    readonly_fields = ("run", "line_table", "switched", "refused", "symbols", "days")
    actions = ("restart",)

    @display(description=_("now"))
    def running(self, setting: FeedSetting) -> str:
        """What the lane's workers say of themselves, one a Redis; they look at new settings each second."""
        said = [
            (group, " · ".join(filter(None, (state.get("feed"), state.get("state"), _presumed(state)))))
            for group, state in _states(setting)
        ]
        texts = [f"{group}: {text}" if group else text for group, text in said if text]
        return "; ".join(texts) or str(_("no worker runs this market"))

    @display(description=_("problem"), label="danger")
    def problem(self, setting: FeedSetting) -> str | None:
        said = [(group, problem) for group, state in _states(setting) for problem in _problems(state)]
        texts = [_of_group(group, text) for group, text in said if text and text != "finished"]
        return "; ".join(texts) or None

    @display(description=_("lines now"))
    def line_table(self, setting: FeedSetting) -> str:
        """How each line stands, of each Redis: as its worker said within the last second."""
        tables = []
        for group, state in _states(setting):
            if lines := store.lines_of(state):
                tables.append(table(_LINE_HEADS, (_line_cells(line) for line in lines), title=group))
        return format_html_join("", "{}", ((table,) for table in tables)) or str(_("no line tells anything"))

    @display(description=_("switches of lines"))
    def switched(self, setting: FeedSetting) -> str:
        """The newest changes of who leads."""
        rows = LineSwitch.objects.filter(lane=setting.lane).select_related("group")[:10]
        said = ((localtime(row.at).strftime("%F %T"), row.before or "-", row.after, row.reason) for row in rows)
        return format_html_join("", "<div>{}: {} → {} ({})</div>", said) or str(_("none"))

    @display(description=_("refused rows"))
    def refused(self, setting: FeedSetting) -> str:
        """How many rows did not count and why, of each Redis, and the newest of them."""
        parts = []
        for group in selectors.destinations():
            try:
                counts, rows = store.refused_rows(selectors.link_named(group), lane=setting.lane)
            except (LinkAway, UnknownTransport) as error:
                parts.append(format_html("<p>{}</p>", _of_group(group, error.message)))
                continue
            said = [(" ".join(name.split("|")), number) for name, number in sorted(counts.items())]
            totals = format_html_join(" · ", "{} {}", said) or _("none")
            newest = format_html_join("", "<li>{} {}: {}</li>", ((r["line"], r["reason"], r["row"]) for r in rows))
            parts.append(format_html("<p>{}</p><ul>{}</ul>", _of_group(group, str(totals)), newest))
        return format_html_join("", "{}", ((part,) for part in parts))

    def save_model(self, request: HttpRequest, obj: FeedSetting, form: Any, change: bool) -> None:
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            announcements.feed_setting(lane=obj.lane)

    def delete_model(self, request: HttpRequest, obj: FeedSetting) -> None:
        with transaction.atomic():
            super().delete_model(request, obj)
            announcements.feed_setting(lane=obj.lane)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[FeedSetting]) -> None:
        for setting in queryset:
            self.delete_model(request, setting)

    @admin.action(description=_("Start the replay again"), permissions=["change"])
    def restart(self, request: HttpRequest, settings: QuerySet[FeedSetting]) -> None:
        chosen = list(settings)
        for setting in chosen:
            self.log_change(request, feeds.restart_replay(setting_id=setting.pk), "run")
        text = ngettext("%(n)s replay starts again.", "%(n)s replays start again.", len(chosen))
        self.message_user(request, text % {"n": len(chosen)}, messages.SUCCESS)


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
