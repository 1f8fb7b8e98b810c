"""What people type, read and checked in form; the rules themselves are in the services."""

import uuid
from typing import Any

from django import forms

from billing.domain.pricing import MAX_MONTHS, MIN_MONTHS
from billing.models import Purchase


class ChoiceForm(forms.Form):
    """What has been chosen so far on the subscription page; everything may still be missing."""

    plan = forms.SlugField(max_length=40, required=False)
    months = forms.IntegerField(min_value=MIN_MONTHS, max_value=MAX_MONTHS, required=False)
    node = forms.SlugField(max_length=40, required=False)
    kind = forms.ChoiceField(choices=Purchase.Kind.choices, required=False)
    extends = forms.IntegerField(min_value=1, required=False)
    key = forms.UUIDField(required=False)

    def chosen(self) -> dict[str, Any]:
        """Return what can be used of it; a month and a fresh key where none was given."""
        self.is_valid()
        data: dict[str, Any] = {name: self.cleaned_data.get(name) for name in self.fields}
        return {**data, "months": data["months"] or 1, "key": data["key"] or uuid.uuid4()}


class BuyForm(ChoiceForm):
    """The finished choice."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("plan", "months", "node", "kind", "key"):
            self.fields[name].required = True

    def clean(self) -> dict[str, Any]:
        """Forget the grant that stays chosen in the other card when more symbols are bought."""
        data = super().clean() or self.cleaned_data
        if data.get("kind") == Purchase.Kind.STACK:
            data["extends"] = None
        return data
