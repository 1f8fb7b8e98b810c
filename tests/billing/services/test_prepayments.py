"""Top-ups and gift codes that are bought: paid once, in the balance once, and back to where they came from."""

from datetime import timedelta

import pytest

from billing import selectors
from billing.errors import BadPurchase, IdempotencyKeyReused, PlanNotOnSale, RefundRefused, TooManyOrders
from billing.gateways.protocol import FactKind
from billing.models import GiftCode, PaymentAttempt, Plan, Prepayment, Refund
from billing.services import attempts, books, facts, gift_codes, prepayments, refunds
from tests.billing.balances import balance
from tests.factories import NOW, a_customer, a_fact, a_plan, a_purchase, an_attempt, pay, topped_up

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
LATE = NOW + timedelta(minutes=20)


def top_up(alice, fen=5000, key="k", at=NOW) -> Prepayment:
    return prepayments.place_top_up(customer=alice, amount_fen=fen, idempotency_key=key, now=at)


def gift(alice, **changes) -> Prepayment:
    a_plan()
    return prepayments.place_gift(
        **{"customer": alice, "plan": "pack-15", "months": 3, "idempotency_key": "g", "now": NOW, **changes}
    )


def back(payment, fen, at=NOW) -> Refund:
    return refunds.ask_refund(
        payment_id=payment.pk, amount_fen=fen, reason="no", fault="buyer", effect="keep", by=None, now=at
    )


def test_what_is_paid_is_in_the_balance_once(alice):
    order = top_up(alice)
    attempt = an_attempt(order)
    told = a_fact(attempt)

    first, again = (facts.record(told, source=source, now=NOW) for source in ("notice", "query"))

    order.refresh_from_db()
    assert (first, first.outcome, order.state) == (again, "settled", "settled")
    assert (selectors.balance_fen(alice), balance("gateway:sandbox")) == (5000, 5000)
    assert books.differences(now=NOW) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"amount_fen": 4999}, "wrong_amount"), ({"currency": "USD"}, "wrong_currency")],
)
def test_another_sum_is_in_suspense_and_goes_back(alice, changes, reason):
    row = facts.record(a_fact(an_attempt(top_up(alice)), **changes), source="notice", now=NOW)

    assert (row.suspense.reason, row.suspense.state, selectors.balance_fen(alice)) == (reason, "refunding", 0)


def test_a_second_payment_goes_back_and_one_that_comes_late_counts(alice):
    order = top_up(alice)
    prepayments.expire_prepayments(now=LATE)
    order.refresh_from_db()
    assert order.state == "expired"

    assert pay(order, at=LATE).outcome == "settled"
    assert pay(order, at=LATE).suspense.reason == "second_payment"
    assert selectors.balance_fen(alice) == 5000
    assert books.differences(now=LATE) == []


def test_what_was_cancelled_goes_back(alice):
    order = top_up(alice)
    attempt = an_attempt(order)
    prepayments.cancel_prepayment(prepayment_id=order.pk, now=NOW)
    prepayments.cancel_prepayment(prepayment_id=order.pk, now=NOW)

    assert PaymentAttempt.objects.get().next_ask_at == NOW  # asked at once, and closed there
    row = facts.record(a_fact(attempt), source="query", now=NOW)
    assert (row.suspense.reason, row.suspense.state) == ("cancelled", "refunding")
    assert prepayments.cancel_prepayment(prepayment_id=order.pk, now=NOW).state == "cancelled"


def test_what_was_paid_cannot_be_cancelled(alice):
    order = top_up(alice)
    pay(order)

    with pytest.raises(BadPurchase, match="settled"):
        prepayments.cancel_prepayment(prepayment_id=order.pk, now=NOW)


@pytest.mark.parametrize("fen", [0, -1, 999, 500_001, 10.5, True, "5000"])
def test_what_the_shop_does_not_take_is_refused(alice, fen):
    with pytest.raises(BadPurchase, match="1000 to 500000"):
        top_up(alice, fen)


def test_the_same_key_is_the_same_order_and_another_body_is_refused(alice, monkeypatch):
    assert top_up(alice) == top_up(alice)
    with pytest.raises(IdempotencyKeyReused):
        top_up(alice, 6000)
    with pytest.raises(BadPurchase, match="printable"):
        top_up(alice, key="")
    monkeypatch.setattr(prepayments, "ORDERS_AN_HOUR", 1)
    with pytest.raises(TooManyOrders):
        top_up(alice, key="other")


def test_a_top_up_goes_back_as_far_as_it_is_still_there(keys_dir, alice, node, settings):
    settings.ONE_PERSON_SHOP = True
    payment = topped_up(alice, 5000)
    a_purchase(alice, node, use_balance=True)

    with pytest.raises(RefundRefused, match=r"¥40\.00 are left"):
        back(payment, 4001)
    refund = back(payment, 4000)

    assert (refund.state, selectors.balance_fen(alice), balance("refund_due")) == ("decided", 0, -4000)
    assert books.differences(now=NOW) == []


def test_what_a_console_pays_back_of_a_top_up_that_was_spent_is_a_loss(keys_dir, alice, node):
    payment = topped_up(alice, 1500)
    a_purchase(alice, node, use_balance=True)

    told = a_fact(
        payment.attempt, FactKind.REFUNDED, amount_fen=1500, transaction_id=payment.transaction_id, refund_no=""
    )
    facts.record(told, source="notice", now=NOW)

    assert (selectors.balance_fen(alice), balance("dispute_loss"), balance("refund_due")) == (0, 1000, 0)
    assert books.differences(now=NOW) == []


