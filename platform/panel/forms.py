"""What people type, read and checked in form; the rules themselves are in the services."""

import re
import uuid
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.timezone import localdate
from django.utils.translation import gettext_lazy as _

from accounts.models import ApiKey
from billing.domain.pricing import MAX_MONTHS, MIN_MONTHS
from billing.models import AccessToken, BuyerTitle, Purchase
from support.models import MOST_SUBJECT, MOST_TEXT


class ChoiceForm(forms.Form):
    """What has been chosen so far on the subscription page; everything may still be missing."""

    plan = forms.SlugField(max_length=40, required=False)
    months = forms.IntegerField(min_value=MIN_MONTHS, max_value=MAX_MONTHS, required=False)
    node = forms.SlugField(max_length=40, required=False)
    kind = forms.ChoiceField(choices=Purchase.Kind.choices, required=False)
    extends = forms.IntegerField(min_value=1, required=False)
    replaces = forms.IntegerField(min_value=1, required=False)
    with_later = forms.BooleanField(required=False)
    coupon = forms.CharField(max_length=24, required=False)
    use_balance = forms.BooleanField(required=False)
    quote = forms.CharField(max_length=600, required=False)
    key = forms.UUIDField(required=False)

    def chosen(self) -> dict[str, Any]:
        """Return what can be used of it; a month and a fresh key where none was given."""
        self.is_valid()
        data: dict[str, Any] = {name: self.cleaned_data.get(name) for name in self.fields}
        return {**data, "months": data["months"] or 1, "key": data["key"] or uuid.uuid4()}


class _Keyed(forms.Form):
    """A form that is sent once: the same key is the same order."""

    key = forms.UUIDField()

    @staticmethod
    def new_key() -> uuid.UUID:
        return uuid.uuid4()


class TopUpForm(_Keyed):
    """Yuan for the balance."""

    amount = forms.DecimalField(min_value=Decimal("0.01"), max_digits=9, decimal_places=2)

    def fen(self) -> int:
        """Return the amount as whole fen."""
        return int(self.cleaned_data["amount"] * 100)


class GiftForm(_Keyed):
    """A pack for somebody else."""

    plan = forms.SlugField(max_length=40)
    months = forms.IntegerField(min_value=MIN_MONTHS, max_value=MAX_MONTHS)


class RedeemForm(forms.Form):
    """A gift code, and where it shall be used."""

    code = forms.CharField(max_length=40)
    node = forms.SlugField(max_length=40)


class RenewalForm(forms.Form):
    """Whether a chain renews by itself, and for how long each time."""

    grant = forms.IntegerField(min_value=1)
    on = forms.BooleanField(required=False)
    months = forms.IntegerField(min_value=MIN_MONTHS, max_value=MAX_MONTHS, required=False)

    def clean_months(self) -> int:
        return int(self.cleaned_data["months"] or 1)


class TrialForm(_Keyed):
    """A pack to try, and where."""

    plan = forms.SlugField(max_length=40)
    node = forms.SlugField(max_length=40)


