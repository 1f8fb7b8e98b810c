"""Purchases by a program: once a key, at the price that was shown, seen and given up by their buyer alone."""

from datetime import timedelta

import pytest
from rest_framework.test import APIClient

from accounts.services import create_api_key
from billing.models import Coupon, Grant, Plan, Purchase, Trial, TrialOffer
from billing.services import purchases
from kernel.clock import utc_now
from nodes.models import Node
from tests.at_once import at_once
from tests.billing.api.programs import Program
from tests.factories import a_customer, a_grant, a_paid, a_purchase, pay, topped_up

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
BODY = {"plan": "pack-5", "node": "sh-1", "months": 1}


def later(monkeypatch, **delta):
    """From here on it is so much later, for the whole shop."""
    moved = utc_now() + timedelta(**delta)
    Node.objects.update(last_seen_at=moved)
    for module in ("catalogue", "orders", "prepaid", "rights"):
        monkeypatch.setattr(f"billing.api.shop.{module}.utc_now", lambda: moved)
    return moved


def test_an_order_is_placed_once_a_key(program):
    first, again = program.post("/purchases", "k", **BODY), program.post("/purchases", "k", **BODY)

    assert (first.status_code, again.status_code) == (201, 200)
    assert Purchase.objects.count() == 1
    assert {**first.json(), "pay_url": ""} == {
        **again.json(),
        "pay_url": "",
    }  # each address to pay at has its own signature
    assert (first.json()["due_fen"], first.json()["state"]) == (1000, "pending")
    assert first.json()["pay_url"].startswith("http://127.0.0.1:8000/sandbox/pay/")


def test_the_same_key_with_another_body_is_422(program):
    program.post("/purchases", "k", **BODY)

    other = program.post("/purchases", "k", **{**BODY, "months": 2})

    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_a_key_is_required(program):
    answer = program.post("/purchases", **BODY)

    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_missing")


@pytest.mark.parametrize("key", ["renewal:1:2", "gift:7", "comp:x", "compensation:1:1", "given back:1:1"])
def test_keys_of_the_shop_itself_are_not_for_buyers(program, key):
    for answer in (program.post("/purchases", key, **BODY), program.post("/trials", key, plan="pack-5", node="sh-1")):
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_purchase")
    client = APIClient()
    client.force_authenticate(program.key.customer)
    headers = {"Idempotency-Key": key}
    assert client.post("/api/purchases", BODY, format="json", headers=headers).json()["code"] == "bad_purchase"


@pytest.mark.django_db(transaction=True)
def test_of_eight_at_once_with_one_key_one_places_it(shop, alice):
    programs = [Program() for _ in range(8)]
    text = create_api_key(customer=alice, name="n", scopes=["orders"], now=utc_now())[1]
    for one in programs:
        one.text = text

    def order(one):
        answer = one.post("/purchases", "k", **BODY)
        return answer.status_code, answer.json()["id"]

    got = at_once([lambda one=one: order(one) for one in programs])

    assert sorted(status for status, _ in got) == [200] * 7 + [201]
    assert len({number for _, number in got}) == 1


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"plan": "pack-6"}, 409, "plan_not_on_sale"),
        ({"node": "nowhere"}, 409, "node_not_offered"),
        ({"months": 13}, 400, "fields_invalid"),
        ({"months": 0}, 400, "bad_purchase"),
        ({"months": "many"}, 400, "fields_invalid"),
        ({"kind": "gift"}, 400, "fields_invalid"),
        ({"kind": "extend", "extends": 999}, 404, "not_that_grant"),
        ({"kind": "extend", "extends": 10**30}, 400, "fields_invalid"),
        ({"kind": "extend"}, 400, "bad_purchase"),
        ({"replaces": 1}, 400, "bad_purchase"),
        ({"kind": "upgrade", "replaces": 1, "extends": 1, "months": 0}, 400, "bad_purchase"),
        ({"coupon": "NONE-SUCH"}, 409, "coupon_refused"),
        ({"coupon": "\ud800"}, 400, "fields_invalid"),
        ({"cupon": "SPRING"}, 400, "fields_invalid"),
        ({"\ud800": 1}, 400, "fields_invalid"),
        ({"kind": "\ud800"}, 400, "fields_invalid"),
        ({"price_fen": 1}, 400, "fields_invalid"),
        ({"gateway": "paypal"}, 403, "payments_off"),
        ({"quote": "forged"}, 400, "bad_purchase"),
        ({"plan": "pack-5\0"}, 400, "fields_invalid"),
        ({"plan": None}, 400, "fields_invalid"),
        ({"plan": ["pack-5"]}, 400, "fields_invalid"),
    ],
)
def test_what_cannot_be_ordered_is_refused_with_its_code(program, change, status, code):
    answer = program.post("/purchases", "k", **{**BODY, **change})

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not Purchase.objects.exists()


