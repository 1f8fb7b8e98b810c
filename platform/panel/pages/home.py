"""The front page: what this is, a chart that moves, a program, what is carried, what it costs."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from billing import selectors
from content import selectors as texts
from content.models import Page
from kernel.clock import utc_now
from nodes import selectors as nodes
from panel.pages.carried import by_market

SAMPLES = (
    ("python", "Python", "panel/samples/bars.py.txt"),
    ("javascript", "JavaScript", "panel/samples/bars.js.txt"),
    ("go", "Go", "panel/samples/bars.go.txt"),
    ("curl", "curl", "panel/samples/bars.sh.txt"),
)
NOT_CARRIED = (
    gettext_lazy("US stocks"), gettext_lazy("futures"), gettext_lazy("options"), gettext_lazy("forex"),
    gettext_lazy("crypto"),
)  # fmt: skip
QUESTIONS = 6


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Say all of it; nobody has to log in for any."""
    now = utc_now()
    plans, carried, node = selectors.plans_on_sale(), nodes.carried(), nodes.guest_node(now)
    context = {
        "plans": plans,
        "held_back": selectors.plans_held_back(plans, now),
        "markets": by_market(carried),
        "products": sum(row.products for row in carried),
        "not_carried": NOT_CARRIED,
        "samples": SAMPLES,
        # Where no node is up the samples still say what a program looks like.
        "ws": node.ws_url if node else "wss://node.example/ws/stock",
        "http": node.http_base if node else "https://node.example",
        "node": node,
        "questions": texts.text_of(Page.QUESTIONS.value).questions()[:QUESTIONS],
    }
    return render(request, "panel/home.html", context)
