"""Pages about phones: asking for a code to log in with, adding a number, the picture in front of both.

And the link of a mail that sets a password.

Each is there only where messages are set up. The flow behind them is allauth's; what is ours is the question, the
limits and what is said when no message goes out.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account import views
from allauth.account.utils import get_next_redirect_url
from allauth.core.internal import ratelimit
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts import captcha, forms, services, sms
from accounts.domain.phones import Why
from accounts.errors import SmsCapReached, SmsRefused, SmsUnavailable
from kernel.clock import utc_now

_Page = Callable[..., HttpResponseBase]


def _with_sms(page: _Page) -> _Page:
    @wraps(page)
    def shown(request: HttpRequest, *args: Any, **more: Any) -> HttpResponseBase:
        if not sms.is_on():
            raise Http404("no provider of messages is set up")
        return page(request, *args, **more)

    return shown


class _Sending:
    """Counts what is asked for, by number and address, and says on the form why no code was sent."""

    request: HttpRequest

    def form_valid(self, form: Any) -> Any:
        if not ratelimit.consume(self.request, app="allauth.account", action="sms", key=form.cleaned_data["phone"]):
            return self._refused(form, _("Too many codes were asked for with this number or from here. Wait a while."))
        try:
            # Before anybody looks whose number it is: strangers are told the same.
            services.refuse_over_cap(now=utc_now())
            return super().form_valid(form)  # type: ignore[misc]
        except SmsCapReached:
            return self._refused(form, _("No more codes can be sent to phones today. Use your email address."))
        except SmsRefused as refused:
            return self._refused(form, str(_words()[Why(refused.fields["why"])]))
        except SmsUnavailable:
            return self._refused(form, _("The code could not be sent. Try again in a minute."))

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**more)  # type: ignore[misc]
        return {**context, "is_console": settings.SMS_PROVIDER == "console"}

    def _refused(self, form: Any, words: str) -> Any:
        form.add_error(None, words)
        return self.form_invalid(form)  # type: ignore[attr-defined]


def _words() -> dict[Why, str]:
    return {
        Why.NUMBER: _("This number cannot be written to. Check it, or use another one."),
        Why.LIMIT: _("This number was sent too many codes. Wait an hour, or use your email address."),
        Why.SETUP: _("No code can be sent at present. Use your email address; we have been told."),
    }


class RequestCode(_Sending, views.RequestLoginCodeView):
    template_name = "account/request_login_code.html"

    def get_form_class(self) -> type[forms.RequestCodeForm]:
        return forms.RequestCodeForm


class AddPhone(_Sending, views.ChangePhoneView):
    template_name = "account/phone_change.html"

    def get_form_class(self) -> type[forms.AddPhoneForm]:
        return forms.AddPhoneForm


def reset_from_key(request: HttpRequest, uidb36: str, key: str) -> HttpResponseBase:
    """Set a new password by the link of a mail; what its reader had chosen before waits for them behind the login."""
    if chosen := get_next_redirect_url(request):
        request.session[services.CHOSEN] = chosen
    answer: HttpResponseBase = views.password_reset_from_key(request, uidb36=uidb36, key=key)
    return answer


request_code = _with_sms(RequestCode.as_view())
add_phone = _with_sms(AddPhone.as_view())
prove_phone = _with_sms(login_required(views.verify_phone))


@_with_sms
@login_required
@require_POST
def remove_phone(request: HttpRequest) -> HttpResponse:
    """Take the number off the account."""
    if services.forget_phone(customer=request.user):  # type: ignore[arg-type]
        messages.success(request, _("The mobile number is off your account."))
    return redirect("account_change_phone")


@_with_sms
@require_GET
def question_picture(request: HttpRequest, question: str) -> HttpResponse:
    return _question(request, question, captcha.picture, "image/png", "captcha_picture")


@_with_sms
@require_GET
def question_sound(request: HttpRequest, question: str) -> HttpResponse:
    return _question(request, question, captcha.sound, "audio/wav", "captcha_sound")


def _question(
    request: HttpRequest, question: str, made: Callable[[str], bytes], content_type: str, action: str
) -> HttpResponse:
    # Making one takes the processor's time; nobody has them made by the thousand.
    if not ratelimit.consume(request, app="allauth.account", action=action, limit_get=True):
        return HttpResponse(_("Too many; wait a minute."), status=429, content_type="text/plain; charset=utf-8")
    try:
        content = made(question)
    except ValueError:
        raise Http404("no question that counts") from None
    answer = HttpResponse(content, content_type=content_type)
    answer["Cache-Control"] = "no-store"
    return answer
