"""The balance's page: topping up, giving, redeeming, renewing, inviting."""

import uuid

import pytest

from accounts.models import Customer
from billing import selectors
from billing.models import AutoRenewal, GiftCode, Invitation, Prepayment, Purchase
from billing.services import invitations, prepayments
from kernel.clock import utc_now
from tests.factories import a_customer, a_grant, a_node, a_plan, an_attempt, pay, topped_up

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture
def shop(client, alice, keys_dir, settings):
    settings.PAYMENT_GATEWAYS = ["sandbox"]
    a_plan()
    a_node(last_seen_at=utc_now(), realtime=True, reports_realtime=True)
    client.force_login(alice)
    return client


def post(client, where, **form):
    return client.post(f"/balance/{where}", {"key": str(uuid.uuid4()), **form})


def test_a_top_up_leads_to_its_payment_and_shows_when_it_is_there(shop, alice):
    answer = post(shop, "top-up", amount="50.50")

    order = Prepayment.objects.get()
    assert (order.due_fen, answer["Location"]) == (
        5050,
        f"/prepayments/{order.public_id}/pay/{order.attempts.get().order_no}",
    )
    assert "Waiting for the payment" in shop.get(f"/prepayments/{order.public_id}/").text
    pay(order, at=utc_now())
    assert "¥50.50 are in your balance, which is ¥50.50 now" in shop.get(f"/prepayments/{order.public_id}/").text
    assert "+¥50.50" in shop.get("/balance/").text


@pytest.mark.parametrize(
    ("amount", "says"),
    [("", "an amount in yuan"), ("ten", "an amount in yuan"), ("50.505", "an amount in yuan"), ("-5", "an amount in yuan"),
     ("1", "¥10 to ¥5000"), ("6000", "¥10 to ¥5000")],
)  # fmt: skip
def test_what_is_no_top_up_is_said(shop, amount, says):
    answer = post(shop, "top-up", amount=amount)

    assert (answer.status_code, Prepayment.objects.count()) == (422, 0)
    assert says in answer.text


def test_a_form_that_is_sent_twice_orders_once(shop):
    key = str(uuid.uuid4())
    post(shop, "top-up", amount="50", key=key)
    post(shop, "top-up", amount="50", key=key)

    assert Prepayment.objects.count() == 1


def test_an_order_that_waits_is_cancelled_and_money_that_comes_is_shown(shop, alice):
    order = prepayments.place_top_up(customer=alice, amount_fen=5000, idempotency_key="k", now=utc_now())
    attempt = an_attempt(order, at=utc_now())
    shop.post(f"/prepayments/{order.public_id}/cancel")
    assert "This order was cancelled" in shop.get(f"/prepayments/{order.public_id}/").text

    pay(order, at=utc_now())

    text = shop.get(f"/prepayments/{order.public_id}/").text
    assert "came after the order was cancelled" in text
    assert attempt.order_no not in text


def test_a_gift_is_bought_shown_to_its_buyer_alone_and_redeemed_by_another(shop, alice, client):
    post(shop, "gift", plan="pack-5", months="1")
    order = Prepayment.objects.get()
    pay(order, at=utc_now())
    code = GiftCode.objects.get().code
    assert code in shop.get(f"/prepayments/{order.public_id}/").text
    bob = a_customer("bob")
    client.force_login(bob)
    assert client.get(f"/prepayments/{order.public_id}/").status_code == 404

    answer = post(client, "redeem", code=f"{code[:8]} {code[8:].lower()}", node="sh-1")

    assert answer["Location"] == f"/purchases/{Purchase.objects.get(kind='gift').public_id}/"
    assert client.get(answer["Location"]).status_code == 200
    again = post(client, "redeem", code="WRONG", node="sh-1")
    assert (again.status_code, "There is no such gift code" in again.text) == (422, True)
    assert "Please type the code" in post(client, "redeem", code="").text


def test_a_gift_of_nothing_is_refused(shop):
    assert post(shop, "gift", plan="pack-5", months="0").status_code == 422
    assert "not on sale any more" in post(shop, "gift", plan="nothing", months="1").text


def test_renewing_by_itself_is_off_until_it_is_switched_on_and_one_click_ends_it(shop, alice):
    grant = a_grant(alice, Purchase._meta.get_field("node").related_model.objects.get(), at=utc_now())
    assert 'data-testid="renewal-on"' in shop.get("/balance/").text
    assert AutoRenewal.objects.count() == 0

    post(shop, "renewal", grant=grant.pk, on="1", months="3")

    assert AutoRenewal.objects.get().months == 3
    assert "3 months each time" in shop.get("/balance/").text
    post(shop, "renewal", grant=grant.pk)
    assert not AutoRenewal.objects.get().on
    assert post(shop, "renewal", grant=grant.pk, on="1", months="99").status_code == 422
    assert post(shop, "renewal", grant=99_999_999, on="1").status_code == 422


def test_an_invitation_is_kept_until_the_sign_up(shop, client, alice, settings):
    settings.INVITE_PERCENT = 10
    assert 'data-testid="make-invite"' in shop.get("/balance/").text
    post(shop, "invite")
    code = invitations.code_of(alice)
    assert f"/invite/{code}/" in shop.get("/balance/").text
    client.logout()

    assert client.get(f"/invite/{code.lower()}/")["Location"].startswith("/accounts/signup/")
    client.post("/accounts/signup/", {"email": "new@example.com", "password1": "correct horse battery"})

    new = Customer.objects.get(email="new@example.com")
    assert Invitation.objects.get().inviter == alice
    assert Invitation.objects.get().invitee == new


def test_there_are_no_invitations_where_nothing_is_earned(shop, alice, settings):
    settings.INVITE_PERCENT = 0
    code = invitations.code_of(alice)

    assert shop.get(f"/invite/{code}/").status_code == 404
    assert post(shop, "invite").status_code == 404
    assert "Invite others" not in shop.get("/balance/").text


def test_what_moved_the_balance_is_said_in_words(shop, alice):
    topped_up(alice, 5000, at=utc_now())

    text = shop.get("/balance/").text

    assert "top-up" in text
    assert selectors.balance_fen(alice) == 5000
