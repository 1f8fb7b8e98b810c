"""What is carried: counted off the list of instruments, and what feeds the markets at the moment."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from kernel.clock import utc_now
from kernel.scope import MARKETS
from nodes import selectors
from nodes.models import NodeGroup
from nodes.models.words import BOARDS, KINDS, MARKET_NAMES

FEEDS = {
    "live": gettext_lazy("live, of real sources"), "replay": gettext_lazy("a recording of real data"),
    "simulated": gettext_lazy("made up: real names, invented prices"), "test": gettext_lazy("made up"),
    "none": gettext_lazy("none"),
}  # fmt: skip


@require_safe
def carried(request: HttpRequest) -> HttpResponse:
    """Say what is carried: how many products of which kind, and what feeds each group's markets at the moment."""
    rows, now = selectors.carried(), utc_now()
    groups = [
        (
            group,
            [
                (MARKET_NAMES.get(market, market), FEEDS.get(feed, feed))
                for market, feed in selectors.feeds_of(group, now).items()
            ],
        )
        for group in NodeGroup.objects.order_by("slug")
    ]
    context = {
        "markets": by_market(rows),
        "groups": groups,
        "products": sum(row.products for row in rows),
        "published": selectors.published_list(),
    }
    return render(request, "panel/carried.html", context)


def by_market(rows: list[selectors.Carried]) -> list[dict[str, Any]]:
    """Return what is carried for each market, by board and kind."""
    return [
        {
            "name": name,
            "rows": [(BOARDS[row.board], KINDS[row.kind], row) for row in rows if row.market == name],
            "products": sum(row.products for row in rows if row.market == name),
            "delisted": sum(row.delisted for row in rows if row.market == name),
        }
        for name in MARKETS
    ]
