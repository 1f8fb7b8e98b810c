"""Whatever buyers, gateways, banks and the shop's people do, and in whatever order: the books agree after each step."""

import itertools
import uuid
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.models import F
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from accounts.models import Customer
from billing import selectors
from billing.gateways.protocol import FactKind
from billing.models import (
    Coupon,
    GiftCode,
    Grant,
    PaymentAttempt,
    PaymentFact,
    Plan,
    Purchase,
    PurchaseEvent,
    Refund,
    Suspense,
    TermDiscount,
    TrialOffer,
)
from billing.services import books, facts, gift_codes, gifts, invitations, prepayments, purchases, refunds
from kernel.errors import PlatformError
from nodes.models import Node
from tests.factories import NOW, a_customer, a_fact, a_node, a_plan, an_attempt

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
PLANS = ("pack-5", "pack-15", "pack-50")
ADDS = "adding something never lowers what a customer has"


class Life(RuleBasedStateMachine):
    """A shop with two buyers and two people of its own, on a node that holds a few sockets."""

    def __init__(self) -> None:
        super().__init__()
        self.savepoint = transaction.atomic()
        self.savepoint.__enter__()
        self.now = NOW
        a_plan()
        self.node = a_node(capacity=14)
        self.buyers = [a_customer("alice"), a_customer("bob")]
        Coupon.objects.create(code="TENTH", percent=10, per_customer=99)
        Coupon.objects.create(code="YUAN5", off_fen=500, limit=3, per_customer=99)
        Coupon.objects.create(code="ONCE", percent=33, limit=1)
        TermDiscount.objects.create(months=6, percent=7)
        TrialOffer.objects.create(plan=Plan.objects.get(slug="pack-15"), days=7)
        invitations.accept(customer=self.buyers[1], code=invitations.code_of(self.buyers[0]), now=NOW)
        self.finance, self.owner = a_customer("finance"), a_customer("owner")
        self.told = []

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.savepoint.__exit__(None, None, None)

    # -- what happens ----------------------------------------------------------------------------------------
    @rule(minutes=st.sampled_from([1, 10, 20, 60 * 24, 60 * 24 * 20]))
    def time_passes(self, minutes):
        self.now += timedelta(minutes=minutes)
        Node.objects.update(last_seen_at=self.now)

    @rule(buyer=st.integers(0, 1), plan=st.sampled_from(PLANS), months=st.integers(1, 12), extend=st.booleans())
    def order(self, buyer, plan, months, extend):
        customer = self.buyers[buyer]
        tails = [one for one in selectors.chain_tails(customer, now=self.now) if one.purchase.plan.slug == plan]
        grant = tails[0] if extend and tails else None
        self._try(
            lambda: purchases.place_purchase(
                customer=customer, plan=plan, node=self.node.slug, months=months,
                kind="extend" if grant else "stack", extends=grant.pk if grant else None,
                idempotency_key=uuid.uuid4().hex, now=self.now,
            )
        )  # fmt: skip

    @rule(
        buyer=st.integers(0, 1), plan=st.sampled_from(PLANS), months=st.integers(1, 12), balance=st.booleans(),
        coupon=st.sampled_from(["TENTH", "YUAN5", "ONCE"]),
    )  # fmt: skip
    def order_for_less(self, buyer, plan, months, balance, coupon):
        self._try(
            lambda: purchases.place_purchase(
                customer=self.buyers[buyer], plan=plan, node=self.node.slug, months=months, kind="stack", extends=None,
                idempotency_key=uuid.uuid4().hex, coupon=coupon, use_balance=balance, now=self.now,
            )
        )  # fmt: skip

    @rule(data=st.data(), plan=st.sampled_from(PLANS), later=st.booleans(), balance=st.booleans(), paid=st.booleans())
    def upgrade(self, data, plan, later, balance, paid):
        grant = self._one(data, Grant.objects.filter(starts_at__lte=self.now, ends_at__gt=self.now))
        if grant is None:
            return
        placed = self._try(
            lambda: purchases.place_purchase(
                customer=grant.customer, plan=plan, node=self.node.slug, months=0, kind="upgrade", extends=None,
                replaces=grant.pk, with_later=later, use_balance=balance, idempotency_key=uuid.uuid4().hex,
                now=self.now,
            )
        )  # fmt: skip
        if placed is not None and placed.state == "pending" and paid:
            self._tell(a_fact(an_attempt(placed, at=self.now), at=self.now), placed)

    @rule(buyer=st.integers(0, 1), plan=st.sampled_from(PLANS))
    def try_it(self, buyer, plan):
        self._try(
            lambda: purchases.place_trial(
                customer=self.buyers[buyer], plan=plan, node=self.node.slug, idempotency_key=uuid.uuid4().hex,
                now=self.now,
            )
        )  # fmt: skip

    @rule(buyer=st.integers(0, 1), fen=st.sampled_from([1000, 4000, 20000]), paid=st.booleans())
    def top_up(self, buyer, fen, paid):
        order = self._try(
            lambda: prepayments.place_top_up(
                customer=self.buyers[buyer], amount_fen=fen, idempotency_key=uuid.uuid4().hex, now=self.now
            )
        )
        if order is not None:
            attempt = an_attempt(order, gateway="alipay", at=self.now)
            if paid:
                self._record(a_fact(attempt, at=self.now))

    @rule(buyer=st.integers(0, 1), plan=st.sampled_from(PLANS), months=st.integers(1, 3))
    def buy_a_gift(self, buyer, plan, months):
        order = self._try(
            lambda: prepayments.place_gift(
                customer=self.buyers[buyer], plan=plan, months=months, idempotency_key=uuid.uuid4().hex, now=self.now
            )
        )
        if order is not None:
            self._record(a_fact(an_attempt(order, gateway="wechat", at=self.now), at=self.now))

    @rule(data=st.data(), buyer=st.integers(0, 1), extend=st.booleans())
    def redeem_a_gift(self, data, buyer, extend):
        code = self._one(data, GiftCode.objects.all())
        customer = self.buyers[buyer]
        if code is None:
            return
        tails = [
            one
            for one in selectors.chain_tails(customer, now=self.now)
            if one.purchase.plan_id == code.plan_version.plan_id
        ]
        grant = tails[0].pk if extend and tails else None
        self._try(
            lambda: gift_codes.redeem(
                customer=customer, code=code.code, node=self.node.slug, extends=grant, now=self.now
            )
        )

    @rule()
    def commissions_are_paid(self):
        invitations.pay_commissions(now=self.now)

    @rule(data=st.data(), gateway=st.sampled_from(["alipay", "wechat", "stripe"]))
    def begin_to_pay(self, data, gateway):
        if (purchase := self._one(data, Purchase.objects.filter(state="pending"))) is not None:
            an_attempt(purchase, gateway=gateway, at=self.now)

    @rule(
        data=st.data(),
        how=st.sampled_from(["right", "right", "right", "less", "more", "dollars", "declined", "closed"]),
    )
    def a_gateway_tells(self, data, how):
        attempt = self._one(data, PaymentAttempt.objects.all())
        if attempt is None:
            return
        kinds = {"declined": FactKind.DECLINED, "closed": FactKind.CLOSED}
        changes = {"less": {"amount_fen": attempt.due_fen - 1}, "more": {"amount_fen": attempt.due_fen + 100},
                   "dollars": {"currency": "USD"}}.get(how, {})  # fmt: skip
        fact = a_fact(attempt, kinds.get(how, FactKind.PAID), at=self.now, **changes)
        if attempt.purchase is not None:
            self._tell(fact, attempt.purchase)
        else:
            self._record(fact)

    @rule()
    @precondition(lambda self: self.told)
    def it_is_told_again(self):
        before = PaymentFact.objects.count()
        facts.record(self.told[len(self.told) // 2], source="query", now=self.now)
        assert PaymentFact.objects.count() == before

    @rule()
    def somebody_pays_for_an_order_of_nobody(self):
        fact = (
            a_fact(an_attempt(self._any_purchase(), at=self.now), order_no="nobody's") if self._any_purchase() else None
        )
        if fact is not None:
            facts.record(fact, source="bill", now=self.now)

    @rule(data=st.data())
    def the_buyer_cancels(self, data):
        if (purchase := self._one(data, Purchase.objects.filter(state="pending"))) is not None:
            purchases.cancel_purchase(purchase_id=purchase.pk, by=purchase.customer, now=self.now)

    @rule()
    def orders_expire(self):
        purchases.expire_purchases(now=self.now)
        prepayments.expire_prepayments(now=self.now)

    @rule(
        data=st.data(), effect=st.sampled_from(Refund.Effect.values), percent=st.integers(1, 100), chain=st.booleans()
    )
    def money_shall_go_back(self, data, effect, percent, chain):
        payment = self._one(data, PaymentFact.objects.filter(kind="paid"))
        if payment is None or not payment.amount_fen:
            return
        asked = self._try(
            lambda: refunds.ask_refund(
                payment_id=payment.pk, amount_fen=max(1, payment.amount_fen * percent // 100), reason="asked for it",
                fault="buyer", effect=effect, by=self.finance, now=self.now, with_extensions=chain,
                shorten_to=self.now + timedelta(days=3) if effect == "shorten" else None,
            )
        )  # fmt: skip
        if asked is not None:
            self._try(lambda: refunds.decide_refund(refund_id=asked.pk, by=self.owner, now=self.now))

    @rule(data=st.data(), done=st.booleans())
    def a_refund_ends(self, data, done):
        refund = self._one(data, Refund.objects.filter(state__in=["decided", "sent", "done"]).exclude(fault="console"))
        if refund is None or refund.payment.attempt is None or refund.by_hand:
            return
        kind = FactKind.REFUNDED if done else FactKind.REFUND_FAILED
        told = a_fact(
            refund.payment.attempt, kind, at=self.now, reference=refund.refund_no, refund_no=refund.refund_no,
            amount_fen=refund.amount_fen, currency=refund.currency, transaction_id=refund.payment.transaction_id,
        )  # fmt: skip
        facts.record(told, source="query", now=self.now)

    @rule(data=st.data(), again=st.booleans())
    def a_failed_refund_is_paid_otherwise(self, data, again):
        refund = self._one(data, Refund.objects.filter(state="failed"))
        if refund is not None and again:
            self._try(lambda: refunds.retry_refund(refund_id=refund.pk, by=self.owner, now=self.now))
        elif refund is not None:
            refunds.pay_by_hand(refund_id=refund.pk, reference="bank", by=self.owner, now=self.now)

    @rule(data=st.data(), percent=st.sampled_from([10, 100]))
    def a_refund_is_made_in_the_console(self, data, percent):
        payment = self._one(data, PaymentFact.objects.filter(kind="paid", attempt__isnull=False))
        if payment is None or refunds.left_of(payment) < (fen := max(1, payment.amount_fen * percent // 100)):
            return
        told = a_fact(
            payment.attempt, FactKind.REFUNDED, at=self.now, amount_fen=fen, currency=payment.currency,
            transaction_id=payment.transaction_id,
        )  # fmt: skip
        facts.record(told, source="notice", now=self.now)

    @rule(data=st.data(), kind=st.sampled_from([kind for kind in FactKind if kind.startswith("dispute")]))
    def the_bank_asks(self, data, kind):
        payment = self._one(data, PaymentFact.objects.filter(kind="paid", attempt__isnull=False))
        if payment is None:
            return
        told = a_fact(
            payment.attempt, kind, at=self.now, reference=f"d-{payment.pk}", amount_fen=payment.amount_fen,
            currency=payment.currency, transaction_id=payment.transaction_id,
        )  # fmt: skip
        facts.record(told, source="notice", now=self.now)

    @rule(data=st.data())
    def a_person_finds_out_whose_money_it_is(self, data):
        suspense = self._one(data, Suspense.objects.filter(state="open"))
        order = self._one(data, Purchase.objects.exclude(state="settled").exclude(kind="comp"))
        if suspense is not None and order is not None:
            self._try(
                lambda: facts.use_suspense(
                    suspense_id=suspense.pk, order=order.public_id, by=self.finance, why="called us", now=self.now
                )
            )

    @rule(buyer=st.integers(0, 1), days=st.integers(1, 40), symbols=st.integers(1, 9))
    def the_shop_gives(self, buyer, days, symbols):
        gifts.grant_by_hand(
            customer=self.buyers[buyer], plan=Plan.objects.get(slug="pack-5"), node=self.node, symbols=symbols,
            ends_at=self.now + timedelta(days=days), reason="sorry", by=self.owner, now=self.now,
        )  # fmt: skip

    @rule(hours=st.integers(1, 48))
    def the_shop_makes_good_for_an_outage(self, hours):
        self._try(
            lambda: gifts.compensate(
                key=uuid.uuid4().hex, hours=hours, reason="outage", by=self.owner, now=self.now, node=self.node
            )
        )

    # -- what always holds -----------------------------------------------------------------------------------
    @invariant()
    def the_books_agree(self):
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
                cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        # What has waited for three days is an alarm and no disagreement.
        assert [one for one in books.differences(now=self.now) if " since " not in one] == []

    @invariant()
    def everybody_has_what_grants_say(self):
        for customer in self.buyers:
            rows = Grant.objects.filter(customer=customer).select_related("closure").prefetch_related("freezes")
            live = [
                grant.symbols
                for grant in rows
                if grant.starts_at <= self.now < grant.ends_at
                and (not hasattr(grant, "closure") or self.now < grant.closure.closed_at)
                and not any(one.frozen_at <= self.now and one.lifted_at is None for one in grant.freezes.all())
            ]
            assert selectors.entitlement(customer, self.node.group, self.now).max_subs == sum(live)

    @invariant()
    def a_purchase_is_in_one_state_that_its_life_led_to(self):
        for purchase in Purchase.objects.prefetch_related("events"):
            steps = [(event.from_state, event.to_state) for event in purchase.events.all()]
            assert steps[-1][1] == purchase.state
            assert all(earlier[1] == later[0] for earlier, later in itertools.pairwise(steps))
        assert PurchaseEvent.objects.filter(from_state="settled").count() == 0

    # -- how it is done --------------------------------------------------------------------------------------
    def _record(self, fact):
        facts.record(fact, source="notice", now=self.now)
        self.told.append(fact)

    def _tell(self, fact, purchase):
        """Record a fact; where it settles something, look whether it took something away."""
        before = selectors.timeline(purchase.customer, self.node.group, self.now)
        facts.record(fact, source="notice", now=self.now)
        self.told.append(fact)
        for segment in before:
            has = selectors.entitlement(purchase.customer, self.node.group, segment.from_at)
            assert has.max_subs >= segment.entitlement.max_subs, ADDS
            assert has.markets >= segment.entitlement.markets, ADDS

    def _try(self, work):
        """Do what the shop may refuse; anything but a refusal is a fault."""
        try:
            with transaction.atomic():
                return work()
        except PlatformError:
            return None

    def _one(self, data, rows):
        found = list(rows.order_by("pk"))
        return data.draw(st.sampled_from(found)) if found else None

    def _any_purchase(self):
        return Purchase.objects.filter(due_fen__gt=F("balance_fen")).first()


def test_the_books_agree_whatever_happens(keys_dir, settings_of_a_shop):
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
    assert Customer.objects.count() == 0


@pytest.fixture
def settings_of_a_shop(settings):
    settings.PAYMENT_GATEWAYS = ["sandbox"]
    settings.ONE_PERSON_SHOP = False
    settings.INVITE_PERCENT = 10
