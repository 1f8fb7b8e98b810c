"""A notice that is lost is asked for, a refund is asked for until it is certain, and nothing is paid back twice."""

from datetime import timedelta

import pytest

from billing.gateways.protocol import FactKind
from billing.models import PaymentAttempt, PaymentFact, Purchase, Refund
from billing.services import asking, purchases
from billing.services.facts import record
from tests.billing.gateways.paper import PaperGateway
from tests.factories import NOW, a_fact, a_purchase, an_attempt

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture
def paper(monkeypatch, keys_dir):
    made = PaperGateway()
    monkeypatch.setattr(asking, "gateway", lambda name: made)
    return made


@pytest.fixture
def attempt(alice, node):
    return an_attempt(a_purchase(alice, node), gateway="paper", next_ask_at=NOW + timedelta(seconds=5))


def after(seconds):
    return NOW + timedelta(seconds=seconds)


def test_a_lost_notice_is_found_by_asking(paper, attempt):
    paper.paid[attempt.order_no] = [a_fact(attempt)]
    assert asking.ask_attempts(now=after(4)) == 0

    assert asking.ask_attempts(now=after(5)) == 1

    assert (Purchase.objects.get().state, PaymentFact.objects.get().source) == ("settled", "query")
    assert asking.ask_attempts(now=after(3600)) == 0  # nothing more is asked


def test_it_is_asked_on_a_schedule_and_closed_at_its_end(paper, attempt):
    for seconds in range(0, 60 * 60, 5):
        asking.ask_attempts(now=after(seconds))

    queries = [number for what, number in paper.asked if what == "query"]
    assert len(queries) == 9  # 5 s, 30 s, 1, 3, 5, 10 min, the end, a minute behind it, half an hour behind it
    assert paper.closed == [attempt.order_no] * 3
    attempt.refresh_from_db()
    assert (attempt.state, attempt.next_ask_at) == ("closed", None)


def test_money_that_came_while_it_was_closed_is_taken(paper, attempt):
    paper.query = lambda order_no, now, *, kept: ()  # not there yet when it is asked
    paper.paid[attempt.order_no] = [a_fact(attempt)]

    asking.ask_attempts(now=attempt.expires_at)

    assert Purchase.objects.get().state == "settled"


def test_a_gateway_that_is_away_is_asked_again(paper, attempt):
    paper.away = True
    asking.ask_attempts(now=after(5))
    paper.away = False
    paper.paid[attempt.order_no] = [a_fact(attempt)]

    asking.ask_attempts(now=after(30))

    assert Purchase.objects.get().state == "settled"


def test_a_gateway_that_is_away_is_asked_once_a_round_and_holds_nobody_up(paper, attempt):
    """Each question waits for seconds; fifty of them would keep a worker from everything else."""
    for _ in range(3):
        an_attempt(attempt.purchase, gateway="paper", next_ask_at=NOW + timedelta(seconds=5))
    paper.away = True

    asking.ask_attempts(now=after(5))

    assert len(paper.asked) == 1
    assert PaymentAttempt.objects.filter(next_ask_at=after(5)).count() == 3  # asked for in the next round


def test_what_is_cancelled_is_closed_at_its_gateway_at_once(paper, attempt, alice):
    purchases.cancel_purchase(purchase_id=attempt.purchase_id, by=alice, now=after(2))

    asking.ask_attempts(now=after(2))

    assert paper.closed == [attempt.order_no]


def test_a_page_asks_each_five_seconds_at_most(paper, attempt):
    for seconds in (1, 2, 3, 4, 5, 6, 7):
        asking.ask_for_page(order=attempt.purchase, now=after(seconds))

    assert [what for what, _ in paper.asked].count("query") == 2


@pytest.fixture
def refund(attempt, settings):
    """A second payment, which goes back by rule."""
    record(a_fact(attempt), source="notice", now=NOW)
    record(a_fact(an_attempt(attempt.purchase, gateway="paper")), source="notice", now=NOW)
    return Refund.objects.get()


def test_a_refund_is_sent_and_done(paper, refund):
    assert asking.send_refunds(now=NOW) == 1

    refund.refresh_from_db()
    assert (refund.state, refund.refund_id) == ("done", f"paper-{refund.refund_no}")
    assert asking.send_refunds(now=after(3600)) == 0
    assert PaymentFact.objects.get(kind=FactKind.REFUNDED).refund_no == refund.refund_no


def test_t7_the_answer_is_lost_and_the_money_goes_back_once(paper, refund):
    paper.lost = True
    asking.send_refunds(now=NOW)
    refund.refresh_from_db()
    assert (refund.state, len(paper.refunds)) == ("sent", 1)

    asking.send_refunds(now=after(10))

    refund.refresh_from_db()
    assert (refund.state, paper.refunds) == ("done", {refund.refund_no: 1000})
    assert [what for what, _ in paper.asked] == ["refund", "query_refund"]  # it asked before it sent again


def test_a_gateway_without_money_keeps_the_refund_due_under_its_number(paper, refund):
    paper.refuses = "the balance is not enough"
    asking.send_refunds(now=NOW)
    refund.refresh_from_db()
    assert (refund.state, refund.why) == ("sent", "NOT_ENOUGH the balance is not enough")

    paper.refuses = ""
    asking.send_refunds(now=after(10))

    assert paper.refunds == {refund.refund_no: 1000}


def test_a_refund_that_fails_waits_for_a_person(paper, refund):
    paper.fails = True

    asking.send_refunds(now=NOW)

    refund.refresh_from_db()
    assert (refund.state, refund.why, refund.next_try_at) == ("failed", "the card is dead", None)


def test_two_workers_that_ask_at_once_ask_once(paper, refund, attempt):
    seen_by_both = list(Refund.objects.select_related("payment"))

    sent = [asking._send(seen_by_both[0], NOW, set()), asking._send(seen_by_both[0], NOW, set())]

    assert sent == [True, False]
    assert [what for what, _ in paper.asked] == ["refund"]


def test_two_workers_that_look_at_one_attempt_ask_once(paper, attempt):
    seen = PaymentAttempt.objects.select_related("purchase").get()

    assert [asking._ask(seen, after(5), set()) for _ in range(2)] == [True, False]
