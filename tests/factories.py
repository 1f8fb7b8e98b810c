"""The people and things that tests of the control plane are about.

alice bought Pack 5, bob's grant ran out, mallory never paid. NOW is fixed: a Saturday at 09:00 in Shanghai.
"""

import uuid
from datetime import UTC, datetime, timedelta

from accounts.models import Customer
from billing.gateways.protocol import Fact, FactKind
from billing.models import Grant, PaymentAttempt, PaymentFact, Plan, Prepayment, Purchase
from billing.services.facts import record
from billing.services.plans import seed_plans
from billing.services.prepayments import place_top_up
from billing.services.purchases import place_purchase
from billing.services.settling import settle_purchase
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
    return settle_purchase(purchase_id=purchase.pk, paid_fen=purchase.cash_fen, now=at)


def a_past_grant(customer: Customer, node: Node) -> Grant:
    return a_grant(customer, node, at=NOW - timedelta(days=90))


def an_attempt(
    order: Purchase | Prepayment, *, gateway: str = "sandbox", at: datetime = NOW, **changes
) -> PaymentAttempt:
    """An attempt to pay, as the shop stores it before it asks the gateway."""
    usual = {
        "order_no": f"P{uuid.uuid4().hex[:25].upper()}",
        "method": "page",
        "due_fen": order.cash_fen,
        "currency": order.currency,
        "started_at": at,
        "expires_at": at + timedelta(minutes=14),
        "purchase" if isinstance(order, Purchase) else "prepayment": order,
    }
    return PaymentAttempt.objects.create(gateway=gateway, **{**usual, **changes})


def a_fact(attempt: PaymentAttempt, kind: FactKind = FactKind.PAID, *, at: datetime = NOW, **changes) -> Fact:
    """What a gateway says of an attempt: unless changed, that it was paid in full."""
    number = uuid.uuid4().hex
    usual = {
        "provider": attempt.gateway,
        "reference": number,
        "order_no": attempt.order_no,
        "amount_fen": attempt.due_fen,
        "currency": attempt.currency,
        "at": at,
        "transaction_id": number if kind == FactKind.PAID else "",
    }
    return Fact(kind=kind, **{**usual, **changes})


def a_paid(customer: Customer, node: Node, *, at: datetime = NOW, **changes) -> PaymentFact:
    """A purchase that was paid through the sandbox: the fact, with its purchase, its grant and its entry."""
    Node.objects.filter(pk=node.pk).update(last_seen_at=at)
    purchase = a_purchase(customer, node, at=at, **changes)
    return record(a_fact(an_attempt(purchase, at=at), at=at), source="notice", now=at)


def pay(order: Purchase | Prepayment, *, gateway: str = "sandbox", at: datetime = NOW, **changes) -> PaymentFact:
    """An order is paid in full through a gateway."""
    return record(a_fact(an_attempt(order, gateway=gateway, at=at), at=at, **changes), source="notice", now=at)


def topped_up(customer: Customer, fen: int, *, at: datetime = NOW) -> PaymentFact:
    """A customer has money in the balance."""
    order = place_top_up(customer=customer, amount_fen=fen, idempotency_key=uuid.uuid4().hex, now=at)
    return pay(order, at=at)
