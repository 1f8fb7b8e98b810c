"""What happens to nodes, and how the outbox is delivered."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import httpx
import redis
from celery import current_app
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import F

from nodes import announcements, store
from nodes.errors import LastNodeOfGroup
from nodes.models import CalendarOverride, FeedSetting, Node, Outbox

log = logging.getLogger(__name__)

BATCH = 200  # a sweep ends after so many, so that a worker can be stopped; beat offers the next a second later
LONGEST_WAIT = timedelta(minutes=5)
KEPT = timedelta(days=7)
POLL_TIMEOUT_SECONDS = 2.0
POLLED_AT_ONCE = 32


@transaction.atomic
def drain_node(*, node_id: int) -> Node:
    """Take no new buyers and no new connections on this node; those connected are asked to move."""
    return _change_state(node_id, Node.State.DRAINING)


@transaction.atomic
def undrain_node(*, node_id: int) -> Node:
    """Put a drained or retired node back to work."""
    return _change_state(node_id, Node.State.ACTIVE)


@transaction.atomic
def retire_node(*, node_id: int) -> Node:
    """Take a node out of the shop for good.

    Raises:
        LastNodeOfGroup: its buyers would hold tokens for a group without a node.
    """
    node = Node.objects.select_related("group").get(pk=node_id)
    # Lock the whole group, in key order: two admins who retire its last two nodes would each see the other one alive.
    group = list(Node.objects.select_for_update().filter(group=node.group).order_by("pk"))
    if not any(other.state == Node.State.ACTIVE for other in group if other.pk != node.pk):
        raise LastNodeOfGroup(node=node.slug, group=node.group.slug)
    return _change_state(node_id, Node.State.RETIRED)


@transaction.atomic
def restart_replay(*, setting_id: int) -> FeedSetting:
    """Start a lane's replay from its first row again."""
    FeedSetting.objects.filter(pk=setting_id).update(run=F("run") + 1)
    setting = FeedSetting.objects.get(pk=setting_id)
    announcements.feed_setting(lane=setting.lane)
    return setting


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
    _tell_siblings(nodes, answers)
    return seen


def _tell_siblings(nodes: list[Node], answers: list[tuple[str, dict[str, Any]]]) -> None:
    """Tell the nodes of each group who else takes connections: one that drains sends its clients there."""
    siblings: dict[str, list[dict[str, str]]] = {}
    for node, (error, _) in zip(nodes, answers, strict=True):
        if not error and node.state == Node.State.ACTIVE:
            siblings.setdefault(node.group.slug, []).append({"node": node.slug, "url": node.ws_url})
    try:
        store.write_siblings(siblings)
    except redis.RedisError as error:
        log.warning("who takes connections could not be told: %s", type(error).__name__)


def deliver_outbox(*, now: datetime, limit: int = BATCH) -> int:
    """Deliver what is due, oldest first, each row in a transaction of its own; return how many were delivered."""
    delivered = 0
    for _ in range(limit):
        done = _deliver_next(now)
        if done is None:
            break
        delivered += done
    return delivered


def purge_outbox(*, now: datetime) -> int:
    """Forget what was delivered more than seven days ago."""
    return Outbox.objects.filter(delivered_at__lt=now - KEPT).delete()[0]


def _change_state(node_id: int, state: Node.State) -> Node:
    node = Node.objects.select_for_update().get(pk=node_id)
    node.state = state
    node.save(update_fields=["state"])
    announcements.drain(node=node.slug)
    return node


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


@transaction.atomic
def _deliver_next(now: datetime) -> bool | None:
    """Deliver one row. True: delivered, False: it must wait, None: nothing is due."""
    # Skip what another worker has in hand. (SQLite has one writer at a time and ignores the words.)
    waiting = Outbox.objects.select_for_update(skip_locked=True).filter(delivered_at=None, due_at__lte=now)
    row = waiting.order_by("due_at", "id").first()
    if row is None:
        return None
    row.attempts += 1
    try:
        with transaction.atomic():  # what a failed delivery has read or written in SQL must not spoil this row
            _DELIVERIES[row.kind](row.payload, now)
    except Exception as error:
        row.due_at = now + min(timedelta(seconds=2 ** min(row.attempts, 10)), LONGEST_WAIT)
        row.last_error = f"{type(error).__name__}: {error}"[:300]
        log.warning("outbox %s #%s waits: %s", row.kind, row.pk, row.last_error)
        row.save(update_fields=["attempts", "due_at", "last_error"])
        return False
    row.delivered_at = now
    row.last_error = ""
    row.save(update_fields=["attempts", "delivered_at", "last_error"])
    return True


def _deliver_entitlement(payload: dict[str, Any], now: datetime) -> None:
    scope = payload["scope"]
    store.write_entitlements([scope])
    # Told even when the write changed nothing: the first attempt may have ended between the two.
    store.tell({"kind": "entitlement", "customer": scope["sub"], "group": scope["aud"]})


def _deliver_revocation(payload: dict[str, Any], now: datetime) -> None:
    store.write_revocation(
        jti=payload["jti"],
        works_until_s=payload["works_until_s"],
        expires_at_s=payload["expires_at_s"],
        now_s=int(now.timestamp()),
    )
    store.tell(
        {
            "kind": "revoked",
            "jti": payload["jti"],
            "customer": payload["customer"],
            "group": payload["group"],
        }
    )


def _deliver_drain(payload: dict[str, Any], now: datetime) -> None:
    # The present state counts, not the one at the time of the order; the lock keeps two deliveries in order.
    node = Node.objects.select_for_update().filter(slug=payload["node"]).first()
    store.write_drain(node=payload["node"], draining=node is not None and node.state != Node.State.ACTIVE)
    store.tell({"kind": "drain", "node": payload["node"]})


def _deliver_feed_setting(payload: dict[str, Any], now: datetime) -> None:
    setting = FeedSetting.objects.select_for_update().filter(lane=payload["lane"]).first()
    store.write_feed_setting(lane=payload["lane"], setting=setting.as_json() if setting else None)


def _deliver_calendar_override(payload: dict[str, Any], now: datetime) -> None:
    rows = CalendarOverride.objects.select_for_update().filter(lane=payload["lane"], day_on=payload["day"])
    row = rows.first()
    override = {"kind": str(row.kind), "note": row.note} if row else None
    store.write_calendar_override(lane=payload["lane"], day=payload["day"], override=override)


def _deliver_mail(payload: dict[str, Any], now: datetime) -> None:
    send_mail(payload["subject"], payload["body"], None, [payload["to"]])


def _deliver_task(payload: dict[str, Any], now: datetime) -> None:
    current_app.send_task(payload["name"], kwargs=payload["kwargs"], retry=False)


_DELIVERIES: dict[str, Callable[[dict[str, Any], datetime], None]] = {
    Outbox.Kind.ENTITLEMENT: _deliver_entitlement,
    Outbox.Kind.REVOCATION: _deliver_revocation,
    Outbox.Kind.DRAIN: _deliver_drain,
    Outbox.Kind.FEED_SETTING: _deliver_feed_setting,
    Outbox.Kind.CALENDAR_OVERRIDE: _deliver_calendar_override,
    Outbox.Kind.MAIL: _deliver_mail,
    Outbox.Kind.TASK: _deliver_task,
}
