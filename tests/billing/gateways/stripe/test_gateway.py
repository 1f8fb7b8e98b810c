"""Stripe against its emulator: what is asked, what is believed, and the whole way from order to refund.

For each check of the adapter one test that is red without it.
"""

import json
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import stripe as published

from billing.errors import BadNotice, GatewayRefused, GatewayUnavailable
from billing.gateways.protocol import FactKind, Method, RefundOrder, RefundStatus
from billing.gateways.stripe.gateway import VERSION, StripeGateway, create, missing
from billing.models import PaymentFact, Purchase, Refund
from billing.services import asking, attempts, books, payments, refunds
from tests.billing.gateways.orders import an_order
from tests.emulators import stripe as emulator
from tests.factories import NOW, a_purchase


@pytest.fixture
def account():
    with emulator.serving(emulator.Stripe(now=NOW.timestamp)) as served:
        yield served


@pytest.fixture
def gateway(account):
    return StripeGateway(key=account.key, webhook_secrets=(account.secret,), url=account.url, seconds=2)


def read(gateway, signed, now=NOW):
    headers, body = signed
    return gateway.read_notice(headers=headers, body=body, now=now)


def begun(gateway, account, **changes):
    start = gateway.start(an_order(**changes), Method.PAGE, NOW)
    return account.sessions[start.kept]


def a_refund(intent, fen=400, number="R261121AAAAAAAAAAAAAAAAAAA"):
    return RefundOrder(number, "P1", intent, fen, 1000, "CNY", "wish", "https://shop.example/notify")


def test_a_session_has_our_number_the_amount_and_an_end(gateway, account):
    session = begun(gateway, account)

    order = an_order()
    assert (session["client_reference_id"], session["amount_total"]) == (order.order_no, 1000)
    assert session["payment_intent_data"]["metadata"] == {"order_no": order.order_no}
    assert session["expires_at"] > order.expires_at.timestamp() + 1800


def test_the_same_order_again_is_the_same_session(gateway, account):
    assert begun(gateway, account) == begun(gateway, account)
    assert len(account.sessions) == 1


def test_a_lost_answer_begins_nothing_twice(gateway, account):
    account.lose_answers = 2  # the library asks once more by itself
    with pytest.raises(GatewayUnavailable):
        begun(gateway, account)

    begun(gateway, account)

    assert len(account.sessions) == 1


def test_what_stripe_does_not_take_is_refused(gateway, account):
    with pytest.raises(GatewayRefused, match="less than Stripe takes"):
        begun(gateway, account, due_fen=399)
    assert account.requests == []


def test_a_wrong_key_is_refused_with_their_words_and_without_ours(account):
    wrong = StripeGateway(key="sk_test_wrong", webhook_secrets=(account.secret,), url=account.url)
    with pytest.raises(GatewayRefused) as refused:
        wrong.start(an_order(), Method.PAGE, NOW)
    assert "sk_test_wrong" not in str(refused.value.fields) + refused.value.message


def test_a_paid_session_is_a_payment(gateway, account):
    session = begun(gateway, account)

    (fact,) = read(gateway, account.signed(account.pay(session["id"])))

    assert fact.kind == FactKind.PAID
    assert (fact.order_no, fact.amount_fen, fact.currency) == (an_order().order_no, 1000, "CNY")
    assert fact.reference == fact.transaction_id == session["payment_intent"]


@pytest.mark.parametrize(
    ("event", "changes", "kinds"),
    [
        ("checkout.session.completed", {"payment_status": "unpaid"}, []),
        ("checkout.session.completed", {"payment_status": "no_payment_required"}, []),
        ("checkout.session.async_payment_succeeded", {}, ["paid"]),
        ("checkout.session.async_payment_failed", {"payment_status": "unpaid"}, ["declined"]),
        ("checkout.session.expired", {"payment_status": "unpaid", "status": "expired"}, ["closed"]),
        ("charge.refunded", {}, []),
        ("customer.created", {}, []),
    ],
)
def test_what_each_event_says(gateway, account, event, changes, kinds):
    session = begun(gateway, account)
    account.pay(session["id"])

    facts = read(gateway, account.signed(account.emit(event, {**session, **changes})))

    assert [fact.kind for fact in facts] == kinds


