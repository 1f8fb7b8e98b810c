"""Beginning to pay: an attempt is stored before its gateway is asked, and going back finds it again."""

from datetime import timedelta

import pytest
from django.db import connection

from billing.errors import BadPurchase, GatewayUnavailable, PaymentsOff
from billing.gateways import transfer
from billing.gateways.protocol import Device, Instructions, Method, Redirect
from billing.gateways.sandbox.gateway import SandboxGateway
from billing.models import PaymentAttempt
from billing.services import attempts, purchases
from tests.at_once import at_once
from tests.factories import NOW, a_customer, a_node, a_purchase

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def gateways(settings):
    settings.PAYMENT_GATEWAYS = ["sandbox", "transfer"]
    settings.TRANSFER_ACCOUNT_NAME, settings.TRANSFER_ACCOUNT_NUMBER = "Tickpack Ltd", "6222 0000"
    settings.TRANSFER_BANK = "ICBC Shanghai"


def begin(purchase, gateway="sandbox", method="page", now=NOW):
    return attempts.start_attempt(order=purchase, gateway_name=gateway, method=method, now=now)


def test_the_ways_to_pay_are_those_of_the_shop_in_its_order(settings):
    assert attempts.ways_to_pay(Device.PHONE) == [("sandbox", Method.PAGE), ("transfer", Method.TRANSFER)]
    assert attempts.first_way("transfer") == ("transfer", Method.TRANSFER)
    settings.PAYMENT_GATEWAYS = []
    with pytest.raises(PaymentsOff):
        attempts.first_way()


def test_an_attempt_has_a_number_of_its_own_and_ends_before_the_price(alice, node):
    purchase = a_purchase(alice, node)

    attempt, start = begin(purchase)

    assert isinstance(start, Redirect)
    assert len(attempt.order_no) == 26
    assert attempt.order_no != purchase.public_id
    assert attempt.expires_at == purchase.price_until_at - timedelta(minutes=1)
    assert attempt.next_ask_at == NOW + timedelta(seconds=5)


def test_going_back_and_paying_again_goes_on_with_the_same_attempt(alice, node):
    purchase = a_purchase(alice, node)

    (first, start), (second, again) = begin(purchase), begin(purchase, now=NOW + timedelta(minutes=3))

    assert first == second
    # What was signed; when, and the signature, may be a second apart.
    assert start.url.rsplit(":", 2)[0] == again.url.rsplit(":", 2)[0]
    assert PaymentAttempt.objects.count() == 1


def test_another_way_is_another_attempt(alice, node):
    purchase = a_purchase(alice, node)
    one, _ = begin(purchase)

    other, start = begin(purchase, "transfer", "transfer")

    assert isinstance(start, Instructions)
    assert start.purpose == other.order_no != one.order_no
    assert ("Account number", "6222 0000") in start.lines
    assert attempts.shown(PaymentAttempt.objects.get(pk=other.pk)) == start


def test_what_does_not_wait_for_payment_is_not_begun(alice, node):
    purchase = a_purchase(alice, node)
    purchases.cancel_purchase(purchase_id=purchase.pk, by=alice, now=NOW)

    with pytest.raises(BadPurchase, match="no longer waits"):
        begin(purchase)
    with pytest.raises(BadPurchase, match="no longer waits"):
        begin(a_purchase(alice, node), now=NOW + timedelta(minutes=15))


def test_a_way_that_nobody_offers_is_refused(alice, node):
    with pytest.raises(BadPurchase, match="does not take payments by 'qr'"):
        begin(a_purchase(alice, node), method="qr")
    with pytest.raises(PaymentsOff):
        begin(a_purchase(alice, node), gateway="paypal")


def test_a_gateway_that_does_not_answer_leaves_the_attempt_to_be_asked_for(alice, node, monkeypatch):
    def away(*_args):
        raise GatewayUnavailable(provider="sandbox")

    monkeypatch.setattr(SandboxGateway, "start", away)
    purchase = a_purchase(alice, node)

    with pytest.raises(GatewayUnavailable):
        begin(purchase)

    stored = PaymentAttempt.objects.get()
    assert (stored.shown, stored.state, stored.next_ask_at is not None) == (None, "open", True)
    monkeypatch.undo()
    assert begin(purchase)[0] == stored  # the same number: whatever became of the first call, it is one payment


def test_a_gateway_that_hangs_holds_six_pages_and_the_seventh_is_told_at_once(alice, node, monkeypatch):
    inside = []

    def hang(self, order, method, now):
        inside.append(order.order_no)
        if len(inside) < 7:
            deeper = a_purchase(a_customer(f"buyer-{len(inside)}"), node)
            begin(deeper)
        return Redirect("/paid")

    monkeypatch.setattr(SandboxGateway, "start", hang)
    with pytest.raises(GatewayUnavailable) as told:
        begin(a_purchase(alice, node))

    assert len(inside) == attempts.WAITING_AT_ONCE
    assert told.value.fields["why"] == "6 requests wait for it already"
    assert begin(a_purchase(alice, node, months=2), "transfer", "transfer")  # another gateway is not concerned
    monkeypatch.setattr(SandboxGateway, "start", lambda *_: Redirect("/paid"))
    assert begin(a_purchase(alice, node, months=3))[1].url == "/paid"  # and it is free again afterwards


@pytest.mark.django_db(transaction=True)
def test_two_tabs_that_begin_at_once_begin_one_attempt(settings):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no row locks")
    purchase = a_purchase(a_customer(), a_node())

    numbers = at_once([lambda: begin(purchase)[0].order_no] * 4)

    assert len(set(numbers)) == 1
    assert PaymentAttempt.objects.count() == 1


def test_half_an_account_is_none(settings):
    settings.TRANSFER_BANK = ""

    assert transfer.missing() == ["bank transfers need TRANSFER_BANK: the bank and branch that keeps it"]
    assert attempts_are_off("transfer")


def attempts_are_off(name):
    from billing.gateways import gateway

    with pytest.raises(PaymentsOff):
        gateway(name)
    return True
