"""A month of a shop on a clock of its own: buyers who do all there is, and what is left behind.

The books agree each day, every mail was sent once and stands in its customer's list, and every page can be looked at
by everybody in both languages.
"""

import os
import random
import uuid
from collections import Counter
from datetime import datetime, timedelta

import pytest
from django.core import mail
from django.core.management import call_command
from django.test import Client

from accounts.models import Customer
from billing import selectors
from billing.gateways.protocol import FactKind
from billing.models import (
    AutoRenewal,
    Coupon,
    GiftCode,
    Grant,
    Purchase,
    Refund,
    RenewalStep,
    TermDiscount,
    TrialOffer,
)
from billing.services import (
    asking,
    books,
    facts,
    gift_codes,
    invitations,
    prepayments,
    purchases,
    refunds,
    reminders,
    renewals,
    tokens,
)
from kernel import clock
from kernel.errors import PlatformError
from nodes.models import Node
from outbox.models import MailRecord, Outbox
from outbox.services.sending import deliver_outbox
from tests.factories import a_customer, a_fact, a_node, a_plan, an_attempt, pay, topped_up

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
# All 200 buyers and their thousand orders take nine minutes, most of it for receipts: TICKPACK_MONTH_BUYERS=200.
BUYERS, DAYS, SEED = int(os.environ.get("TICKPACK_MONTH_BUYERS", "24")), 36, 20261130
BUSY = 1.0 if BUYERS >= 200 else 0.12  # of the orders of a day


