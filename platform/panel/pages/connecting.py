"""Programs that connect, with the buyer's own address and token in them; and the papers that describe the wire."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from kernel.clock import utc_now
from panel.pages import paying
from panel.pages.dashboard import shortened
from panel.pages.languages import languages
from panel.standing import of_page, standings


@login_required
@never_cache
@require_safe
def connect(request: HttpRequest, language: str = "native") -> HttpResponse:
    """Show programs that connect in one of the wire's languages, with the buyer's own address and token in them."""
    titles = languages()
    if language not in titles:
        raise Http404
    customer, now = paying.customer_of(request), utc_now()
    found = standings(customer, now)
    # Where nothing can be followed any more there is nothing to connect to: the page says which, and what to do.
    open_ = [one for one in found if one.follows and one.held is not None]
    nodes = {node.slug: (node, one) for one in open_ if one.held is not None for node in one.held.nodes}
    node, standing = nodes.get(request.GET.get("node", "")) or next(iter(nodes.values()), (None, None))
    context: dict[str, Any] = {
        "language": language,
        "languages": titles.items(),
        "nodes": [node for node, _ in nodes.values()],
        "standing": standing or of_page(customer, found, now),
        "title": titles[language],
    }
    if node is not None and standing is not None and standing.held is not None:
        held, http = standing.held, node.http_base
        asked = request.GET.get("token", "")
        token = next((one for one in held.tokens if one.jti == asked), held.tokens[0])
        text = held.text_of(token)
        context |= {
            "node": node,
            "token": text,
            "short": shortened(text, token)["short"],
            "chosen": token,
            "tokens": held.tokens,
            "http": http,
            "ws": f"ws{http[4:]}",
        }
    return render(request, f"connect/{language}/page.html", context)
