"""A buyer's tokens: made beside others, replaced and stopped, each by itself."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from billing.errors import BadTokenRequest, TokenGone, TooManyTokens
from billing.services import tokens
from kernel.clock import utc_now
from kernel.errors import PlatformError
from kernel.instruments import BadSymbol
from nodes.models import NodeGroup
from panel.forms import TokenForm
from panel.pages import paying


@login_required
@require_POST
def create(request: HttpRequest, group: str) -> HttpResponse:
    """Make a token: one with a name beside those that there are, or without one the first."""
    customer, own, now = paying.customer_of(request), _own_group(request, group), utc_now()
    form = TokenForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Give the token a name of at most 40 characters."))
        return _back(group)
    try:
        if form.cleaned_data["name"] or form.symbols():
            name = form.cleaned_data["name"]
            tokens.add_token(customer=customer, group=own, name=name, symbols=form.symbols(), now=now)
        else:
            tokens.issue_token(customer=customer, group=own, now=now)
        messages.success(request, _("A new token is ready."))
    except PlatformError as error:
        messages.error(request, _why(error))
    return _back(group)


@login_required
@require_POST
def rotate(request: HttpRequest, group: str) -> HttpResponse:
    """Replace a token, the one that is named or the main one."""
    named: dict[str, Any] = {"jti": request.POST["jti"][:32]} if request.POST.get("jti") else {}
    try:
        tokens.rotate_token(
            customer=paying.customer_of(request), group=_own_group(request, group), now=utc_now(), **named
        )
        messages.success(request, _("Here is your new token. The old one works for 24 hours more."))
    except PlatformError as error:
        messages.error(request, _why(error))
    return _back(group)


@login_required
@require_POST
def revoke(request: HttpRequest, group: str) -> HttpResponse:
    """End the token that is named at once, or without a name every one of the group, replaced ones too."""
    customer, own, now = paying.customer_of(request), _own_group(request, group), utc_now()
    try:
        if jti := request.POST.get("jti", "")[:32]:
            tokens.revoke_token(customer=customer, group=own, jti=jti, now=now)
        else:
            tokens.revoke_tokens(customer=customer, group=own, now=now)
        messages.success(request, _("The token is revoked; programs that use it are disconnected."))
    except TokenGone as error:
        messages.error(request, _why(error))
    return _back(group)


def _why(error: PlatformError) -> str:
    """Say why a token was not made, replaced or ended."""
    if isinstance(error, TooManyTokens) and "made" in error.fields:
        return _("Too many tokens were made today. Make the next one tomorrow.")
    if isinstance(error, TooManyTokens):
        return _("Five tokens of this node group work already. Wait until a replaced one has ended, or stop one.")
    if isinstance(error, BadSymbol):
        return _("“%(symbol)s” is no symbol. Write it like 600519.SH or 00700.HK.") % error.fields
    if isinstance(error, TokenGone):
        return _("This token was replaced or stopped already.")
    if isinstance(error, BadTokenRequest):
        return {
            "taken": _("You have a token of that name. Choose another name."),
            "symbols": _("A token's own list has at most %(most)d symbols.") % {"most": tokens.MOST_SYMBOLS},
        }.get(str(error.fields.get("reason")), _("Give the token a name of at most 40 characters."))
    return error.message


def _own_group(request: HttpRequest, slug: str) -> NodeGroup:
    groups = NodeGroup.objects.filter(grants__customer=paying.customer_of(request)).distinct()
    return get_object_or_404(groups, slug=slug)


def _back(group: str) -> HttpResponse:
    return redirect(f"{reverse('dashboard')}#tokens-{group}")
