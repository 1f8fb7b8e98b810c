"""How everything is: markets and nodes as they last said, what is wrong, what was wrong, and what was delivered."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from content import selectors
from content.selectors import Told
from kernel.clock import utc_now
from kernel.scope import MARKETS
from nodes import selectors as node_selectors
from nodes.domain.placement import is_unseen
from nodes.models import Node
from nodes.models.words import MARKET_NAMES, PHASES, word
from panel.pages.carried import FEEDS
from panel.pages.delivered import months

_ENTRIES = 50


@require_safe
def status(request: HttpRequest) -> HttpResponse:
    """Show it without asking anybody: what nodes have reported, and what operators have written."""
    now = utc_now()
    told = selectors.history(now)
    current = [one for one in told if one.is_shown(now) and one.over_at is None]
    groups = _groups(now)
    context = {
        "groups": groups,
        "current": current,
        "past": [one for one in told if one not in current and one.row.kind != "info"],
        "days": selectors.STATUS_DAYS,
        "well": _is_well(current, groups, now),
        "months": months(localdate(now))[:6],
        "now": now,
    }
    return render(request, "panel/status.html", context)


@require_safe
def feed(request: HttpRequest) -> HttpResponse:
    """Answer the same announcements as Atom, for those who watch with a program."""
    page = f"{settings.PANEL_URL}{reverse('status')}"
    drawn = Atom1Feed(
        title=_("%(shop)s: status") % {"shop": settings.SHOP_NAME},
        link=page,
        description="",
        feed_url=f"{settings.PANEL_URL}{reverse('status-feed')}",
    )
    for one in selectors.history(utc_now())[:_ENTRIES]:
        drawn.add_item(
            title=one.title,
            link=f"{page}#announcement-{one.row.pk}",
            description="\n\n".join(text for _update, text in one.lines),
            unique_id=f"{page}#announcement-{one.row.pk}",
            pubdate=one.row.at,
            updateddate=one.updates[-1].at if one.updates else one.row.at,
            categories=[one.kind],
        )
    return HttpResponse(drawn.writeString("utf-8"), content_type="application/atom+xml; charset=utf-8")


def _groups(now: datetime) -> list[dict[str, Any]]:
    """Return each group with its markets and nodes, as they last said."""
    rows: dict[int, dict[str, Any]] = {}
    for node in Node.objects.exclude(state=Node.State.RETIRED).select_related("group").order_by("group__slug", "slug"):
        found = rows.setdefault(node.group_id, {"group": node.group, "nodes": []})
        found["nodes"].append({"node": node, "state": _state(node, now)})
    states = node_selectors.market_states(now)
    for pk, found in rows.items():
        feeds = node_selectors.feeds_of(found["group"], now)
        found["markets"] = [
            {
                "name": MARKET_NAMES[market],
                "key": state,
                "state": word(PHASES, state),
                "feed": FEEDS.get(feeds.get(market, ""), ""),
            }
            for market in MARKETS
            if (state := states.get(pk, {}).get(market, ""))
        ]
    return list(rows.values())


def _state(node: Node, now: datetime) -> str:
    if is_unseen(node.last_seen_at, now):
        return "away"
    if node.state != Node.State.ACTIVE:
        return "draining"
    return "up" if node.reports_realtime else "silent"


def _is_well(current: list[Told], groups: list[dict[str, Any]], now: datetime) -> str:
    """Return `well`, `incident`, `planned` (work is under way), or `partly` where a node is away or silent."""
    kinds = {one.row.kind for one in current if one.row.starts_at <= now}
    for kind in ("incident", "planned"):
        if kind in kinds:
            return kind
    states = {node["state"] for found in groups for node in found["nodes"]}
    quiet = any(market["key"] == "no_feed" for found in groups for market in found["markets"])
    return "partly" if quiet or states & {"away", "silent"} else "well"
