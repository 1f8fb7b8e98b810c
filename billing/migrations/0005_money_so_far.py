"""What was sold and told so far, as versions of plans, attempts, facts and entries of the ledger.

Each notice becomes a fact: one that settled its order pays it; money that matched nothing stands in suspense, to be
decided by a person. An order that is settled without a notice (given by hand in a shell) has no fact.
"""

from typing import Any

from django.db import migrations

TERMS = ("price_fen", "symbols", "max_connections", "markets", "levels", "types", "intervals")
REASONS = {"amount_mismatch": "wrong_amount", "unknown_purchase": "unknown_order", "already_settled": "second_payment"}


def carry_over(apps: Any, schema_editor: Any) -> None:
    _versions(apps)
    _facts(apps)


def _versions(apps: Any) -> None:
    """Make a version of each price and content that was sold, in the order of its first sale."""
    Version, Purchase = apps.get_model("billing", "PlanVersion"), apps.get_model("billing", "Purchase")
    known: dict[Any, Any] = {}
    numbers: dict[int, int] = {}
    for purchase in Purchase.objects.order_by("placed_at", "pk").iterator():
        terms = {name: getattr(purchase, name) for name in TERMS}
        key = (purchase.plan_id, repr(terms))
        if key not in known:
            numbers[purchase.plan_id] = numbers.get(purchase.plan_id, 0) + 1
            known[key] = Version.objects.create(
                plan_id=purchase.plan_id, number=numbers[purchase.plan_id], since_at=purchase.placed_at, **terms
            )
        Purchase.objects.filter(pk=purchase.pk).update(plan_version=known[key])


def _facts(apps: Any) -> None:
    Notice, Fact = apps.get_model("billing", "GatewayNotice"), apps.get_model("billing", "PaymentFact")
    Attempt, Suspense = apps.get_model("billing", "PaymentAttempt"), apps.get_model("billing", "Suspense")
    for purchase in apps.get_model("billing", "Purchase").objects.order_by("pk").iterator():
        # Its number was the order number: a payment that is still on its way finds it.
        Attempt.objects.create(
            purchase=purchase,
            gateway=purchase.gateway,
            method="page",
            order_no=purchase.public_id,
            due_fen=purchase.due_fen,
            currency=purchase.currency,
            started_at=purchase.placed_at,
            expires_at=purchase.price_until_at,
            state={"settled": "paid", "failed": "declined"}.get(purchase.state, "closed"),
        )
    for notice in Notice.objects.order_by("pk").iterator():
        attempt = Attempt.objects.filter(order_no=notice.order_id, gateway=notice.provider).first()
        paid = notice.outcome != "declined"
        settled = notice.outcome == "settled"
        fact = Fact.objects.create(
            provider=notice.provider,
            kind="paid" if paid else "declined",
            reference=notice.event_id,
            transaction_id=notice.event_id if paid else "",
            order_no=notice.order_id,
            event_id=notice.event_id,
            attempt=attempt,
            purchase_id=notice.purchase_id,
            amount_fen=notice.amount_fen,
            currency=notice.currency,
            at=notice.paid_at,
            received_at=notice.received_at,
            source="notice",
            outcome="settled" if settled else "suspense" if paid else "noted",
        )
        if not paid:
            continue
        if not settled:
            reason = "wrong_currency" if notice.currency != "CNY" else REASONS[notice.outcome]
            Suspense.objects.create(fact=fact, reason=reason, opened_at=notice.received_at)
        if notice.amount_fen:
            _post(apps, fact, settled)


def _post(apps: Any, fact: Any, settled: bool) -> None:
    tail = "" if fact.currency == "CNY" else f"/{fact.currency}"
    entry = apps.get_model("billing", "LedgerEntry").objects.create(
        kind="payment" if settled else "suspense",
        source=f"{fact.provider}:{fact.reference}",
        posted_at=fact.received_at,
    )
    other = "deferred" if settled else f"suspense:{fact.provider}{tail}"
    for code, normal, amount in ((f"gateway:{fact.provider}{tail}", 1, fact.amount_fen), (other, -1, -fact.amount_fen)):
        account, _ = apps.get_model("billing", "LedgerAccount").objects.get_or_create(
            code=code, defaults={"normal": normal, "may_go_below_zero": True}
        )
        apps.get_model("billing", "LedgerLine").objects.create(entry=entry, account=account, amount_fen=amount)


class Migration(migrations.Migration):
    dependencies = [("billing", "0004_money")]
    operations = [migrations.RunPython(carry_over, migrations.RunPython.noop)]