@pytest.mark.parametrize(
    ("kind", "status", "told"),
    [("created", "needs_response", "disputed"), ("funds_withdrawn", "needs_response", "dispute_withdrawn"),
     ("funds_reinstated", "won", "dispute_reinstated"), ("closed", "won", "dispute_won"),
     ("closed", "warning_closed", "dispute_won"), ("closed", "lost", "dispute_lost")],
)  # fmt: skip
def test_what_disputes_say(gateway, account, kind, status, told):
    session = begun(gateway, account)
    account.pay(session["id"])

    (fact,) = read(gateway, account.signed(account.dispute(session["payment_intent"], kind, status=status)))

    assert (fact.kind, fact.transaction_id, fact.amount_fen) == (told, session["payment_intent"], 1000)


@pytest.mark.parametrize(
    ("status", "kinds"),
    [("succeeded", ["refunded"]), ("failed", ["refund_failed"]), ("canceled", ["refund_failed"]), ("pending", []),
     ("requires_action", [])],
)  # fmt: skip
def test_what_refunds_say(gateway, account, status, kinds):
    session = begun(gateway, account)
    account.pay(session["id"])
    account.refund_status = status
    gateway.refund(a_refund(session["payment_intent"]), NOW)
    (made,) = account.refunds.values()

    facts = read(gateway, account.signed(account.emit("refund.updated", made)))

    assert [fact.kind for fact in facts] == kinds
    assert all(fact.reference == fact.refund_no == a_refund("").refund_no for fact in facts)


class TestWhatIsNotBelieved:
    """Each check has its own test here."""

    @pytest.fixture
    def event(self, gateway, account):
        return account.pay(begun(gateway, account)["id"])

    def test_another_secret(self, gateway, account, event):
        with pytest.raises(BadNotice, match="not signed"):
            read(gateway, account.signed(event, secret="whsec_of_somebody"))

    def test_a_body_that_was_changed(self, gateway, account, event):
        headers, body = account.signed(event)
        with pytest.raises(BadNotice, match="not signed"):
            read(gateway, (headers, body.replace(b"1000", b"1001")))

    def test_no_signature(self, gateway, account, event):
        with pytest.raises(BadNotice, match="not signed"):
            read(gateway, ({}, account.signed(event)[1]))

    def test_the_old_scheme_alone(self, gateway, account, event):
        headers, body = account.signed(event)
        old = headers["Stripe-Signature"].replace("v1=", "v0=")
        with pytest.raises(BadNotice, match="not signed"):
            read(gateway, ({"Stripe-Signature": old}, body))

    @pytest.mark.parametrize("age", [-301, 301])
    def test_too_old_or_from_the_future(self, gateway, account, event, age):
        with pytest.raises(BadNotice, match="too old"):
            read(gateway, account.signed(event, age=age))

    @pytest.mark.parametrize("age", [-299, 299])
    def test_within_five_minutes_it_is_believed(self, gateway, account, event, age):
        assert read(gateway, account.signed(event, age=age))

    def test_another_version(self, gateway, account, event):
        with pytest.raises(BadNotice, match=f"set it to {VERSION}"):
            read(gateway, account.signed({**event, "api_version": "2020-08-27"}))

    def test_the_other_mode(self, gateway, account, event):
        with pytest.raises(BadNotice, match="other mode"):
            read(gateway, account.signed({**event, "livemode": True}))

    def test_a_session_of_another_kind(self, gateway, account, event):
        told = {**event["data"]["object"], "mode": "subscription"}
        with pytest.raises(BadNotice, match="not what Stripe sends"):
            read(gateway, account.signed({**event, "data": {"object": told}}))

    @pytest.mark.parametrize("amount", ["1000", 1000.0, -1, None, True])
    def test_what_is_no_amount(self, gateway, account, event, amount):
        told = {**event["data"]["object"], "amount_total": amount}
        with pytest.raises(BadNotice, match="not what Stripe sends"):
            read(gateway, account.signed({**event, "data": {"object": told}}))

    def test_a_payment_without_its_intent(self, gateway, account, event):
        told = {**event["data"]["object"], "payment_intent": None}
        with pytest.raises(BadNotice, match="not what Stripe sends"):
            read(gateway, account.signed({**event, "data": {"object": told}}))

    @pytest.mark.parametrize("body", [b"[]", b"{", b"\xff", b"[" * 100_000])
    def test_garbage_that_is_signed(self, gateway, account, body, monkeypatch):
        monkeypatch.setattr(json, "dumps", lambda *_args, **_kwargs: body.decode("latin-1"))
        headers, _ = account.signed({})
        with pytest.raises(BadNotice):
            read(gateway, (headers, body))

    def test_too_much(self, gateway, account):
        with pytest.raises(BadNotice, match="more than"):
            read(gateway, account.signed({"x": "y" * 300_000}))


