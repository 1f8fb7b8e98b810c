"""The people and things that tests of the control plane are about.

alice bought Pack 5, bob's grant ran out, mallory never paid. NOW is fixed: a Saturday at 09:00 in Shanghai.
"""

import uuid
from datetime import UTC, datetime, timedelta

from accounts.models import Customer
from billing.models import Grant, Plan, Purchase
from billing.services.plans import seed_plans
from billing.services.purchases import place_purchase, settle_purchase
from nodes.models import Node, NodeGroup

NOW = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)
FIRST_REV = int(NOW.timestamp())  # of who bought first at NOW; each change at NOW is one more
PASSWORD = "correct horse battery"


def a_group(slug: str = "sh") -> NodeGroup:
    return NodeGroup.objects.get_or_create(slug=slug, defaults={"name": slug.upper()})[0]


def a_node(slug: str = "sh-1", *, group: NodeGroup | None = None, **changes) -> Node:
    usual = {
        "group": group or a_group(),
        "region": "Shanghai",
        "ws_url": f"wss://{slug}.example:8443/ws/stock",
        "health_url": f"https://{slug}.example/healthz",
        "last_seen_at": NOW,
        "capacity": 100,
    }
    return Node.objects.create(slug=slug, **{**usual, **changes})


def a_customer(name: str = "alice", **flags) -> Customer:
    return Customer.objects.create_user(f"{name}@example.com", PASSWORD, **flags)


def a_plan(slug: str = "pack-5") -> Plan:
    seed_plans()
    return Plan.objects.get(slug=slug)


def a_purchase(customer: Customer, node: Node, *, plan: str = "pack-5", at: datetime = NOW, **changes) -> Purchase:
    seed_plans()
    usual = {"months": 1, "kind": "stack", "extends": None, "idempotency_key": uuid.uuid4().hex, "gateway": "sandbox"}
    return place_purchase(customer=customer, plan=plan, node=node.slug, now=at, **{**usual, **changes})


def a_grant(customer: Customer, node: Node, *, plan: str = "pack-5", at: datetime = NOW, **changes) -> Grant:
    Node.objects.filter(pk=node.pk).update(last_seen_at=at)
    purchase = a_purchase(customer, node, plan=plan, at=at, **changes)
    return settle_purchase(purchase_id=purchase.pk, paid_fen=purchase.due_fen, now=at)


def a_past_grant(customer: Customer, node: Node) -> Grant:
    return a_grant(customer, node, at=NOW - timedelta(days=90))
