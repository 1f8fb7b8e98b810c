"""What a buyer has and uses and has bought: the page that people come back to."""

import json
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.timezone import localdate
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import sms, weixin
from accounts.models import Customer
from billing import selectors
from billing.domain import drawing
from billing.models import AccessToken
from billing.services.tokens import MOST_WORKING
from kernel.clock import utc_now
from nodes import selectors as node_selectors
from nodes.domain.proof import share_text
from nodes.models import UsedHour
from outbox.services import mailing
from panel import usage
from panel.pages import buying, paying
from panel.pages.languages import languages
from panel.standing import Standing, State, of_page, standings

_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)


@login_required
@never_cache
@require_safe
def dashboard(request: HttpRequest) -> HttpResponse:
    """Show what the buyer has, uses, and has bought."""
    customer, now = paying.customer_of(request), utc_now()
    found = standings(customer, now)
    purchases, older = selectors.purchases_of(customer, before=request.GET.get("before", "")[:32])
    context = {
        "groups": _groups(customer, found, now),
        "over": not any(one.state not in (State.ENDED, State.DEACTIVATED) for one in found),
        "standing": of_page(customer, found, now),
        "purchases": purchases,
        "older": older,
        "now": now,
        "languages": json.dumps(languages()),
        "proof": _proof(customer, now) if found else None,
        "suppressed": mailing.suppressed(customer.email),
        "phone_door": sms.is_on(),
        "wechat_door": weixin.is_on(),
    }
    return render(request, "panel/dashboard.html", context)


def _groups(customer: Customer, found: list[Standing], now: datetime) -> list[dict[str, Any]]:
    """Return every group's part: those that can still be followed first."""
    hours: dict[int, list[UsedHour]] = {}
    for row in node_selectors.used_hours(customer.pk, usage.since(now)):
        hours.setdefault(row.group_id, []).append(row)
    names = node_selectors.names_of({symbol for rows in hours.values() for row in rows for symbol in row.bars})
    # Of groups where something was sent alone: elsewhere nobody asks how many tokens there were.
    ever = AccessToken.objects.filter(customer=customer, group__in=hours).values("group").annotate(Count("pk"))
    several = {row["group"] for row in ever if row["pk__count"] > 1} if hours else set()
    ordered = sorted(found, key=lambda one: one.state in (State.ENDED, State.DEACTIVATED))
    return [
        _group(one, hours.get(one.held.group.pk, []), names, one_token=one.held.group.pk not in several)
        for one in ordered
        if one.held is not None
    ]


def _group(standing: Standing, hours: list[UsedHour], names: dict[str, str], *, one_token: bool) -> dict[str, Any]:
    held = standing.held
    assert held is not None
    segments = held.timeline()
    until_at, most = drawing.scale(segments)
    return {
        "group": held.group,
        "standing": standing,
        "present": segments[0].entitlement,
        "segments": buying.ending(segments),
        "blocks": drawing.draw(segments, until_at=until_at, most=most) if until_at is not None else [],
        "ticks": drawing.ticks(segments, until_at=until_at) if until_at is not None else [],
        "nodes": held.nodes,
        "tokens": [
            {"row": one, **shortened(held.text_of(one), one), **_uses(one, hours, standing.at, one_token=one_token)}
            for one in held.tokens
            if _shows(standing)
        ],
        "old_tokens": held.old,
        "may_add": _shows(standing) and len(held.tokens) + len(held.old) < MOST_WORKING,
        "use": usage.used(hours, standing.at, names) if hours else None,
    }


def _shows(standing: Standing) -> bool:
    """Tell whether tokens are shown: not of an account that is deactivated, and after an end they only wait."""
    return standing.state is not State.DEACTIVATED


def _uses(token: AccessToken, hours: list[UsedHour], now: datetime, *, one_token: bool) -> dict[str, Any]:
    """Return what the time of a token's last use does not say: that it is now, or that none of a minute was reported.

    Nodes tell each minute which tokens are in use: what came and went between two of those is told of the customer
    alone, by the bars that were sent. With one token ever, that was it; with several it may have been each of them.
    """
    if token.last_used_at is not None:
        return {"just_now": now - token.last_used_at < _MINUTE}
    if not any(row.sent and row.hour_at + _HOUR > token.issued_at for row in hours):
        return {}
    return {"briefly": "it" if one_token else "some"}


def shortened(text: str, token: AccessToken) -> dict[str, str]:
    """Return a token's text, and what a page shows in its place.

    The text is signed anew for each page and differs each time; by the beginning of its id one knows it again.
    """
    return {"text": text, "short": f"{token}…"}


def _proof(customer: Customer, now: datetime) -> dict[str, Any] | None:
    """Return how much of what was due to the customer in thirty days was delivered; None where nothing was."""
    today = localdate(now)
    due, sent, late = node_selectors.delivered_in_all(customer.pk, usage.since(now).date(), today)
    if not due:
        return None
    return {"due": f"{due:,}", "share": share_text(sent, due), "on_time": share_text(sent - late, due)}
