"""Texts with a preview and their history, the foot of the pages, and announcements with what becomes of them."""

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts.models import Customer
from billing.admin.verbs import Office, Table, Verb, VerbForm, time_field
from content import selectors
from content.domain import changes, markdown
from content.models import Announcement, AnnouncementUpdate, Page, ShopDetails, TextVersion
from content.services import announcing, deliveries, texts
from content.services.letters import letter_of
from kernel.scope import MARKETS
from nodes.models import NodeGroup

_WHERE = {
    Page.TERMS: _("It is linked in the foot of every page, where one signs up, and beside Pay."),
    Page.PRIVACY: _("It is linked in the foot of every page, and where one signs up."),
    Page.REFUNDS: _("It is linked in the foot of every page, and beside Pay."),
    Page.CONTACT: _(
        "It is linked in the foot of every page and from questions and errors; above it stand the addresses."
    ),
    Page.QUESTIONS: _("It is linked in the foot of every page and from Help; the front page shows its first six."),
}
# What a text's {{names}} stand for.
_NAMES = {
    "seller": _("Seller"), "contact": _("Contact mail"), "phone": _("Telephone"), "address": _("Address"),
    "delivery_days": _("Days of delivery"),
}  # fmt: skip
_WRITE, _ANNOUNCE = ("content.write_text",), ("content.announce",)


def _long(label: Any, rows: int, *, most: int, help_text: Any = "") -> forms.CharField:
    widget = UnfoldAdminTextareaWidget(attrs={"rows": rows})
    return forms.CharField(label=label, max_length=most, widget=widget, help_text=help_text, strip=False)


class TextForm(VerbForm):
    """A text in both languages."""

    body_en = _long(
        _("text in English"),
        24,
        most=60_000,
        help_text=_(
            "Markdown. HTML is shown as it is typed. {{seller}}, {{contact}}, {{phone}} and {{address}} stand for what "
            "is entered under Company, contact and ICP number."
        ),
    )
    body_zh = _long(_("text in Chinese"), 24, most=60_000)
    note = forms.CharField(label=_("what is new"), max_length=200, required=False)
    checked = forms.BooleanField(
        label=_("I have checked this text for our shop; the page no longer calls it a template."), required=False
    )


def _text_verb(page: Page) -> Verb:
    def write(row: Any, data: dict[str, Any], by: Customer, now: datetime) -> TextVersion:
        return texts.write(page=page.value, by=by, now=now, **data)

    def start(request: HttpRequest, row: Any, now: datetime) -> dict[str, Any]:
        bodies = {f"body_{short}": selectors.text_of(page.value, short).body for short in ("en", "zh")}
        return {**bodies, "checked": selectors.text_of(page.value, "en").checked}

    def note(row: Any, now: datetime) -> list[Any]:
        bodies = " ".join(selectors.text_of(page.value, short).body for short in selectors.LANGUAGES)
        shown = format_html(
            "{} <a class='underline' href='/{}/' target='_blank' rel='noopener'>/{}/</a>. {}", _("It stands at"),
            page.value, page.value, _WHERE[page],
        )  # fmt: skip
        return [shown, *_warnings(bodies)]

    return Verb(
        f"write-{page.value}", page.label, _WRITE, write, form=TextForm, of_a_row=False, start=start, preview=_drawn,
        press=_("Publish"), note=note, wide=True,
    )  # fmt: skip


def _warnings(body: str) -> list[SafeString]:
    """Return a sentence about what a text leaves empty."""
    missing = selectors.unfilled(body, selectors.details())
    said = ", ".join(f"{_NAMES.get(name, name)} {{{{{name}}}}}" for name in missing)
    text = _("Nothing is entered for %(names)s: fill in Company, contact and ICP number, or take it out of the text.")
    return [format_html("<strong class='ops-missing'>{}</strong>", text % {"names": said})] if missing else []


def _drawn(row: Any, data: dict[str, Any], now: datetime) -> Table:
    values = selectors.values(selectors.details())
    heads = (_("English"), _("Simplified Chinese"))
    drawn = tuple(_html(markdown.render(data[field], values)) for field in ("body_en", "body_zh"))
    missing = _warnings(f"{data['body_en']} {data['body_zh']}")
    rows: list[tuple[Any, ...]] = [drawn, *((one, "") for one in missing)]
    return Table(_("As readers will see it"), "content.view_textversion", heads, rows)


def _restore(row: TextVersion, data: dict[str, Any], by: Customer, now: datetime) -> TextVersion:
    note = _("as on %(day)s again") % {"day": f"{localtime(row.at):%Y-%m-%d %H:%M}"}
    return texts.write(
        page=row.page, body_en=row.body_en, body_zh=row.body_zh, checked=row.checked, note=str(note), by=by, now=now
    )


def _is_older(row: TextVersion) -> bool:
    return TextVersion.objects.filter(page=row.page, pk__gt=row.pk).exists()