@pytest.mark.parametrize(("ends", "left", "loss"), [("won", 3000, 0), ("lost", 0, 0)])
def test_what_is_left_of_a_disputed_top_up_cannot_be_spent(keys_dir, alice, node, ends, left, loss):
    payment = topped_up(alice, 4000)
    a_purchase(alice, node, use_balance=True)

    def tell(kind):
        told = a_fact(payment.attempt, kind, reference="d", amount_fen=4000, transaction_id=payment.transaction_id)
        facts.record(told, source="notice", now=NOW)
        assert books.differences(now=NOW) == []

    tell(FactKind.DISPUTED)
    assert (selectors.balance_fen(alice), balance("reserved")) == (0, -3000)
    tell(FactKind.DISPUTE_WON if ends == "won" else FactKind.DISPUTE_LOST)

    assert (selectors.balance_fen(alice), balance("reserved")) == (left, 0)
    assert balance("dispute_loss") == (0 if ends == "won" else -3000)


def test_a_gift_code_is_made_when_it_is_paid(alice):
    order = gift(alice)
    assert (order.due_fen, GiftCode.objects.count()) == (6000, 0)

    pay(order)

    code = GiftCode.objects.get()
    assert (code.bought_with, code.months, code.state, balance("gift_codes")) == (order, 3, "new", -6000)
    assert code.expires_at == NOW + timedelta(days=365)
    assert books.differences(now=NOW) == []


def test_a_gift_code_goes_back_as_a_whole_while_nobody_has_redeemed_it(alice, settings):
    settings.ONE_PERSON_SHOP = True
    payment = pay(gift(alice))

    with pytest.raises(RefundRefused, match="as a whole"):
        back(payment, 100)
    back(payment, 6000)

    assert GiftCode.objects.get().state == "void"
    assert balance("gift_codes") == 0
    assert books.differences(now=NOW) == []


def test_a_disputed_gift_code_is_void(alice):
    payment = pay(gift(alice))

    told = a_fact(payment.attempt, FactKind.DISPUTED, reference="d", transaction_id=payment.transaction_id)
    facts.record(told, source="notice", now=NOW)

    assert (GiftCode.objects.get().state, balance("gift_codes"), balance("dispute_loss")) == ("void", 0, -6000)
    assert books.differences(now=NOW) == []


@pytest.mark.parametrize("changes", [{"months": 0}, {"months": 13}, {"months": "3"}])
def test_a_gift_has_one_to_twelve_months(alice, changes):
    with pytest.raises(BadPurchase, match="months"):
        gift(alice, **changes)


def test_a_plan_off_sale_is_no_gift(alice):
    a_plan()
    Plan.objects.update(on_sale=False)
    with pytest.raises(PlanNotOnSale):
        gift(alice)


def test_a_top_up_is_paid_through_a_gateway_like_an_order(alice, settings):
    settings.PAYMENT_GATEWAYS = ["sandbox"]
    order = top_up(alice)

    attempt, start = attempts.start_attempt(order=order, gateway_name="sandbox", method="page", now=NOW)
    again, _ = attempts.start_attempt(order=order, gateway_name="sandbox", method="page", now=NOW)

    assert (attempt, attempt.prepayment, attempt.purchase, attempt.due_fen) == (again, order, None, 5000)
    assert attempts.page_of(order) == f"/prepayments/{order.public_id}/"
    assert start.url
    with pytest.raises(BadPurchase, match="no longer waits"):
        attempts.start_attempt(order=order, gateway_name="sandbox", method="page", now=LATE)


@pytest.mark.parametrize("percent", [10, 100])
def test_what_a_console_pays_back_of_a_gift_is_not_in_what_it_gives(keys_dir, alice, node, percent):
    payment = pay(gift(alice))
    told = a_fact(
        payment.attempt, FactKind.REFUNDED, amount_fen=60 * percent, transaction_id=payment.transaction_id, refund_no=""
    )
    facts.record(told, source="notice", now=NOW)
    assert balance("gift_codes") == -6000 + 60 * percent
    assert books.differences(now=NOW) == []

    code = GiftCode.objects.get()
    if percent == 100:
        assert code.state == "void"
        return
    gift_codes.redeem(customer=alice, code=code.code, node=node.slug, now=NOW)
    assert (balance("gift_codes"), balance("deferred")) == (0, -5400)
    assert books.differences(now=NOW) == []


def test_what_was_spent_before_the_second_person_decides_is_not_paid_back(keys_dir, alice, node, settings):
    settings.ONE_PERSON_SHOP = False
    finance, owner = a_customer("finance"), a_customer("owner")
    payment = topped_up(alice, 1500)
    asked = refunds.ask_refund(
        payment_id=payment.pk, amount_fen=1500, reason="no", fault="buyer", effect="keep", by=finance, now=NOW
    )
    a_purchase(alice, node, use_balance=True)

    with pytest.raises(RefundRefused, match=r"¥5\.00 are left"):
        refunds.decide_refund(refund_id=asked.pk, by=owner, now=NOW)


def test_a_gift_of_which_a_part_went_back_and_that_is_disputed_then_is_lost_for_the_rest(alice):
    payment = pay(gift(alice))
    back = a_fact(
        payment.attempt, FactKind.REFUNDED, amount_fen=60, transaction_id=payment.transaction_id, refund_no=""
    )
    facts.record(back, source="notice", now=NOW)

    told = a_fact(payment.attempt, FactKind.DISPUTED, reference="d", transaction_id=payment.transaction_id)
    facts.record(told, source="notice", now=NOW)

    assert (balance("gift_codes"), balance("dispute_loss")) == (0, -5940)
    assert books.differences(now=NOW) == []
