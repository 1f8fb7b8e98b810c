"""How much of what was due was delivered: month by month, for anybody."""

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.timezone import localdate
from django.views.decorators.http import require_safe

from kernel.clock import utc_now
from nodes import selectors
from nodes.domain.proof import misses_aim, share_text
from nodes.models.words import MARKET_NAMES


@require_safe
def delivered(request: HttpRequest) -> HttpResponse:
    """Show the share of due bars that was delivered, of the last twelve months, by group and market."""
    today = localdate(utc_now())
    return render(request, "panel/delivered.html", {"months": months(today), "today": today})


def months(today: date) -> list[dict[str, Any]]:
    """Return the months in which something was due, newest first, with their shares as people read them."""
    return [
        {
            "row": row,
            "market": MARKET_NAMES.get(row.lane, row.lane),
            "share": share_text(row.sent, row.due),
            "on_time": share_text(row.sent - row.late, row.due),
            "misses": misses_aim(row.sent, row.due),
        }
        for row in selectors.delivered_months(today)
        if row.due
    ]