def test_a_field_that_there_is_not_is_named(program):
    wrong = program.post("/purchases", "k", **BODY, cupon="SPRING").json()["errors"]

    assert [(one["field"], one["code"]) for one in wrong] == [("cupon", "unknown")]


def test_the_price_that_was_shown_holds_for_15_minutes_whatever_becomes_of_the_plan(program, monkeypatch):
    quote = program.post("/preview", **BODY).json()["quote"]
    Plan.objects.filter(slug="pack-5").update(price_fen=2000)
    later(monkeypatch, minutes=14, seconds=50)

    assert program.post("/purchases", "k", **BODY, quote=quote).json()["due_fen"] == 1000


def test_after_15_minutes_the_new_price_comes_with_a_quote_of_its_own(program, monkeypatch):
    quote = program.post("/preview", **BODY).json()["quote"]
    Plan.objects.filter(slug="pack-5").update(price_fen=2000)
    later(monkeypatch, minutes=15)

    refused = program.post("/purchases", "k", **BODY, quote=quote)

    assert (refused.status_code, refused.json()["code"], refused.json()["due_fen"]) == (409, "price_changed", 2000)
    assert not Purchase.objects.exists()
    assert program.post("/purchases", "k", **BODY, quote=refused.json()["quote"]).json()["due_fen"] == 2000


def test_a_quote_is_for_who_asked_and_for_what_was_asked(program):
    quote = program.post("/preview", **BODY).json()["quote"]

    assert program.post("/purchases", "a", **{**BODY, "months": 2}, quote=quote).json()["code"] == "bad_purchase"
    other = Program(a_customer("bob"))
    assert other.post("/purchases", "a", **BODY, quote=quote).json()["code"] == "bad_purchase"


def test_an_upgrade_replaces_what_is_had_for_the_difference(program, alice, shop):
    grant = a_paid(alice, shop, at=utc_now()).purchase.grant
    body = {"plan": "pack-15", "node": "sh-1", "months": 0, "kind": "upgrade", "replaces": grant.pk}

    shown = program.post("/preview", **body).json()
    placed = program.post("/purchases", "k", **body, quote=shown["quote"])

    assert placed.status_code == 201
    assert placed.json()["due_fen"] == shown["due_fen"] < 2000
    assert placed.json()["credit_fen"] == shown["credit_fen"] > 900
    assert [(one["symbols"]) for one in shown["before"]] == [5, 0]
    assert [(one["symbols"]) for one in shown["after"]] == [15, 0]
    pay(Purchase.objects.get(public_id=placed.json()["id"]), at=utc_now())
    seen = program.get(f"/purchases/{placed.json()['id']}").json()
    assert (seen["state"], seen["replaces"], seen["symbols"]) == ("settled", grant.pk, 15)
    old = program.get(f"/purchases/{grant.purchase.public_id}").json()
    assert old["grant"]["closed"] is not None


def test_what_the_balance_covers_is_settled_at_once_also_without_a_gateway(program, alice, settings):
    topped_up(alice, 1500, at=utc_now())
    settings.PAYMENT_GATEWAYS = []

    answer = program.post("/purchases", "k", **BODY, use_balance=True)

    assert (answer.status_code, answer.json()["state"], answer.json()["pay_url"]) == (201, "settled", None)
    assert program.get("/balance").json()["balance_fen"] == 500


def test_a_coupon_counts(program):
    Coupon.objects.create(code="HALF", percent=50)

    told = program.post("/purchases", "k", **BODY, coupon="half").json()

    assert (told["list_fen"], told["discount_fen"], told["due_fen"], told["coupon"]) == (1000, 500, 500, "HALF")


def test_purchases_come_in_pages_and_none_is_missing_or_twice(program, alice, shop):
    made = [a_purchase(alice, shop, at=utc_now()).public_id for _ in range(5)]

    pages, asked = [], {"limit": 2}
    while True:
        told = program.get("/purchases", **asked).json()
        pages.append([one["id"] for one in told["items"]])
        if told["next"] is None:
            break
        asked = {"limit": 2, "cursor": told["next"]}

    assert [len(page) for page in pages] == [2, 2, 1]
    assert [number for page in pages for number in page] == made[::-1]


