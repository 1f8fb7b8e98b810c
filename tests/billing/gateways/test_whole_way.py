"""From an order to the money, back, and to the bill, through each provider: the books agree with what it really took.

Whatever notices do - lost, twice, forged - the purchase is settled once, and no difference is left.
"""

from datetime import timedelta

import pytest
from django.db.models import Sum

from billing.gateways.protocol import Device
from billing.models import Grant, LedgerLine, PaymentFact, Refund, Suspense
from billing.services import asking, books, refunds
from billing.services.attempts import start_attempt, ways_to_pay
from kernel.clock import utc_now
from nodes.models import Node
from tests.billing.gateways.shops import EMULATORS, day_of, post, set_up
from tests.emulators.serving import Fault
from tests.factories import a_purchase

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture(params=sorted(EMULATORS))
def provider(request, settings, tmp_path, keys_dir):
    """A provider, running, with a shop that is set up for it."""
    settings.ONE_PERSON_SHOP = True
    with EMULATORS[request.param]() as emulator:
        emulator.name = request.param
        set_up(settings, emulator, tmp_path)
        yield emulator


@pytest.fixture
def begun(provider, alice, node):
    """An order of which a code is shown."""
    Node.objects.update(last_seen_at=utc_now())
    purchase = a_purchase(alice, node, at=utc_now(), gateway=provider.name)
    name, method = ways_to_pay(Device.COMPUTER)[0]
    attempt, start = start_attempt(order=purchase, gateway_name=name, method=method, now=utc_now())
    provider.code = start.text
    return attempt


def settled(attempt):
    attempt.refresh_from_db()
    attempt.purchase.refresh_from_db()
    return (attempt.state, attempt.purchase.state, Grant.objects.count()) == ("paid", "settled", 1)


def held(provider):
    lines = LedgerLine.objects.filter(account__code=f"gateway:{provider.name}")
    return lines.aggregate(total=Sum("amount_fen"))["total"] or 0


def truth(provider):
    return sum(one.amount_fen if one.kind == "paid" else -one.amount_fen for one in provider.ground_truth)


def pay_back(attempt, fen):
    payment = PaymentFact.objects.get(kind="paid", attempt=attempt)
    return refunds.ask_refund(
        payment_id=payment.pk, amount_fen=fen, reason="wish", fault="buyer", effect="keep", by=attempt.purchase.customer,
        now=utc_now(),
    )  # fmt: skip


def test_paid_told_paid_back_and_in_the_bill(provider, begun):
    assert not settled(begun)
    provider.scan(provider.code)
    assert provider.deliver(post) == 1
    assert settled(begun)
    assert provider.deliver(post) == 0  # the answer was the right one

    refund = pay_back(begun, 400)
    assert asking.send_refunds(now=utc_now()) == 1
    provider.work()
    provider.deliver(post)

    refund.refresh_from_db()
    assert refund.state == "done"
    assert all(notice.done for notice in provider.notices)
    assert books.differences(now=utc_now()) == []
    assert held(provider) == truth(provider) == 600

    day = day_of(provider.ground_truth[0].at)
    found = books.match_bill(provider=provider.name, day=day, now=utc_now())
    assert (found.matched, found.differences) == (2, [])
    assert books.differences(now=utc_now()) == []
    assert held(provider) == truth(provider) - 4  # 6 fen for 1000, less 2.4 for what went back


def test_a_lost_notice_is_found_by_asking(provider, begun):
    provider.hostile[begun.order_no] = "lost"
    provider.scan(provider.code)
    assert provider.deliver(post) == 0

    assert asking.ask_attempts(now=begun.next_ask_at) == 1

    assert settled(begun)
    assert PaymentFact.objects.get().source == "query"
    assert books.differences(now=utc_now()) == []


