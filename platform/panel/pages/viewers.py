"""Fresh tokens for pages that stay open: JSON, never cached, nothing written. Without a session there is none."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.models import Customer
from kernel import problems
from kernel.clock import utc_now
from kernel.errors import PlatformError
from nodes.models import NodeGroup
from panel import viewer


@never_cache
@require_safe
def token(request: HttpRequest) -> HttpResponse:
    """Answer the next token of a customer's page: {"token", "expires_at" (epoch seconds)}.

    Who has logged out gets 403, so a page that stays open ends with its session.
    """
    if not isinstance(request.user, Customer):
        return _problem(problems.of_http("permission_denied", base=settings.PANEL_URL, detail="Nobody is logged in"))
    # A group of which this customer never had anything is as good as none.
    owned = NodeGroup.objects.filter(grants__customer=request.user)
    group = owned.filter(slug=_asked(request)).first()
    if group is None:
        return _problem(problems.of_http("not_found", base=settings.PANEL_URL, detail="There is no such node group"))
    try:
        return _told(viewer.token_for(request.user, group, utc_now()))
    except PlatformError as error:
        return _problem(problems.of_error(error, base=settings.PANEL_URL))


@never_cache
@require_safe
def guest(request: HttpRequest) -> HttpResponse:
    """Answer a token for TEST.CN alone, to anybody; `group` names a node group where it is not the panel's own."""
    group = _asked(request)
    if group and not NodeGroup.objects.filter(slug=group).exists():
        return _problem(problems.of_http("not_found", base=settings.PANEL_URL, detail="There is no such node group"))
    return _told(viewer.guest_token(utc_now(), group))


def _asked(request: HttpRequest) -> str:
    """Return the name of a group as it was asked for, without what PostgreSQL takes for no text."""
    return request.GET.get("group", "")[:64].replace("\0", "\ufffd")


def _told(issued: tuple[str, int]) -> HttpResponse:
    text, expires_at_s = issued
    return JsonResponse({"token": text, "expires_at": expires_at_s})


def _problem(found: dict[str, object]) -> HttpResponse:
    return JsonResponse(found, status=int(str(found["status"])), content_type=problems.MEDIA_TYPE)
