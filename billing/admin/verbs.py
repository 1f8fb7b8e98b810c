"""What staff do to a row, or to none: a form, a permission, one service, and an entry in the admin's log.

Rows of money and rights are shown and never edited (`Office`); each verb of a page is a `Verb` with an address of its
own below it, got for the form and posted to do it. What a service refuses stands above the form as a sentence.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.utils import display_for_field
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Field, Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    INPUT_CLASSES,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from accounts.models import Customer
from billing.admin.sentences import sentence
from kernel.clock import utc_now
from kernel.errors import PlatformError
from outbox.admin import ReadOnly

ROWS_SHOWN = 50  # of each table on a row's page


class VerbForm(forms.Form):
    """What a verb asks. Fields have the admin's looks; a row's own figures come in with `row` and `now`."""

    def __init__(self, *args: Any, row: Any = None, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.row, self.now = row, now
        for field in self.fields.values():
            _dress(field)


@dataclass(frozen=True, slots=True)
class Verb:
    """Something that staff may do.

    Args:
        name: of its address.
        permissions: one of these is enough.
        do: takes row, cleaned data, by and now; returns what was made or changed, or an answer to send as it is.
        fits: whether it can be done to this row.
        start: what the form begins with.
        preview: rows to look at before it is done, of row, cleaned data and now; a verb with one is asked for twice.
        done: what to say of what was made or changed; that the verb is done, where it is not given.
        press: what the button says that does it, where the label is no verb.
        wide: fields stand side by side where there is room.
    """

    name: str
    label: Any
    permissions: tuple[str, ...]
    do: Callable[[Any, dict[str, Any], Customer, datetime], Any]
    form: type[VerbForm] = VerbForm
    of_a_row: bool = True
    fits: Callable[[Any], bool] = lambda row: True
    start: Callable[[HttpRequest, Any, datetime], dict[str, Any]] = lambda request, row, now: {}
    preview: Callable[[Any, dict[str, Any], datetime], "Table"] | None = None
    note: Callable[[Any, datetime], Iterable[Any]] = lambda row, now: ()
    done: Callable[[Any], Any] | None = None
    press: Any = ""
    wide: bool = False

    def allowed(self, request: HttpRequest) -> bool:
        """Tell whether who asks may do it at all."""
        return any(request.user.has_perm(permission) for permission in self.permissions)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows on somebody else's page; seen by who may see them on their own."""

    title: Any
    permission: str
    heads: tuple[Any, ...]
    rows: list[tuple[Any, ...]]


class Office(ReadOnly):
    """Rows that are shown and never edited, with what may be done to them."""

    verbs: tuple[Verb, ...] = ()
    technical: tuple[str, ...] = ()  # fields that only programs ask for: folded away below everything else
    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False
    list_before_template = "admin/billing/verbs.html"
    change_form_outer_before_template = "admin/billing/verbs.html"
    change_form_outer_after_template = "admin/billing/tables.html"

    def tables(self, row: Any) -> Iterable[Table]:
        """Return what else a row's page shows, each bounded to ROWS_SHOWN."""
        return ()

    def get_urls(self) -> list[URLPattern]:
        wrap, label = self.admin_site.admin_view, self._label
        own = [
            path("verb/<slug:name>/", wrap(self.verb_page), name=f"{label}_verb"),
            path("<int:pk>/verb/<slug:name>/", wrap(self.row_verb_page), name=f"{label}_row_verb"),
        ]
        return [*own, *super().get_urls()]

    @property
    def _label(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        offered = [(one.label, self._address(one)) for one in self.verbs if not one.of_a_row and one.allowed(request)]
        answer: HttpResponse = super().changelist_view(request, {"verbs": offered, **(extra_context or {})})
        return answer

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        more: dict[str, Any] = {}
        if row is not None and self.has_view_permission(request, row):
            fitting = [one for one in self.verbs if one.of_a_row and one.allowed(request) and one.fits(row)]
            seen = [one for one in self.tables(row) if request.user.has_perm(one.permission)]
            more = {"verbs": [(one.label, self._address(one, row)) for one in fitting], "tables": seen,
                    "technical": [_said(row, name) for name in self.technical]}  # fmt: skip
        answer: HttpResponse = super().change_view(request, object_id, form_url, {**more, **(extra_context or {})})
        return answer

    def verb_page(self, request: HttpRequest, name: str) -> HttpResponseBase:
        """Ask for, and do, a verb of no row."""
        return self._verb_page(request, self._verb(request, name, of_a_row=False), None)

    def row_verb_page(self, request: HttpRequest, pk: int, name: str) -> HttpResponseBase:
        """Ask for, and do, a verb of a row."""
        verb = self._verb(request, name, of_a_row=True)
        row = get_object_or_404(self.get_queryset(request), pk=pk)
        if not verb.fits(row):
            messages.error(request, _("This is not possible any more: %(row)s") % {"row": row})
            return HttpResponseRedirect(self._home(request, row))
        return self._verb_page(request, verb, row)

    def _verb(self, request: HttpRequest, name: str, *, of_a_row: bool) -> Verb:
        verb = next((one for one in self.verbs if one.name == name and one.of_a_row == of_a_row), None)
        if verb is None:
            raise Http404
        if not verb.allowed(request):
            raise PermissionDenied
        return verb

    def _verb_page(self, request: HttpRequest, verb: Verb, row: Any) -> HttpResponseBase:
        now = utc_now()
        asked, files = (request.POST, request.FILES) if request.method == "POST" else (None, None)
        form = verb.form(asked, files, initial=verb.start(request, row, now), row=row, now=now)
        looked: Table | None = None
        if asked is not None and form.is_valid():
            if verb.preview is not None and "sure" not in asked:
                looked = _looked(verb.preview, row, form, now)
            elif (answer := self._do(request, verb, row, form, now)) is not None:
                return answer
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": verb.label,
            "row": row,
            "form": form,
            "notes": verb.note(row, now),
            "looked": looked,
            "previews": verb.preview is not None,
            "press": verb.press or verb.label,
            "home": self._home(request, row),
            "wide": verb.wide,
        }
        return TemplateResponse(request, "admin/billing/verb.html", context)

    def _do(self, request: HttpRequest, verb: Verb, row: Any, form: VerbForm, now: datetime) -> HttpResponseBase | None:
        by = request.user
        assert isinstance(by, Customer)  # the admin lets nobody else in
        try:
            with transaction.atomic():
                made = verb.do(row, form.cleaned_data, by, now)
                self._log(by, verb, row if row is not None else made, form)
        except PlatformError as error:
            form.add_error(None, sentence(error))
            return None
        if isinstance(made, HttpResponseBase):
            return made
        messages.success(request, verb.done(made) if verb.done else _("Done: %(verb)s.") % {"verb": verb.label})
        return HttpResponseRedirect(self._home(request, row))

    def _log(self, by: Customer, verb: Verb, about: Any, form: VerbForm) -> None:
        """Enter who did what to what, with what they wrote; a file that was taken away is about no row."""
        row = about if isinstance(about, Model) else None
        said = ", ".join(f"{name}={value}" for name, value in form.cleaned_data.items() if value not in (None, ""))
        LogEntry.objects.create(
            user=by,
            content_type=ContentType.objects.get_for_model(row or self.model, for_concrete_model=False),
            object_id=str(row.pk) if row is not None else None,
            object_repr=str(row if row is not None else verb.label)[:200],
            action_flag=CHANGE,
            change_message=f"{verb.name}: {said}",
        )

    def _address(self, verb: Verb, row: Any = None) -> str:
        kind = "verb" if row is None else "row_verb"
        args = [verb.name] if row is None else [row.pk, verb.name]
        return reverse(f"admin:{self._label}_{kind}", args=args)

    def _home(self, request: HttpRequest, row: Any) -> str:
        """Return where to go afterwards: the row or the list where one may see it."""
        if not self.has_view_permission(request, row):
            return reverse("admin:index")
        if row is None:
            return reverse(f"admin:{self._label}_changelist")
        return reverse(f"admin:{self._label}_change", args=[row.pk])