def _what_changed(row: TextVersion) -> Table:
    cells = []
    for short in selectors.LANGUAGES:
        lines = changes.changed_lines(selectors.version_before(row, short), getattr(row, f"body_{short}"))
        shown = (("ops-gone" if sign == "-" else "ops-came", sign, line) for sign, line in lines)
        cells.append(format_html_join("", "<span class='{}'>{} {}</span>", shown) or _("nothing"))
    heads = (_("English"), _("Simplified Chinese"))
    return Table(_("What changed since the version before"), "content.view_textversion", heads, [tuple(cells)])


def _html(drawn: str) -> SafeString:
    """Mark what content.domain.markdown has drawn: it lets no HTML of a writer through."""
    return mark_safe(f'<div class="prose">{drawn}</div>')  # noqa: S308


@admin.register(TextVersion)
class TextVersionAdmin(Office):
    """Every version of every text; the newest of a page is what it says."""

    list_display = ("page", "at", "by", "shown_checked", "note")
    list_filter = ("page",)
    list_select_related = ("by",)
    fields = ("page", "at", "by", "checked", "note", "drawn_en", "drawn_zh", "body_en", "body_zh")
    readonly_fields = ("drawn_en", "drawn_zh")
    verbs = (
        *(_text_verb(page) for page in Page),
        Verb("restore", _("Publish this version again"), _WRITE, _restore, fits=_is_older, press=_("Publish")),
    )
    list_before_template = "admin/content/pages.html"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        may = request.user.has_perm("content.write_text")
        states = [
            (one, ", ".join(str(_NAMES.get(name, name)) for name in one.unfilled)) for one in selectors.page_states()
        ]
        more = {"pages": states, "may_write": may, **(extra_context or {})}
        return super().changelist_view(request, more)

    def tables(self, row: TextVersion) -> Iterable[Table]:
        return (_what_changed(row),)

    @display(description=_("checked by the seller"), label={"yes": "success", "no": "warning"})
    def shown_checked(self, row: TextVersion) -> tuple[str, Any]:
        return ("yes", _("checked")) if row.checked else ("no", _("template"))

    @display(description=_("English"))
    def drawn_en(self, row: TextVersion) -> SafeString:
        return _html(markdown.render(row.body_en, selectors.values(selectors.details())))

    @display(description=_("Simplified Chinese"))
    def drawn_zh(self, row: TextVersion) -> SafeString:
        return _html(markdown.render(row.body_zh, selectors.values(selectors.details())))


@admin.register(ShopDetails)
class ShopDetailsAdmin(ModelAdmin):
    list_display = ("__str__", "mail", "phone", "icp")

    def has_add_permission(self, request: HttpRequest) -> bool:
        allowed: bool = super().has_add_permission(request)
        return allowed and not ShopDetails.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class UpdateForm(VerbForm):
    """What is said of an announcement."""

    text_en = _long(_("text in English"), 4, most=2000)
    text_zh = _long(_("text in Chinese"), 4, most=2000)
    mail = forms.BooleanField(
        label=_("also by mail, once to everybody who has something in force there"), required=False
    )


