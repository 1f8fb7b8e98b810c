"""A customer's API keys: made, shown once, revoked."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import selectors, services
from accounts.errors import TooManyApiKeys
from accounts.models import ApiKey
from kernel.clock import utc_now
from panel.forms import ApiKeyForm
from panel.pages.paying import customer_of


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def api_keys(request: HttpRequest) -> HttpResponse:
    """Show the keys that work, and make one: its text stands in the answer to the form and nowhere else."""
    customer, now = customer_of(request), utc_now()
    form = ApiKeyForm(request.POST if request.method == "POST" else None)
    shown: dict[str, Any] = {}
    if form.is_bound and form.is_valid():
        try:
            key, text = services.create_api_key(
                customer=customer,
                name=form.cleaned_data["name"],
                scopes=form.cleaned_data["scopes"],
                expires_at=form.expires_at(now),
                now=now,
            )
            shown, form = {"made": key, "text": text}, ApiKeyForm()
        except TooManyApiKeys as error:
            why = _("You have %(most)d keys that work, as many as there may be. Revoke one first.")
            form.add_error(None, why % {"most": error.fields["most"]})
    context = {"form": form, "keys": selectors.api_keys_of(customer, now), **shown}
    return render(request, "panel/api_keys.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """End a key at once."""
    key = get_object_or_404(ApiKey, pk=pk, customer=customer_of(request))
    services.revoke_api_key(key=key, now=utc_now())
    messages.success(request, _("The key %(prefix)s… is revoked; programs that use it get nothing more.") % {
        "prefix": key.prefix,
    })  # fmt: skip
    return redirect("api-keys")
