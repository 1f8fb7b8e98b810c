"""What people write about phones: a number, the answer to a question, a code."""

from typing import Any

from allauth.account.forms import LoginForm as AllauthLoginForm
from allauth.account.forms import VerifyPhoneForm
from django import forms
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts import captcha, selectors
from accounts.domain.phones import normal_number
from accounts.models import Customer


class PhoneNumberField(forms.CharField):
    """A mobile number of mainland China, however it is written; clean values are +8613800138000."""

    def __init__(self, **more: Any) -> None:
        # What allauth asks for has its own label and no validator of every country's numbers.
        shown = {"type": "tel", "autocomplete": "tel", "inputmode": "tel", "placeholder": "138 0013 8000"}
        defaults = {"label": _("Mobile number"), "widget": forms.TextInput(attrs=shown), "max_length": 30}
        super().__init__(**{**defaults, **more})

    def clean(self, value: Any) -> str:
        text: str = super().clean(value)
        if not text:
            return text
        try:
            return normal_number(text)
        except ValueError:
            raise forms.ValidationError(
                _("“%(value)s” is no mobile number of mainland China: 11 digits, from 13 to 19 at the start."),
                code="invalid_phone",
                params={"value": text[:30]},
            ) from None


class QuestionWidget(forms.Widget):
    """The picture, the sound, and where the answer goes; each time it is shown it asks anew."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> tuple[str, str]:
        return str(data.get(f"{name}_question", "")), str(data.get(name, ""))

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        shown = {"name": name, "id": (attrs or {}).get("id", name), "question": captcha.new_question()}
        return render_to_string("account/_question.html", {**shown, "attrs": attrs or {}})


class QuestionField(forms.Field):
    """Five digits that were drawn or spoken (accounts.captcha); a question counts once, answered rightly or not."""

    widget = QuestionWidget

    def __init__(self, **more: Any) -> None:
        super().__init__(**{"label": _("Digits of the picture"), **more})

    def clean(self, value: tuple[str, str]) -> str:
        question, answer = value
        if not captcha.is_right(question, answer):
            raise forms.ValidationError(_("These are not the digits. Here are others; you can hear them too."))
        return ""


class LoginForm(AllauthLoginForm):
    """An address and a password. allauth writes the label of its tick as a headline."""

    remember = forms.BooleanField(label=_("Remember me"), required=False)


class RequestCodeForm(forms.Form):
    """Asks for a code to log in with; `user` is whom it is for, None for a number that nobody has."""

    phone = PhoneNumberField()
    digits = QuestionField()
    _user: Customer | None = None

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if said.get("phone"):
            self._user = selectors.by_phone(said["phone"])
        return said


class AddPhoneForm(forms.Form):
    """Asks for a code that proves a number. The keywords are what allauth's view hands over."""

    phone = PhoneNumberField()
    digits = QuestionField()

    def __init__(self, *args: Any, user: Any = None, phone: str | None = None, **more: Any) -> None:
        super().__init__(*args, **more)
        self._present = phone

    def clean_phone(self) -> str:
        number: str = self.cleaned_data["phone"]
        if number == self._present:
            raise forms.ValidationError(_("This number is on your account already."))
        return number


class ProvePhoneForm(VerifyPhoneForm):
    """The code that came. Also for a number of another account: it moves (accounts.services.keep_phone)."""

    def clean_code(self) -> str:
        # allauth refuses a number that another account has; who has read the code holds it.
        code: str = super(VerifyPhoneForm, self).clean_code()
        return code
