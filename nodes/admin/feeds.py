"""Which feed a market runs, by which lines, and how they stand."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.timezone import localtime
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, pgettext_lazy
from unfold.admin import TabularInline
from unfold.decorators import display

from kernel.scope import MARKETS
from nodes import announcements, selectors, store
from nodes.admin.calendars import TellsOfCalendars
from nodes.admin.quality import TellsOfDays
from nodes.admin.sentences import said
from nodes.admin.tables import table
from nodes.errors import UnknownTransport
from nodes.models import FeedSetting, LineSwitch, MarketLine
from nodes.models.words import CONNECTIONS, FEEDS, MARKET_NAMES, PHASES, REASONS, STANDINGS, counted, shown, word
from nodes.services import feeds
from outbox.admin import ReadOnly
from outbox.errors import LinkAway


def _states(setting: FeedSetting) -> list[tuple[str, dict[str, str]]]:
    """Return what each Redis holds of a lane's feed, by the group that uses it; the panel's own first."""
    told: list[tuple[str, dict[str, str]]] | None = getattr(setting, "said", None)
    if told is None:  # two columns ask, and each would ask every Redis
        told = [(group, _state(group, setting.lane)) for group in selectors.destinations()]
        setting.said = told  # type: ignore[attr-defined]
    return told


def _state(group: str, lane: str) -> dict[str, str]:
    try:
        return store.feed_state(selectors.link_named(group), lane=lane)
    except UnknownTransport as error:
        return {"problem": error.message}


def _without_setting() -> Iterator[tuple[str, str]]:
    """Yield each market that nobody has set here, and what its workers say that they run."""
    chosen = set(FeedSetting.objects.values_list("lane", flat=True))
    for market in (one for one in MARKETS if one not in chosen):
        feeds_run = [(group, _state(group, market).get("feed", "")) for group in selectors.destinations()]
        texts = [_of_group(group, word(FEEDS, feed)) for group, feed in feeds_run if feed]
        yield word(MARKET_NAMES, market), "; ".join(texts) or _now("no worker runs this market")


def _problems(state: dict[str, str]) -> list[str]:
    """Return what is wrong with a market, and with the connection of each of its lines."""
    lines = [(line["name"], store.connection_of(line)["problem"]) for line in store.lines_of(state)]
    return [said(state.get("problem", "")), *(f"{name}: {said(problem)}" for name, problem in lines if problem)]


def _doing(state: dict[str, str]) -> tuple[str, ...]:
    """Return which feed a lane's worker runs, and what the market does."""
    return word(FEEDS, state.get("feed", "")), word(PHASES, state.get("state", "")), _presumed(state)


def _presumed(state: dict[str, str]) -> str:
    return str(_("presumed")) if state.get("presumed") == "1" else ""


_LINE_HEADS = (
    _("line"), _("state"), _("lag, median"), _("lag, 99 of 100"), _("rows a second"), _("symbols"), _("told first"),
    _("did not count"), _("connection"),
)  # fmt: skip


def _line_cells(line: dict[str, Any]) -> tuple[str, ...]:
    lags = ("?" if line[name] is None else f"{line[name]} ms" for name in ("lag_ms", "lag_p99_ms"))
    share = f"{line['first']:.0%}"
    cells = (line["name"], word(STANDINGS, line["state"]), *lags, f"{line['rows_per_s']:.1f}", str(line["symbols"]))
    told = store.connection_of(line)
    connection = (word(CONNECTIONS, told["state"]), said(told["problem"]), said(told["remark"]))
    return (*cells, share, counted(REASONS, line["reasons"]), " · ".join(filter(None, connection)))


def _line_and_reason(name: str) -> str:
    line, _bar, reason = name.partition("|")
    return f"{line} {word(REASONS, reason)}"


def _of_group(group: str, text: str) -> str:
    return f"{group}: {text}" if group else text


class Lines(forms.BaseInlineFormSet):  # type: ignore[type-arg]  # not subscriptable at run time
    """A market's lines. One that is live has one that counts: nothing else would tell it anything."""

    def clean(self) -> None:
        super().clean()
        if self.instance.feed != FeedSetting.Feed.LIVE or any(self.errors):
            return
        lines = [form.cleaned_data for form in self.forms if form.cleaned_data and form not in self.deleted_forms]
        if not any(line.get("mode") != MarketLine.Mode.DRAIN for line in lines if line.get("name")):
            raise forms.ValidationError(
                _now(
                    "Nothing was saved: a live market without a line that counts falls silent for everybody. Add a "
                    "line below, of a provider, or with the source push where your own programs bring the data; "
                    "a line that is only listened to does not count. To stop the market, choose the feed none."
                )
            )


class MarketLineInline(TabularInline):
    model = MarketLine
    formset = Lines
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
    list_before_template = "admin/nodes/feeds_now.html"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        unset = list(_without_setting())
        return super().changelist_view(request, {"feeds_unset": unset, **(extra_context or {})})

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        # What lines lack stands by them, a window below the button that was pressed: it is said at the top, too.
        for inline in context["inline_admin_formsets"]:
            for error in inline.formset.non_form_errors() if inline.formset.is_bound else ():
                self.message_user(request, error, messages.ERROR)
        answer: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return answer

    @display(description=pgettext_lazy("a feed", "now"))
    def running(self, setting: FeedSetting) -> str:
        """What the lane's workers say of themselves, one a Redis; they look at new settings each second."""
        told = [(group, " · ".join(filter(None, _doing(state)))) for group, state in _states(setting)]
        texts = [_of_group(group, text) for group, text in told if text]
        return "; ".join(texts) or str(_("no worker runs this market"))

    @display(description=_("problem"), label="danger")
    def problem(self, setting: FeedSetting) -> str | None:
        told = [(group, problem) for group, state in _states(setting) for problem in _problems(state)]
        texts = [_of_group(group, text) for group, text in told if text and text != "finished"]
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
        told = (
            (localtime(row.at).strftime("%F %T"), row.before or "-", row.after, shown(row, "reason")) for row in rows
        )
        return format_html_join("", "<div>{}: {} → {} ({})</div>", told) or str(_("none"))

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
            sums = [(_line_and_reason(name), number) for name, number in sorted(counts.items())]
            totals = format_html_join(" · ", "{} {}", sums) or _("none")
            newest = format_html_join(
                "", "<li>{} {}: {}</li>", ((r["line"], word(REASONS, r["reason"]), r["row"]) for r in rows)
            )
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
