"""A larger pack instead: what is credited is the cash that is unused, whatever happened to it before."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import QuerySet

from billing import selectors
from billing.errors import NotThatGrant, UpgradeRefused
from billing.gateways.protocol import FactKind
from billing.models import Coupon, Grant, GrantFreeze, Plan, Purchase, Refund, Suspense
from billing.services import books, facts, gifts, purchases, refunds, settling, upgrades
from billing.services.entitlements import close_grant
from tests.at_once import at_once
from tests.factories import NOW, a_customer, a_fact, a_grant, a_node, a_paid, a_plan, a_purchase, an_attempt, pay

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
HALF = NOW + timedelta(days=15)  # of the month from 21 November: 30 days


def upgrade(grant: Grant, plan: str, *, at=NOW, **changes) -> Purchase:
    """An order for a larger pack instead of a grant."""
    grant.purchase.node.last_seen_at = at
    grant.purchase.node.save(update_fields=["last_seen_at"])
    return a_purchase(
        grant.customer, grant.purchase.node, plan=plan, at=at, months=0, kind="upgrade", replaces=grant.pk, **changes
    )


def upgraded(grant: Grant, plan: str, *, at=NOW, **changes) -> Grant:
    """The grant of an upgrade that was paid."""
    order = upgrade(grant, plan, at=at, **changes)
    if order.state == Purchase.State.PENDING:
        assert pay(order, at=at).outcome == "settled"
    return Grant.objects.select_related("purchase__node", "customer", "group").get(purchase=order)


@pytest.fixture
def pack(keys_dir, alice, node) -> Grant:
    """Pack 5, paid for a month from NOW on."""
    return a_paid(alice, node).purchase.grant


@pytest.fixture
def bigger(pack) -> Plan:
    """A larger plan than Pack 50 that costs less: people who ask for everything and more."""
    return Plan.objects.create(slug="pack-99", name_en="99", name_zh="99", symbols=99, price_fen=100, max_connections=5)


def test_an_upgrade_keeps_the_end_and_costs_the_rest_of_the_month(pack):
    order = upgrade(pack, "pack-15", at=HALF)

    assert (order.due_fen, order.credit_fen, order.months) == (500, 500, 0)

    pay(order, at=HALF)
    held = selectors.entitlement(pack.customer, pack.group, HALF)
    assert (held.max_subs, order.grant.starts_at, order.grant.ends_at) == (15, HALF, pack.ends_at)
    assert selectors.live_grant(pack) == order.grant


def test_t13_two_steps_at_one_instant_cost_what_one_step_costs(pack, bob):
    at = NOW + timedelta(days=7, seconds=12345)
    other = a_paid(bob, pack.purchase.node).purchase.grant

    first = upgraded(pack, "pack-15", at=at)
    second = upgraded(first, "pack-50", at=at)
    direct = upgraded(other, "pack-50", at=at)

    steps = first.purchase.due_fen + second.purchase.due_fen
    assert abs(steps - direct.purchase.due_fen) <= 2
    assert books.differences(now=at) == []


def test_t14_a_second_upgrade_credits_what_is_held_and_not_the_last_payment(pack):
    first = upgraded(pack, "pack-15", at=HALF)
    later = HALF + timedelta(days=7.5)  # a quarter of the month is left

    order = upgrade(first, "pack-50", at=later)

    assert first.purchase.due_fen == 500
    assert (order.credit_fen, order.due_fen) == (500, 750)  # a quarter of 20, and of 50 less that


@pytest.mark.parametrize("back", ["refund", "dispute"])
def test_t15_money_that_was_taken_back_is_not_credited_again(pack, back, settings):
    settings.ONE_PERSON_SHOP = True
    first = upgraded(pack, "pack-15", at=HALF)
    paid = first.purchase.facts.get(kind="paid")
    if back == "refund":
        refunds.ask_refund(payment_id=paid.pk, amount_fen=500, reason="no", fault="buyer", effect="keep", by=None,
                           now=HALF)  # fmt: skip
        order = upgrade(first, "pack-50", at=HALF)
        assert (order.credit_fen, order.due_fen) == (500, 2000)
    else:
        told = a_fact(paid.attempt, FactKind.DISPUTED, reference="d1", transaction_id=paid.transaction_id)
        facts.record(told, source="notice", now=HALF)
        assert upgrades.net_cash_fen(first.purchase) == 0
        with pytest.raises(UpgradeRefused, match="in force"):  # it is frozen
            upgrade(first, "pack-50", at=HALF)


def test_t16_of_a_pack_with_a_coupon_what_was_paid_is_credited(alice, node, keys_dir):
    a_plan()
    Coupon.objects.create(code="FIFTH", percent=20)
    grant = a_paid(alice, node, coupon="fifth").purchase.grant

    order = upgrade(grant, "pack-15", at=HALF)

    assert (grant.purchase.due_fen, order.credit_fen, order.due_fen) == (800, 400, 600)


def test_t17_an_upgrade_never_pays_out_and_what_it_credits_stays_credited(pack, bigger):
    big = upgraded(pack, "pack-50", at=NOW)

    cheap = upgraded(big, "pack-99", at=NOW)

    assert (cheap.purchase.due_fen, cheap.purchase.state, cheap.symbols) == (0, "settled", 99)
    assert sum(time.unused_fen(NOW) for time in upgrades.paid_times(cheap)) == 5000
    assert Refund.objects.count() == 0


@pytest.mark.parametrize("given", ["comp", "free"])
def test_what_was_given_away_is_not_credited(keys_dir, alice, node, given):
    if given == "comp":
        grant = gifts.grant_by_hand(
            customer=alice,
            plan=a_plan(),
            node=node,
            ends_at=NOW + timedelta(days=30),
            reason="sorry",
            by=alice,
            now=NOW,
        )
    else:
        a_plan()
        Coupon.objects.create(code="ALL", percent=100)
        grant = a_purchase(alice, node, coupon="ALL").grant

    order = upgrade(grant, "pack-15", at=HALF)

    assert (order.credit_fen, order.due_fen) == (0, 1000)


def test_what_extends_it_goes_with_it_or_stays_as_the_buyer_chooses(pack):
    node = pack.purchase.node
    longer = a_paid(pack.customer, node, kind="extend", extends=pack.pk, months=2).purchase.grant

    alone, together = (upgrade(pack, "pack-15", with_later=later) for later in (False, True))

    assert (alone.due_fen, alone.credit_fen) == (1000, 1000)
    assert (together.due_fen, together.credit_fen) == (3000, 3000)
    pay(together)
    assert (together.grant.ends_at, together.grant.as_value().closed_at) == (longer.ends_at, None)
    for at, symbols in ((NOW, 15), (longer.starts_at, 15), (longer.ends_at, 0)):
        assert selectors.entitlement(pack.customer, pack.group, at).max_subs == symbols


def test_what_stays_is_used_behind_the_upgrade(pack):
    longer = a_paid(pack.customer, pack.purchase.node, kind="extend", extends=pack.pk).purchase.grant

    upgraded(pack, "pack-15", with_later=False)

    for at, symbols in ((NOW, 15), (longer.starts_at, 5), (longer.ends_at, 0)):
        assert selectors.entitlement(pack.customer, pack.group, at).max_subs == symbols


def test_a_pack_of_the_31st_keeps_its_day_through_an_upgrade(keys_dir, alice, node):
    began = NOW.replace(year=2027, month=1, day=31)
    first = a_grant(alice, node, at=began)
    later = upgraded(first, "pack-15", at=began + timedelta(days=3))

    longer = a_grant(alice, node, plan="pack-15", at=began + timedelta(days=4), kind="extend", extends=later.pk)

    assert [(one.ends_at.month, one.ends_at.day) for one in (first, later, longer)] == [(2, 28), (2, 28), (3, 31)]


@pytest.mark.parametrize("plan", ["pack-5", "pack-other"])
def test_a_pack_that_lacks_something_is_no_upgrade(pack, plan):
    Plan.objects.create(
        slug="pack-other", name_en="x", name_zh="x", symbols=50, price_fen=9000, max_connections=5, markets=["CN"]
    )

    with pytest.raises(UpgradeRefused, match="lacks nothing"):
        upgrade(pack, plan)


def test_only_what_is_in_force_and_ones_own_can_be_upgraded(pack, bob):
    longer = a_paid(pack.customer, pack.purchase.node, kind="extend", extends=pack.pk).purchase.grant
    with pytest.raises(UpgradeRefused, match="in force"):
        upgrade(longer, "pack-15")
    with pytest.raises(NotThatGrant):
        a_purchase(bob, pack.purchase.node, plan="pack-15", months=0, kind="upgrade", replaces=pack.pk)
    close_grant(grant_id=longer.pk, reason="x", now=NOW)
    close_grant(grant_id=pack.pk, reason="x", now=NOW, closed_at=HALF)
    with pytest.raises(UpgradeRefused, match="ended early"):
        upgrade(pack, "pack-15")


def test_of_two_orders_for_one_pack_the_second_ones_money_goes_back(pack):
    one, two = upgrade(pack, "pack-15"), upgrade(pack, "pack-50")
    assert pay(one).outcome == "settled"

    late = pay(two)

    assert (late.outcome, late.suspense.reason, late.suspense.state) == ("suspense", "changed", "refunding")
    assert selectors.entitlement(pack.customer, pack.group, NOW).max_subs == 15
    assert books.differences(now=NOW) == []


def test_an_upgrade_whose_credit_went_back_before_it_was_paid_does_not_settle(pack, settings):
    settings.ONE_PERSON_SHOP = True
    order = upgrade(pack, "pack-15")
    paid = pack.purchase.facts.get()
    refunds.ask_refund(payment_id=paid.pk, amount_fen=600, reason="no", fault="buyer", effect="keep", by=None, now=NOW)

    assert pay(order).suspense.reason == Suspense.Reason.CHANGED


def test_a_refund_of_the_upgrade_gives_the_old_pack_back_for_its_time(pack, settings):
    settings.ONE_PERSON_SHOP = True
    order = upgraded(pack, "pack-15", at=HALF).purchase
    paid = order.facts.get(kind="paid")

    refunds.ask_refund(
        payment_id=paid.pk, amount_fen=500, reason="no", fault="buyer", effect="close", by=None, now=HALF
    )

    held = selectors.entitlement(pack.customer, pack.group, HALF)
    assert held.max_subs == 5
    assert selectors.last_end(pack.customer, pack.group) == pack.ends_at
    again = upgrade(Grant.objects.latest("pk"), "pack-15", at=HALF)
    assert (again.credit_fen, again.due_fen) == (500, 500)  # what was paid for it is still there
    assert books.differences(now=HALF) == []


def test_a_refund_of_what_was_upgraded_takes_the_upgrade_with_it_and_pays_its_rest_back(pack, settings):
    settings.ONE_PERSON_SHOP = True
    order = upgraded(pack, "pack-15", at=HALF).purchase
    first = pack.purchase.facts.get()
    ask = {"payment_id": first.pk, "amount_fen": 500, "reason": "no", "fault": "seller", "effect": "close", "by": None}
    with pytest.raises(refunds.RefundRefused, match="upgrade replaced it"):
        refunds.ask_refund(**ask, now=HALF)

    refunds.ask_refund(**ask, now=HALF + timedelta(days=7.5), with_extensions=True)

    assert selectors.entitlement(pack.customer, pack.group, HALF + timedelta(days=8)).max_subs == 0
    own = Refund.objects.get(purchase=order)
    assert (own.amount_fen, own.effect) == (250, "keep")  # half of what it was paid for is left


def test_a_dispute_of_what_was_upgraded_freezes_the_upgrade(pack):
    grant = upgraded(pack, "pack-15", at=HALF)
    first = pack.purchase.facts.get()
    told = a_fact(first.attempt, FactKind.DISPUTED, reference="d1", transaction_id=first.transaction_id)

    facts.record(told, source="notice", now=HALF)

    assert GrantFreeze.objects.get().grant == grant
    assert selectors.entitlement(pack.customer, pack.group, HALF).max_subs == 0
    won = a_fact(first.attempt, FactKind.DISPUTE_WON, reference="d1", transaction_id=first.transaction_id)
    facts.record(won, source="notice", now=HALF)
    assert selectors.entitlement(pack.customer, pack.group, HALF + timedelta(seconds=1)).max_subs == 15


def _both_paid_at_once(monkeypatch):
    """Two orders to upgrade one pack are paid at one instant; return what became of each."""
    import threading
    from contextlib import suppress

    alice, node = a_customer("alice"), a_node()
    pack = a_paid(alice, node).purchase.grant
    told = [a_fact(an_attempt(upgrade(pack, plan))) for plan in ("pack-15", "pack-50")]
    barrier, real = threading.Barrier(2), settling.why_not

    def look_then_wait(purchase, now):
        found = real(purchase, now)
        with suppress(threading.BrokenBarrierError):
            barrier.wait(timeout=1.5)
        return found

    monkeypatch.setattr(settling, "why_not", look_then_wait)
    return at_once([lambda fact=fact: facts.record(fact, source="notice", now=NOW).outcome for fact in told])


@pytest.mark.django_db(transaction=True)
def test_two_upgrades_of_one_pack_that_are_paid_at_once_replace_it_once(monkeypatch, keys_dir):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no row locks")

    assert sorted(_both_paid_at_once(monkeypatch)) == ["settled", "suspense"]
    assert Grant.objects.filter(closure=None).count() == 1


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_both_are_taken_for_settled(monkeypatch, keys_dir):
    """The twin: without the lock the second one fails in the middle, and its gateway is told to come again."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no row locks")
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, *args, **kwargs: self.all())

    assert sorted(_both_paid_at_once(monkeypatch)) == ["IntegrityError", "settled"]


@pytest.fixture
def bob(db):
    return a_customer("bob")


def test_an_upgrade_that_waits_can_be_given_up(pack):
    order = upgrade(pack, "pack-15")

    purchases.cancel_purchase(purchase_id=order.pk, by=pack.customer, now=NOW)

    assert selectors.entitlement(pack.customer, pack.group, NOW).max_subs == 5


def test_a_second_refund_of_an_upgrade_gives_nothing_back_again(pack, settings):
    settings.ONE_PERSON_SHOP = True
    order = upgraded(pack, "pack-15", at=HALF).purchase
    ask = {"payment_id": order.facts.get(kind="paid").pk, "fault": "buyer", "effect": "close", "by": None, "now": HALF}

    refunds.ask_refund(**ask, amount_fen=400, reason="most of it")
    refunds.ask_refund(**ask, amount_fen=100, reason="and the rest")

    assert selectors.entitlement(pack.customer, pack.group, HALF).max_subs == 5
    assert Grant.objects.filter(purchase__kind="comp").count() == 1