def test_both_secrets_work_while_one_is_replaced(account):
    both = StripeGateway(key=account.key, webhook_secrets=("whsec_new", account.secret), url=account.url)
    assert read(both, account.signed(account.pay(begun(both, account)["id"])))


def test_what_the_emulator_signs_stripes_own_library_believes(gateway, account):
    headers, body = account.signed(account.pay(begun(gateway, account)["id"]))

    event = published.Webhook.construct_event(body, headers["Stripe-Signature"], account.secret, tolerance=10**10)

    assert event.type == "checkout.session.completed"


def test_asking_and_closing(gateway, account):
    session = begun(gateway, account)
    number = an_order().order_no
    assert gateway.query(number, NOW, kept=session["id"]) == ()
    assert gateway.query(number, NOW) == ()

    account.pay(session["id"])

    assert [fact.kind for fact in gateway.query(number, NOW, kept=session["id"])] == ["paid"]
    assert [fact.kind for fact in gateway.close(number, NOW, kept=session["id"])] == ["paid"]  # too late to close
    with pytest.raises(GatewayUnavailable, match="another order"):
        gateway.query("P-other", NOW, kept=session["id"])


def test_what_is_closed_cannot_be_paid(gateway, account):
    session = begun(gateway, account)

    assert [fact.kind for fact in gateway.close(an_order().order_no, NOW, kept=session["id"])] == ["closed"]

    with pytest.raises(emulator.Refused):
        account.pay(session["id"])


def test_t7_a_refund_whose_answer_is_lost_is_one(gateway, account):
    session = begun(gateway, account)
    account.pay(session["id"])
    refund = a_refund(session["payment_intent"])
    account.lose_answers = 2
    with pytest.raises(GatewayUnavailable):
        gateway.refund(refund, NOW)

    assert gateway.query_refund(refund, NOW).status == RefundStatus.DONE
    assert gateway.refund(refund, NOW).status == RefundStatus.DONE
    assert list(account.given_back.values()) == [400]


def test_more_than_is_left_is_refused(gateway, account):
    session = begun(gateway, account)
    account.pay(session["id"])
    with pytest.raises(GatewayRefused, match="greater than"):
        gateway.refund(a_refund(session["payment_intent"], fen=1001), NOW)
    assert gateway.query_refund(a_refund(session["payment_intent"]), NOW).status == RefundStatus.UNKNOWN


def test_a_stripe_that_is_away_is_unknown(gateway, account):
    account.away = True
    with pytest.raises(GatewayUnavailable):
        begun(gateway, account)


def test_the_bill_is_read_over_all_its_pages(gateway, account):
    for nth in range(60):
        session = begun(gateway, account, order_no=f"P261121{nth:019d}")
        account.pay(session["id"])
        gateway.refund(a_refund(session["payment_intent"], number=f"R261121{nth:019d}"), NOW)

    bill = gateway.bill(NOW.date(), NOW)

    paid = [row for row in bill.rows if row.kind == FactKind.PAID]
    back = [row for row in bill.rows if row.kind == FactKind.REFUNDED]
    assert (len(paid), len(back), bill.fees_fen) == (60, 60, 60 * 34)
    assert {row.transaction_id: row.amount_fen for row in paid} == account.taken
    assert {row.refund_no for row in back} == {f"R261121{nth:019d}" for nth in range(60)}
    assert gateway.bill(NOW.date() - timedelta(days=1), NOW) is None


