"""An order's page: everything of its money together, for a number of questions that does not grow, and its verbs."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import localtime

from billing.models import LedgerEntry, PaymentAttempt, PaymentFact, Purchase, Refund
from billing.services import refunds
from kernel.clock import utc_now
from tests.factories import a_customer, a_fact, a_paid, a_purchase, an_attempt

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def shop(keys_dir, settings):
    settings.PAYMENT_GATEWAYS = ["sandbox"]
    settings.ONE_PERSON_SHOP = False


def questions(ask):
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert ask().status_code == 200
    return len(asked)


def test_an_order_shows_its_whole_money(desk_of, alice, node):
    now = utc_now()
    fact = a_paid(alice, node, at=now)
    refund = refunds.ask_refund(
        payment_id=fact.pk, amount_fen=100, reason="slow", fault="seller", effect="keep", by=None, now=now
    )
    rights = (
        "view_purchase",
        "view_paymentattempt",
        "view_paymentfact",
        "view_refund",
        "view_dispute",
        "view_ledgerentry",
    )
    page = desk_of("finance", *rights).page(Purchase, fact.purchase).text

    assert fact.attempt.order_no in page
    assert fact.reference in page
    assert refund.refund_no in page
    assert "gateway · Sandbox" in page
    assert "refund decided" in page


def test_an_order_s_page_begins_with_what_people_ask_and_ends_with_what_programs_ask(desk_of, alice, node):
    fact = a_paid(alice, node, at=utc_now(), months=2)
    page = desk_of("finance", "view_purchase", "view_paymentfact").page(Purchase, fact.purchase)
    text = page.text[page.text.index('id="content-main"') :]

    parts = [
        "alice@example.com", "Pack 5 · 5 symbols · 2 sockets", f"{fact.amount} CNY", "2 months", fact.reference,
        "<details", fact.purchase.idempotency_key, fact.purchase.body_hash,
    ]  # fmt: skip
    assert [part for part in parts if part not in text] == []
    assert sorted(parts, key=text.index) == parts
    assert f"{localtime(fact.purchase.grant.ends_at):%Y-%m-%d %H:%M}" in text
    assert text.index("Events") < text.index("<details")
    assert "in fen" not in text


def test_an_order_that_waits_has_a_length_and_no_dates(desk_of, alice, node):
    purchase = a_purchase(alice, node, at=utc_now(), months=1)

    assert "1 month" in desk_of("finance", "view_purchase").page(Purchase, purchase).text


def test_who_may_not_see_the_books_sees_an_order_without_them(desk_of, alice, node):
    fact = a_paid(alice, node, at=utc_now())

    page = desk_of("support", "view_purchase", "view_paymentattempt").page(Purchase, fact.purchase).text

    assert fact.attempt.order_no in page
    assert "gateway · Sandbox" not in page
    assert fact.reference not in page


def test_a_list_and_a_page_ask_as_much_of_thirty_rows_as_of_one(desk_of, alice, node):
    now = utc_now()
    fact = a_paid(alice, node, at=now)
    models = (Purchase, PaymentAttempt, PaymentFact, Refund, LedgerEntry)
    refunds.ask_refund(payment_id=fact.pk, amount_fen=1, reason="r", fault="seller", effect="keep", by=None, now=now)
    desk = desk_of("finance", *(f"view_{model._meta.model_name}" for model in models))
    desk.page(Purchase)
    of_one = {model: questions(lambda model=model: desk.page(model)) for model in models}
    page_of_one = questions(lambda: desk.page(Purchase, fact.purchase))

    for nth in range(30):
        a_paid(a_customer(f"c{nth}"), node, at=now + timedelta(seconds=nth))
        an_attempt(fact.purchase, at=now)
        refunds.ask_refund(
            payment_id=fact.pk, amount_fen=1, reason="r", fault="seller", effect="keep", by=None, now=now
        )

    assert {model: questions(lambda model=model: desk.page(model)) for model in models} == of_one
    assert questions(lambda: desk.page(Purchase, fact.purchase)) == page_of_one


def test_an_order_that_waits_is_cancelled_by_who_may(desk_of, alice, node):
    purchase = a_purchase(alice, node, at=utc_now())

    assert desk_of("viewer", "view_purchase").do(Purchase, "cancel", purchase).status_code == 403
    desk = desk_of("finance", "view_purchase", "cancel_purchase")
    assert desk.do(Purchase, "cancel", purchase).status_code == 302

    purchase.refresh_from_db()
    assert purchase.state == "cancelled"
    assert purchase.events.get(to_state="cancelled").by == desk.person


def test_what_does_not_fit_any_more_is_not_done(desk_of, alice, node):
    fact = a_paid(alice, node, at=utc_now())
    desk = desk_of("finance", "view_purchase", "cancel_purchase")

    answer = desk.client.post(desk.address(Purchase, "cancel", fact.purchase), {}, follow=True)

    assert "not possible any more" in answer.text
    fact.purchase.refresh_from_db()
    assert fact.purchase.state == "settled"


def test_a_refused_gateway_s_money_is_no_part_of_another_order(desk_of, alice, node):
    mine, other = a_paid(alice, node, at=utc_now()), a_paid(a_customer("bob"), node, at=utc_now())

    page = desk_of("finance", "view_purchase", "view_paymentfact").page(Purchase, mine.purchase).text

    assert mine.reference in page
    assert other.reference not in page
    assert a_fact(mine.attempt).reference not in page