class AnnounceForm(UpdateForm):
    """A new announcement."""

    kind = forms.ChoiceField(label=_("kind"), choices=Announcement.Kind.choices)
    title_en = forms.CharField(label=_("title in English"), max_length=120)
    title_zh = forms.CharField(label=_("title in Chinese"), max_length=120)
    market = forms.ChoiceField(
        label=_("market"), choices=[("", _("all")), *((one, one) for one in MARKETS)], required=False
    )
    group = forms.ModelChoiceField(
        label=_("node group"), queryset=NodeGroup.objects.all(), required=False, empty_label=_("all")
    )
    starts_at = time_field(_("begins"), required=False, help_text=_("Shanghai time. Left blank: now."))
    ends_at = time_field(
        _("ends"), required=False, help_text=_("Shanghai time. Planned work has an end; an incident ends by word.")
    )
    # Two and two stand side by side.
    field_order = (
        "kind", "market",
        "title_en", "title_zh",
        "text_en", "text_zh",
        "starts_at", "ends_at",
        "group", "mail",
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """Refuse times that cannot be, each with what to write."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        begins, ends = data.get("starts_at") or self.now, data.get("ends_at")
        if ends is not None and ends <= begins:
            self.add_error("ends_at", _("It ends before it begins."))
        if data.get("kind") == Announcement.Kind.PLANNED and ends is None and "ends_at" not in self.errors:
            self.add_error("ends_at", _("Planned work has an end."))
        return data


def _announce(row: Any, data: dict[str, Any], by: Customer, now: datetime) -> Announcement:
    return announcing.announce(by=by, now=now, **data).announcement


def _update(row: Announcement, data: dict[str, Any], by: Customer, now: datetime, *, resolves: bool) -> Any:
    return announcing.update(announcement=row, by=by, now=now, resolves=resolves, **data)


def _preview(row: None, data: dict[str, Any], now: datetime) -> Table:
    """Show the three ways in which it will be told, in both languages, and how many customers a mail reaches."""
    told = Announcement(
        kind=data["kind"], title_en=data["title_en"], title_zh=data["title_zh"], market=data["market"],
        group=data["group"], starts_at=data["starts_at"] or now, ends_at=data["ends_at"], at=now,
    )  # fmt: skip
    said = AnnouncementUpdate(announcement=told, text_en=data["text_en"], text_zh=data["text_zh"], at=now)
    banners, mails = [], []
    for language in ("en", "zh-hans"):
        with translation.override(language):
            kind = str(told.get_kind_display())
            banners.append(format_html("<strong>{}</strong> {}", kind, selectors.in_language(told, "title")))
            letter = letter_of(said, to="")
            facts = format_html_join("", "<p>{}: {}</p>", letter.facts)
            body = format_html_join("", "<p>{}</p>", ((text,) for text in letter.paragraphs))
            mails.append(format_html("<strong>{}</strong>{}{}", letter.subject, body, facts))
    people = len(selectors.concerned(told, now)) if data["mail"] else 0
    reach = ngettext("%(count)d customer gets it by mail.", "%(count)d customers get it by mail.", people)
    frame = json.dumps({"type": "announcement", **deliveries.told(said)}, ensure_ascii=False, indent=1)
    rows: list[tuple[Any, ...]] = [
        (_("banner on pages"), *banners),
        (_("mail"), *(mails if data["mail"] else (_("no mail"), ""))),
        (_("frame to open sockets"), format_html("<pre class='ops-frame'>{}</pre>", frame), ""),
        (_("reach"), reach % {"count": people}, ""),
    ]
    heads = ("", _("English"), _("Simplified Chinese"))
    return Table(_("As it will be told"), "content.view_announcement", heads, rows)


def _over(request: HttpRequest, row: Announcement, now: datetime) -> dict[str, Any]:
    at = f"{localtime(now):%H:%M}"
    mailed = row.updates.filter(mailed=True).exists()  # who heard of it by mail hears of its end, too
    texts_of = {}
    for short, language in (("en", "en"), ("zh", "zh-hans")):
        with translation.override(language):
            words = {"title": selectors.in_language(row, "title"), "at": at}
            texts_of[f"text_{short}"] = (
                translation.gettext("%(title)s: this is over since %(at)s, Shanghai time.") % words
            )
    return {**texts_of, "mail": mailed}


def _is_open(row: Announcement) -> bool:
    return not row.updates.filter(resolves=True).exists()


def _go_on(resolves: bool) -> Callable[..., Any]:
    return partial(_update, resolves=resolves)


class OverFilter(admin.SimpleListFilter):
    """Whether somebody has said that it is over."""

    title, parameter_name = _("it is over"), "over"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("no", _("not yet")), ("yes", _("yes"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Announcement]) -> QuerySet[Announcement]:
        over = AnnouncementUpdate.objects.filter(resolves=True).values("announcement")
        if self.value() == "no":
            return queryset.exclude(pk__in=over)
        return queryset.filter(pk__in=over) if self.value() == "yes" else queryset


@admin.register(Announcement)
class AnnouncementAdmin(Office):
    """What was announced, and what became of it."""

    list_display = ("id", "shown_kind", "title_en", "title_zh", "market", "group", "starts_at", "ends_at", "by")
    list_filter = (OverFilter, "kind", "market", "group")
    list_select_related = ("group", "by")
    search_fields = ("title_en", "title_zh")
    verbs = (
        Verb(
            "announce",
            _("Announce"),
            _ANNOUNCE,
            _announce,
            form=AnnounceForm,
            of_a_row=False,
            preview=_preview,
            wide=True,
        ),
        Verb("update", _("Say how it goes on"), _ANNOUNCE, _go_on(False), form=UpdateForm, fits=_is_open),
        Verb("resolve", _("It is over"), _ANNOUNCE, _go_on(True), form=UpdateForm, fits=_is_open, start=_over),
    )

    @display(description=_("kind"), label={"info": "info", "planned": "warning", "incident": "danger"})
    def shown_kind(self, row: Announcement) -> tuple[str, Any]:
        return row.kind, row.get_kind_display()

    def tables(self, row: Announcement) -> Iterable[Table]:
        said = AnnouncementUpdate.objects.filter(announcement=row).select_related("by").order_by("-id")[:50]
        rows: list[tuple[Any, ...]] = [
            (one.at, format_html("{}<br>{}", one.text_en, one.text_zh), _("yes") if one.resolves else "",
             _("yes") if one.mailed else "", one.by)
            for one in said
        ]  # fmt: skip
        heads = (_("written"), _("text"), _("it is over"), _("with a mail"), _("written by"))
        return (Table(_("What was said"), "content.view_announcement", heads, rows),)