def test_half_a_configuration_is_told(settings):
    settings.STRIPE_SECRET_KEY, settings.STRIPE_WEBHOOK_SECRETS = "", []
    assert [one.split(" (")[0].split(":")[0] for one in missing()] == [
        "Stripe needs STRIPE_SECRET_KEY",
        "Stripe needs STRIPE_WEBHOOK_SECRETS",
    ]
    settings.STRIPE_SECRET_KEY, settings.STRIPE_WEBHOOK_SECRETS = "sk_test_x", ["sk_te"]
    assert "begins with whsec_" in missing()[0]
    settings.STRIPE_WEBHOOK_SECRETS, settings.STRIPE_URL = ["whsec_x"], ""
    assert missing() == []
    assert create().name == "stripe"


@pytest.mark.whole
@pytest.mark.django_db
class TestTheWholeWay:
    @pytest.fixture(autouse=True)
    def shop(self, settings, account, keys_dir):
        settings.PAYMENT_GATEWAYS, settings.ONE_PERSON_SHOP = ["stripe"], True
        settings.STRIPE_SECRET_KEY, settings.STRIPE_WEBHOOK_SECRETS = account.key, [account.secret]
        settings.STRIPE_URL = account.url

    @pytest.fixture
    def purchase(self, alice, node):
        return a_purchase(alice, node)

    def begin(self, purchase, account):
        _, start = attempts.start_attempt(order=purchase, gateway_name="stripe", method="page", now=NOW)
        return account.sessions[urlsplit(start.url).path.split("/")[2]]

    def notify(self, account, event):
        headers, body = account.signed(event)
        return payments.take_notice(provider="stripe", headers=headers, body=body, now=NOW)

    def test_paid_by_webhook_and_refunded(self, purchase, account, alice):
        session = self.begin(purchase, account)
        event = account.pay(session["id"])
        for _ in range(2):
            assert self.notify(account, event).status == 200
        assert Purchase.objects.get().state == "settled"

        payment = PaymentFact.objects.get(kind="paid")
        refunds.ask_refund(payment_id=payment.pk, amount_fen=400, reason="wish", fault="buyer", effect="keep", by=alice,
                           now=NOW)  # fmt: skip
        asking.send_refunds(now=NOW)
        self.notify(account, account.emit("refund.updated", next(iter(account.refunds.values()))))

        assert Refund.objects.get().state == "done"
        assert list(account.given_back.values()) == [400]
        bill = books.match_bill(provider="stripe", day=NOW.date(), now=NOW)
        assert (bill.matched, bill.differences) == (2, [])
        assert books.differences(now=NOW) == []

    def test_a_lost_webhook_is_found_by_asking(self, purchase, account):
        account.pay(self.begin(purchase, account)["id"])

        asking.ask_attempts(now=NOW + timedelta(seconds=5))

        assert Purchase.objects.get().state == "settled"

    def test_a_forged_one_is_answered_400_and_leaves_nothing(self, purchase, account):
        event = account.pay(self.begin(purchase, account)["id"])
        account.secret = "whsec_forged"

        assert self.notify(account, event).status == 400
        assert not PaymentFact.objects.exists()

    def test_a_refund_in_the_console_and_a_dispute_are_booked(self, purchase, account):
        session = self.begin(purchase, account)
        self.notify(account, account.pay(session["id"]))

        self.notify(account, account.refund_in_console(session["payment_intent"], 300))
        for kind in ("created", "funds_withdrawn"):
            self.notify(account, account.dispute(session["payment_intent"], kind))

        assert Refund.objects.get().fault == "console"
        assert books.differences(now=NOW) == []