@pytest.mark.parametrize("asked", [{"cursor": "nonsense"}, {"cursor": "YmVmb3JlOng"}, {"limit": 0}, {"limit": 101},
                                   {"limit": "²"}, {"cursor": "YmVmb3JlOjk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5"}])  # fmt: skip
def test_a_page_that_there_is_not_is_400(program, asked):
    answer = program.get("/purchases", **asked)

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor")


def test_a_purchase_that_waits_is_given_up_once_or_twice(program):
    number = program.post("/purchases", "k", **BODY).json()["id"]

    for _ in range(2):
        answer = program.post(f"/purchases/{number}/cancel")
        assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")


def test_one_that_is_paid_is_not_given_up(program, alice, shop):
    number = a_grant(alice, shop, at=utc_now()).purchase.public_id

    answer = program.post(f"/purchases/{number}/cancel")

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_purchase")


def test_too_many_orders_are_429_with_a_time_to_come_back(program):
    for nth in range(purchases.ORDERS_AN_HOUR):
        assert program.post("/purchases", f"k{nth}", **BODY).status_code == 201

    answer = program.post("/purchases", "one more", **BODY)

    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_orders")
    assert answer.headers["Retry-After"] == "3600"


def test_a_trial_is_had_once(program):
    TrialOffer.objects.create(plan=Plan.objects.get(slug="pack-5"), days=3, price_fen=100)
    body = {"plan": "pack-5", "node": "sh-1"}

    first, again = program.post("/trials", "t", **body), program.post("/trials", "t", **body)

    assert (first.status_code, again.status_code) == (201, 200)
    assert (first.json()["due_fen"], first.json()["days"], first.json()["kind"]) == (100, 3, "trial")
    assert first.json()["pay_url"] is not None
    refused = program.post("/trials", "u", **body)
    assert (refused.json()["code"], refused.json()["reason"]) == ("trial_refused", "had_one")
    pay(Purchase.objects.get(), at=utc_now())
    assert Trial.objects.count() == Grant.objects.count() == 1


def test_receipts_are_of_what_was_paid(program, alice, shop):
    paid = a_grant(alice, shop, at=utc_now()).purchase
    a_purchase(alice, shop, at=utc_now())

    (told,) = program.get("/receipts").json()["items"]

    assert (told["purchase"], told["paid_fen"]) == (paid.public_id, 1000)
    assert told["receipt_url"] == f"http://127.0.0.1:8000/api/v1/shop/receipts/{paid.public_id}.pdf"


def test_a_receipt_is_a_pdf_for_who_paid_and_a_problem_for_all_others(program, alice, shop):
    from tests.billing.api.programs import Program
    from tests.factories import a_customer

    paid, waiting = a_grant(alice, shop, at=utc_now()).purchase, a_purchase(alice, shop, at=utc_now())
    address = f"/receipts/{paid.public_id}.pdf"

    bearer = {"Authorization": f"Bearer {program.text}", "Accept": "application/pdf"}
    answer = program.client.get(f"/api/v1/shop{address}", headers=bearer)

    assert (answer.status_code, answer["Content-Type"], answer.content[:5]) == (200, "application/pdf", b"%PDF-")
    for who, what, code in (
        (program, f"/receipts/{waiting.public_id}.pdf", "no_receipt"),
        (Program(a_customer("mallory")), address, "no_such_order"),
    ):
        refused = who.get(what)
        assert (refused.status_code, refused.json()["code"]) == (404, code)


def test_a_gateway_that_is_away_leaves_the_order_and_the_same_key_begins_it_again(program, monkeypatch):
    from billing.errors import GatewayUnavailable
    from billing.services import attempts

    def away(_name):
        raise GatewayUnavailable(provider="sandbox")

    with monkeypatch.context() as patch:
        patch.setattr(attempts, "gateway", away)
        patch.setattr(attempts, "first_way", lambda *_: ("sandbox", "page"))
        answer = program.post("/purchases", "k", **BODY)

    assert (answer.status_code, answer.json()["code"]) == (503, "gateway_unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert program.post("/purchases", "k", **BODY).json()["pay_url"] is not None
    assert Purchase.objects.count() == 1
