"""The mails that a person got, what they want none about, and the way out of reminders that needs no login."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from outbox import kinds
from outbox.services import mailing
from panel.pages.paying import customer_of

SHOWN = 100


@login_required
@never_cache
@require_safe
def mails(request: HttpRequest) -> HttpResponse:
    """Show the newest mails to a person, and whether their address works."""
    customer = customer_of(request)
    rows = [(one, kinds.label(one.kind)) for one in mailing.mails_of(customer, most=SHOWN)]
    context = {
        "mails": rows,
        "suppressed": mailing.suppressed(customer.email),
        "reminders": mailing.wants_reminders(customer.pk),
    }
    return render(request, "panel/mails.html", context)


@login_required
@require_POST
def reminders(request: HttpRequest) -> HttpResponse:
    """Remind a person that packs end, or no more."""
    wanted = request.POST.get("reminders") == "on"
    mailing.choose_reminders(customer=customer_of(request), wanted=wanted)
    said = _("You are reminded when packs end.") if wanted else _("You get no more reminders that packs end.")
    messages.success(request, said)
    return redirect("mails")


# Mail programs press the button by themselves (RFC 8058), and have no cookie of ours; the key in the address is what
# only the mail's reader knows, and all it can do is to end reminders.
@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def stop(request: HttpRequest, key: str) -> HttpResponse:
    """Ask whether to end reminders, and end them. Looking alone changes nothing: scanners follow links."""
    if not mailing.is_known(key=key):
        raise Http404
    done = request.method == "POST" and mailing.stop_reminders(key=key)
    return render(request, "panel/mails_stop.html", {"done": done})