class Shop:
    """The shop, its buyers, and its clock, which everything reads."""

    def __init__(self, monkeypatch, node) -> None:
        self.now = clock.utc_now().replace(hour=1, minute=0, second=0, microsecond=0)
        self.node, self.chance = node, random.Random(SEED)
        outer = self

        class Moved(datetime):
            @classmethod
            def now(cls, tz=None):
                return outer.now.astimezone(tz)

        monkeypatch.setattr(clock, "datetime", Moved)
        self.people = [a_customer(f"buyer{n}", language="zh-hans" if n % 2 else "en") for n in range(BUYERS)]
        self.done: Counter[str] = Counter()

    def a_day(self) -> None:
        """Somebody does something each few minutes; beat's tasks run in between."""
        for _ in range(12):
            self.now += timedelta(hours=2, seconds=self.chance.randrange(3600) // 60)
            Node.objects.update(last_seen_at=self.now)
            for _ in range(self.chance.randrange(2, 5)):
                if self.chance.random() < BUSY:
                    self._something(self.chance.choice(self.people))
            self.beat()

    def beat(self) -> None:
        """What the workers do."""
        purchases.expire_purchases(now=self.now)
        prepayments.expire_prepayments(now=self.now)
        renewals.renew(now=self.now)
        invitations.pay_commissions(now=self.now)
        reminders.remind(now=self.now)
        asking.send_refunds(now=self.now)
        while deliver_outbox(now=self.now + timedelta(minutes=10)):
            pass

    def _something(self, who: Customer) -> None:
        does = self.chance.choice(
            [self._buy] * 4
            + [self._extend] * 2
            + [self._upgrade, self._top_up, self._top_up, self._renews, self._trial, self._gift, self._redeem,
               self._refund, self._late, self._twice, self._revoke, self._cancel, self._forget]
        )  # fmt: skip
        try:
            does(who)
            self.done[does.__name__] += 1
        except PlatformError as refused:
            self.done[f"{does.__name__}: {refused.code}"] += 1

    def _place(self, who: Customer, **order):
        usual = {
            "plan": self.chance.choice(["pack-5", "pack-15", "pack-50"]), "months": self.chance.choice([1, 1, 1, 3, 6]),
            "kind": "stack", "extends": None, "use_balance": self.chance.random() < 0.3,
            "coupon": self.chance.choice(["", "", "", "TENTH", "FEW"]),
        }  # fmt: skip
        return purchases.place_purchase(
            customer=who, node=self.node.slug, idempotency_key=uuid.uuid4().hex, now=self.now, **{**usual, **order}
        )

    def _pay(self, order) -> None:
        if order.state == "pending":
            pay(order, gateway=self.chance.choice(["alipay", "wechat", "sandbox"]), at=self.now)

    def _buy(self, who):
        self._pay(self._place(who))

    def _extend(self, who):
        tails = selectors.chain_tails(who, now=self.now)
        if tails:
            tail = self.chance.choice(tails)
            self._pay(self._place(who, kind="extend", extends=tail.pk, plan=tail.purchase.plan.slug, months=1))

    def _upgrade(self, who):
        held = selectors.grants_in_force(who, self.node.group, self.now)
        if held:
            grant = self.chance.choice(held)
            self._pay(
                self._place(
                    who,
                    kind="upgrade",
                    plan="pack-50",
                    replaces=grant.pk,
                    months=0,
                    with_later=self.chance.random() < 0.5,
                )
            )

    def _top_up(self, who):
        self._pay(
            prepayments.place_top_up(
                customer=who, amount_fen=self.chance.choice([1000, 2000, 5000]), idempotency_key=uuid.uuid4().hex,
                now=self.now,
            )
        )  # fmt: skip

    def _renews(self, who):
        for tail in selectors.chain_tails(who, now=self.now)[:1]:
            renewals.switch(customer=who, grant=tail.pk, on=self.chance.random() < 0.9, now=self.now)

    def _trial(self, who):
        order = purchases.place_trial(
            customer=who, plan="pack-15", node=self.node.slug, idempotency_key=uuid.uuid4().hex, now=self.now
        )
        self._pay(order)

    def _gift(self, who):
        self._pay(
            prepayments.place_gift(
                customer=who, plan="pack-5", months=1, idempotency_key=uuid.uuid4().hex, now=self.now
            )
        )

    def _redeem(self, who):
        code = GiftCode.objects.filter(state="new").order_by("?").first()
        if code is not None:
            gift_codes.redeem(customer=who, code=code.code, node=self.node.slug, now=self.now)

    def _refund(self, who):
        order = Purchase.objects.filter(customer=who, state="settled", facts__kind="paid").order_by("-pk").first()
        if order is not None:
            payment = order.facts.filter(kind="paid", outcome="settled").first()
            refunds.ask_refund(
                payment_id=payment.pk, amount_fen=max(1, refunds.left_of(payment) // 2), reason="a wish",
                fault="buyer", effect=self.chance.choice(["keep", "close"]), by=None, now=self.now,
                with_extensions=True,
            )  # fmt: skip

    def _late(self, who):
        order = self._place(who)
        if order.state == "pending":
            attempt = an_attempt(order, at=self.now)
            self.now += timedelta(minutes=20)
            purchases.expire_purchases(now=self.now)
            facts.record(a_fact(attempt, at=self.now), source="query", now=self.now)

    def _twice(self, who):
        order = self._place(who)
        if order.state == "pending":
            for gateway in ("alipay", "wechat"):
                pay(order, gateway=gateway, at=self.now)

    def _revoke(self, who):
        if Grant.objects.filter(customer=who).exists():
            tokens.revoke_tokens(customer=who, group=self.node.group, now=self.now)
            tokens.issue_token(customer=who, group=self.node.group, now=self.now)

    def _forget(self, who):
        self._place(who)

    def _cancel(self, who):
        order = self._place(who)
        if order.state == "pending":
            purchases.cancel_purchase(purchase_id=order.pk, by=who, now=self.now)


@pytest.fixture
def shop(monkeypatch, settings, keys_dir, quick_passwords):
    settings.PAYMENT_GATEWAYS = ["sandbox"]
    settings.ONE_PERSON_SHOP = True
    settings.INVITE_PERCENT, settings.REFUND_WINDOW_DAYS = 10, 7
    monkeypatch.setattr(purchases, "ORDERS_AN_HOUR_FROM", 10**6)
    node = a_node(capacity=10**6, realtime=True, reports_realtime=True)
    plan = a_plan("pack-15")
    made = Shop(monkeypatch, node)
    Coupon.objects.create(code="TENTH", percent=10, per_customer=99)
    Coupon.objects.create(code="FEW", off_fen=700, limit=15, per_customer=2)
    TermDiscount.objects.create(months=6, percent=7)
    TrialOffer.objects.create(plan=plan, days=3)
    for inviter, invitee in zip(made.people[:10], made.people[10:20], strict=True):
        invitations.accept(customer=invitee, code=invitations.code_of(inviter), now=made.now)
    # Whatever chance brings: somebody whose balance does not last, somebody whose does, somebody who only tries.
    poor, rich, curious, keen = (a_customer(name) for name in ("poor", "rich", "curious", "keen"))
    for who in (poor, rich):
        Node.objects.update(last_seen_at=made.now)
        made._pay(made._place(who, months=1, plan="pack-5", coupon="", use_balance=False))
        renewals.switch(customer=who, grant=who.grants.get().pk, on=True, now=made.now)
    topped_up(rich, 5000, at=made.now)
    made._trial(curious)
    made._pay(made._place(keen, plan="pack-5", months=1, coupon="FEW"))
    made._upgrade(keen)
    for does in (made._gift, made._redeem, made._forget, made._cancel, made._revoke, made._refund):
        does(keen)
    # Refunds of gateways that are not set up here are done by hand, as those of a bank.
    monkeypatch.setattr(
        asking, "send_refunds",
        lambda now, most=20: sum(_returned(one, now) for one in Refund.objects.filter(state="decided")),
    )  # fmt: skip
    return made


def _returned(refund: Refund, now) -> int:
    told = a_fact(
        refund.payment.attempt, FactKind.REFUNDED, at=now, reference=refund.refund_no, refund_no=refund.refund_no,
        amount_fen=refund.amount_fen, currency=refund.currency, transaction_id=refund.payment.transaction_id,
    )  # fmt: skip
    facts.record(told, source="query", now=now)
    return 1


def test_a_month_of_a_shop(shop):
    for _ in range(DAYS):
        shop.a_day()
        found = [one for one in books.differences(now=shop.now) if " since " not in one]
        assert found == [], shop.now
    _everything_happened(shop)
    _mails_were_sent_once_and_are_listed(shop)
    call_command("reconcile", "--no-bills")
    _pages_can_be_looked_at(shop)


def _everything_happened(shop) -> None:
    kinds = set(Purchase.objects.filter(state="settled").values_list("kind", flat=True))
    assert kinds >= {"stack", "extend", "upgrade", "trial", "gift"}
    assert set(RenewalStep.objects.values_list("step", flat=True)) == {"ahead", "renewed", "failed"}
    assert Refund.objects.filter(state="done").exists()
    assert AutoRenewal.objects.filter(on=True).exists()
    coupon = Coupon.objects.get(code="FEW")
    assert 0 < coupon.uses.exclude(state="freed").count() <= coupon.limit
    assert set(Purchase.objects.values_list("state", flat=True)) >= {"settled", "expired", "cancelled"}
    for purchase in Purchase.objects.filter(state="settled"):
        assert purchase.rounding_fen in (0, 1)


def _mails_were_sent_once_and_are_listed(shop) -> None:
    assert not Outbox.objects.filter(delivered_at=None, due_at__lte=shop.now).exists()
    assert not MailRecord.objects.filter(state="waiting", said_at__lte=shop.now - timedelta(hours=1)).exists()
    ids = [message.extra_headers.get("Message-ID") for message in mail.outbox]
    assert len(ids) == len(set(ids)) == MailRecord.objects.filter(state="sent").count()
    told = Counter(MailRecord.objects.filter(state="sent").values_list("kind", flat=True))
    assert set(told) >= {
        "receipt", "prepaid", "refund", "pack_ends", "way_back", "renewal_ahead", "renewed",
        "renewal_failed", "token_revoked", "trial_ends",
    }  # fmt: skip
    paid = Purchase.objects.filter(state="settled").exclude(kind="comp").count()
    assert told["receipt"] == paid
    assert told["renewed"] == RenewalStep.objects.filter(step="renewed").count()
    for message in mail.outbox:
        [to] = message.to
        chinese = Customer.objects.get(email=to).language == "zh-hans"
        assert chinese == any("\u4e00" <= letter <= "\u9fff" for letter in message.subject), message.subject
        assert message.alternatives, message.subject


def _pages_can_be_looked_at(shop) -> None:
    addresses = ("/dashboard/", "/balance/", "/subscribe/?plan=pack-15", "/mails/", "/fapiao/", "/purchases.csv")
    for who in [*shop.people[:4], *shop.people[10:12]]:
        client = Client()
        client.force_login(who)
        orders = [f"/purchases/{one.public_id}/" for one in who.purchases.all()]
        orders += [f"/prepayments/{one.public_id}/" for one in who.prepayments.all()]
        papers = [f"/purchases/{one.public_id}/receipt.pdf" for one in who.purchases.filter(paid_fen__gt=0)[:1]]
        for language in ("en", "zh-hans"):
            client.post("/i18n/setlang/", {"language": language})
            for address in (*addresses, *orders, *papers):
                assert client.get(address).status_code == 200, address