@pytest.mark.parametrize(
    ("provider", "mode"),
    [
        *(
            ("alipay", mode)
            for mode in ("twice", "eight_times", "forged", "flipped", "other_app", "other_seller", "unsigned")
        ),
        *(
            ("wechat", mode)
            for mode in ("twice", "eight_times", "forged", "unknown_serial", "signtest", "stale", "unsigned")
        ),
    ],
    indirect=["provider"],
)
def test_hostile_notices_settle_once_and_are_answered_no(provider, begun, mode):
    provider.hostile[begun.order_no] = mode
    provider.scan(provider.code)

    provider.deliver(post)

    assert settled(begun)
    assert PaymentFact.objects.filter(kind="paid").count() == 1
    answers = [provider.is_right(*notice.answers[0]) for notice in provider.notices]
    assert answers == ([True] * len(answers) if mode in ("twice", "eight_times") else [False, True])
    assert books.differences(now=utc_now()) == []


def test_a_refund_whose_answer_was_lost_goes_back_once(provider, begun):
    provider.scan(provider.code)
    provider.deliver(post)
    provider.faults = [Fault({"alipay": "alipay.trade.refund", "wechat": "refund"}[provider.name], "lost")]
    refund = pay_back(begun, 1000)

    asking.send_refunds(now=utc_now())
    refund.refresh_from_db()
    assert refund.state == "sent"
    provider.work()
    asking.send_refunds(now=utc_now() + timedelta(minutes=2))

    refund.refresh_from_db()
    assert refund.state == "done"
    assert [one.amount_fen for one in provider.ground_truth] == [1000, 1000]
    assert held(provider) == 0
    provider.deliver(post)  # its notice, after all
    assert books.differences(now=utc_now()) == []


def test_a_refund_of_the_console_is_booked_and_matched(provider, begun):
    provider.scan(provider.code)
    provider.deliver(post)

    provider.console_refund(begun.order_no, 300)
    provider.deliver(post)

    assert Refund.objects.get().fault == "console"
    assert held(provider) == truth(provider) == 700
    found = books.match_bill(provider=provider.name, day=day_of(provider.ground_truth[0].at), now=utc_now())
    assert (found.matched, found.differences) == (2, [])
    assert Refund.objects.count() == 1


def test_money_that_nobody_told_is_found_in_the_bill(provider, begun):
    provider.hostile[begun.order_no] = "lost"
    provider.scan(provider.code)

    found = books.match_bill(provider=provider.name, day=day_of(provider.ground_truth[0].at), now=utc_now())

    assert settled(begun)
    assert len(found.differences) == 1
    assert "1000 fen were never told; booked: settled" in found.differences[0]


@pytest.mark.parametrize("fault", ["amount", {"alipay": "footer", "wechat": "sums"}])
def test_a_wrong_bill_is_a_difference(provider, begun, fault):
    provider.scan(provider.code)
    provider.deliver(post)
    provider.bill_fault = fault if isinstance(fault, str) else fault[provider.name]

    found = books.match_bill(provider=provider.name, day=day_of(provider.ground_truth[0].at), now=utc_now())

    assert len(found.differences) == 1
    assert ("the bill says 1001 fen" in found.differences[0]) == (fault == "amount")


def test_who_pays_after_the_order_was_given_up_gets_it_back(provider, begun):
    from billing.services.purchases import cancel_purchase

    cancel_purchase(purchase_id=begun.purchase_id, by=begun.purchase.customer, now=utc_now())
    provider.scan(provider.code)
    provider.deliver(post)

    assert Suspense.objects.get().reason == "cancelled"
    asking.send_refunds(now=utc_now())
    provider.work()
    provider.deliver(post)
    assert held(provider) == truth(provider) == 0
    assert books.differences(now=utc_now()) == []


def test_an_order_that_ends_is_closed_at_the_provider(provider, begun):
    if provider.name == "alipay":
        provider.log_in(begun.order_no)
    asking.ask_attempts(now=begun.expires_at - timedelta(minutes=10))
    begun.refresh_from_db()
    type(begun).objects.filter(pk=begun.pk).update(expires_at=utc_now(), next_ask_at=utc_now())

    asking.ask_attempts(now=utc_now())

    begun.refresh_from_db()
    assert begun.state == "closed"
    with pytest.raises(ValueError, match="CLOSED"):
        provider.scan(provider.code)