def _said(row: Model, name: str) -> tuple[str, str]:
    """Return a field's label and what stands in it, for people."""
    field = row._meta.get_field(name)
    assert isinstance(field, Field)
    return str(field.verbose_name), str(display_for_field(getattr(row, name), field, "–"))


def _looked(preview: Any, row: Any, form: VerbForm, now: datetime) -> "Table | None":
    """Return what a verb would do; what its service refuses already stands above the form instead."""
    try:
        found: Table = preview(row, form.cleaned_data, now)
    except PlatformError as error:
        form.add_error(None, sentence(error))
        return None
    return found


def local(at: datetime) -> str:
    """Return an instant as staff read it: Shanghai's time, to the minute."""
    return f"{localtime(at):%Y-%m-%d %H:%M}"


def amount_field(**more: Any) -> forms.DecimalField:
    """A sum in yuan (or another currency's unit), two places; `fen` makes it a whole number."""
    return forms.DecimalField(
        label=gettext_lazy("amount"), min_value=Decimal("0.01"), max_digits=11, decimal_places=2, **more
    )


def fen(amount: Decimal) -> int:
    """Return a sum of yuan as fen."""
    return int(amount * 100)


def time_field(label: Any, **more: Any) -> forms.DateTimeField:
    """An instant, in Shanghai time."""
    widget = forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"})
    return forms.DateTimeField(label=label, widget=widget, **more)


def day_field(label: Any, **more: Any) -> forms.DateField:
    """A day."""
    return forms.DateField(label=label, widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}), **more)


def reason_field() -> forms.CharField:
    """Why it is done; it stays on record."""
    return forms.CharField(label=gettext_lazy("reason"), max_length=200, widget=UnfoldAdminTextareaWidget)


def _dress(field: forms.Field) -> None:
    if isinstance(field, forms.BooleanField):
        field.widget = UnfoldBooleanWidget()
    elif isinstance(field, forms.ModelChoiceField | forms.ChoiceField):
        looks = UnfoldAdminSelectWidget()
        looks.choices = field.widget.choices
        looks.is_required = field.widget.is_required
        field.widget = looks
    elif isinstance(field.widget, forms.DateTimeInput | forms.DateInput | forms.NumberInput):
        field.widget.attrs["class"] = " ".join(INPUT_CLASSES)
    elif isinstance(field.widget, forms.FileInput):
        field.widget.attrs["class"] = "block w-full"
    elif not isinstance(field.widget, UnfoldAdminTextareaWidget):
        field.widget = UnfoldAdminTextInputWidget(attrs=field.widget.attrs)