class BuyForm(ChoiceForm):
    """The finished choice."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("plan", "months", "node", "kind", "key"):
            self.fields[name].required = True

    def clean(self) -> dict[str, Any]:
        """Forget what stays chosen in the other cards."""
        data = super().clean() or self.cleaned_data
        kind = data.get("kind")
        if kind != Purchase.Kind.EXTEND:
            data["extends"] = None
        if kind == Purchase.Kind.UPGRADE:
            data["months"] = 0
        else:
            data["replaces"], data["with_later"] = None, False
        data["quote"] = self.data.get(f"quote_{kind}", "")[:600]
        return data


class FapiaoForm(forms.Form):
    """Whom a fapiao names. What is a tax number is said by billing.services.fapiao."""

    kind = forms.ChoiceField(label=_("For"), choices=BuyerTitle.Kind.choices, initial=BuyerTitle.Kind.COMPANY)
    title = forms.CharField(
        label=_("Title"), max_length=100, help_text=_("The company's full name, as it is registered; or the person's.")
    )
    tax_number = forms.CharField(
        label=_("Tax number"),
        max_length=40,
        required=False,
        help_text=_("Of a company: 18 digits and capital letters."),
    )
    mail = forms.EmailField(
        label=_("Sent to"), max_length=254, required=False, help_text=_("Empty: to the address of your account.")
    )


class TokenForm(forms.Form):
    """A token beside those that there are. What is a symbol is said by the service."""

    name = forms.CharField(max_length=40, required=False)
    only = forms.CharField(max_length=2000, required=False)

    def symbols(self) -> list[str]:
        """Return the symbols as they were typed: between spaces, lines, and commas of either width."""
        return [one for one in re.split(r"[\s,，、;；]+", self.cleaned_data["only"]) if one]


class ApiKeyForm(forms.Form):
    """A new API key."""

    name = forms.CharField(label=_("Name of the key"), max_length=60)
    scopes = forms.MultipleChoiceField(
        label=_("What it may do"), choices=ApiKey.Scope.choices, widget=forms.CheckboxSelectMultiple
    )
    days = forms.TypedChoiceField(
        label=_("Works for"),
        choices=[("", _("until you revoke it")), ("30", _("30 days")), ("90", _("90 days")), ("365", _("365 days"))],
        coerce=int,
        empty_value=None,
        required=False,
    )

    def expires_at(self, now: datetime) -> datetime | None:
        """Return when the key ends; None for never."""
        days: int | None = self.cleaned_data["days"]
        return now + timedelta(days=days) if days is not None else None


class LeavingForm(forms.Form):
    """That somebody means it: their address written out, what goes accepted, and money given up in words."""

    understood = forms.BooleanField(
        label=_("I know that packs, tokens and API keys end at once and that nothing of it can be brought back.")
    )
    email = forms.CharField(
        label=_("Write your email address to confirm"),
        max_length=254,
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "email"}),
    )

    def __init__(self, *args: Any, email: str, balance_fen: int, **more: Any) -> None:
        super().__init__(*args, **more)
        self._email = email
        if balance_fen:
            self.fields["give_up"] = forms.BooleanField(label=_("I give up the money in my balance."))
            self.order_fields(["give_up", "understood", "email"])

    def clean_email(self) -> str:
        written: str = self.cleaned_data["email"].strip()
        if written.lower() != self._email.lower():
            raise forms.ValidationError(_("This is not the address of this account."))
        return written

    def gives_up(self) -> bool:
        """Tell whether the money was given up in words."""
        return bool(self.cleaned_data.get("give_up"))


class TicketReplyForm(forms.Form):
    """One message of a question."""

    text = forms.CharField(
        label=_("Message"), max_length=MOST_TEXT, widget=forms.Textarea(attrs={"rows": 6, "maxlength": MOST_TEXT})
    )


class TicketForm(forms.Form):
    """A new question, and what it is about."""

    subject = forms.CharField(label=_("What is it about?"), max_length=MOST_SUBJECT)
    text = forms.CharField(
        label=_("What happened, and what did you expect?"),
        max_length=MOST_TEXT,
        widget=forms.Textarea(attrs={"rows": 8, "maxlength": MOST_TEXT}),
    )
    order = forms.ChoiceField(label=_("Order, if it is about one"), required=False)
    token = forms.ChoiceField(
        label=_("Access token, if it is about one"),
        required=False,
        help_text=_("Only its number is attached. Never write a token's text or a password to us."),
    )

    def __init__(self, *args: Any, orders: list[Purchase], tokens: list[AccessToken], **more: Any) -> None:
        super().__init__(*args, **more)
        placed = [
            (one.public_id, f"{one.plan.name} · {localdate(one.placed_at):%Y-%m-%d} · {one.public_id[:8]}")
            for one in orders
        ]
        issued = [
            (one.jti, f"{one.group.title} · {localdate(one.issued_at):%Y-%m-%d} · {one.jti[:8]}") for one in tokens
        ]
        for name, choices in (("order", placed), ("token", issued)):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [("", _("none")), *choices]
            if not choices:
                del self.fields[name]
