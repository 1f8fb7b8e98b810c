"""Every node is asked over HTTP how it is. A node that answers is seen, and only nodes that are seen are sold.

Processes also report by themselves (nodes.services.health). That says more, and nothing of whether buyers reach a
node: what is asked here goes the way that their connections go.
"""

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Any

import httpx

from nodes import selectors, store
from nodes.errors import UnknownTransport
from nodes.models import Node
from outbox.errors import LinkAway

log = logging.getLogger(__name__)

POLL_TIMEOUT_SECONDS = 2.0
POLLED_AT_ONCE = 32


def poll_nodes(*, now: datetime) -> int:
    """Ask every node that is not retired how it is; return how many answered."""
    nodes = list(Node.objects.exclude(state=Node.State.RETIRED).select_related("group"))
    # At once: one after the other, thirty dead nodes would make the living ones look unseen.
    with (
        httpx.Client(timeout=POLL_TIMEOUT_SECONDS, follow_redirects=False, trust_env=False) as client,
        ThreadPoolExecutor(max_workers=POLLED_AT_ONCE) as pool,
    ):
        answers = list(pool.map(partial(_ask, client), nodes))
    seen = 0
    for node, (error, health) in zip(nodes, answers, strict=True):
        # update() of these columns only: an admin may be changing the others at this moment.
        row = Node.objects.filter(pk=node.pk)
        if error:
            row.update(last_error=error[:200])
            continue
        seen += 1
        row.update(
            last_seen_at=now, last_error="", connections=health["connections"], reports_realtime=health["realtime"]
        )
    _tell_siblings([node for node, (error, _) in zip(nodes, answers, strict=True) if not error])
    return seen


def _tell_siblings(seen: list[Node]) -> None:
    """Tell the nodes of each group who else takes connections: one that drains sends its clients there."""
    takes = [node for node in seen if node.state == Node.State.ACTIVE]
    for group in {node.group.slug: node.group for node in takes}.values():
        siblings = [{"node": node.slug, "url": node.ws_url} for node in takes if node.group_id == group.pk]
        try:
            selectors.link_to(group).apply([store.siblings(group=group.slug, nodes=siblings)])
        except (LinkAway, UnknownTransport) as error:
            log.warning("group %s: who takes connections could not be told: %s", group.slug, error)


def _ask(client: httpx.Client, node: Node) -> tuple[str, dict[str, Any]]:
    """Return ("", health), or what is wrong and nothing."""
    try:
        answer = client.get(node.health_url)
        health = answer.raise_for_status().json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        return f"{type(error).__name__}: {error}", {}
    if not isinstance(health, dict) or health.get("status") != "ok":
        return "it does not say that it is ok", {}
    if health.get("node") != node.slug:
        return f"another node answers there: {str(health.get('node'))[:40]}", {}
    connections = health.get("connections")
    return "", {
        "connections": connections if type(connections) is int and connections >= 0 else 0,
        "realtime": health.get("realtime") is True,
    }
