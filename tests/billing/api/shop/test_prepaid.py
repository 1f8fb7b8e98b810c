"""Money in the balance and gift codes by a program: ordered once a key, shown with what became of them."""

import pytest

from billing.models import GiftCode, Prepayment, Purchase
from billing.services import gift_codes
from kernel.clock import utc_now
from tests.billing.api.programs import Program
from tests.factories import a_customer, pay, topped_up

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def a_code(program, plan="pack-15"):
    order = program.post("/gift-codes", "gift", plan=plan, months=2).json()
    pay(Prepayment.objects.get(public_id=order["id"]), at=utc_now())
    return program.get(f"/gift-codes/{order['id']}").json()["gift"]["code"]


def test_a_top_up_is_placed_once_a_key_and_stands_in_the_balance_when_it_is_paid(program):
    first, again = program.post("/top-ups", "k", amount_fen=5000), program.post("/top-ups", "k", amount_fen=5000)

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["pay_url"].startswith("http://127.0.0.1:8000/sandbox/pay/")
    number = first.json()["id"]
    pay(Prepayment.objects.get(), at=utc_now())
    assert program.get(f"/top-ups/{number}").json()["state"] == "settled"
    assert [one["id"] for one in program.get("/top-ups").json()["items"]] == [number]
    told = program.get("/balance").json()
    assert told["balance_fen"] == 5000
    assert [(one["kind"], one["amount_fen"], one["order"]) for one in told["items"]] == [("payment", 5000, number)]


def test_the_same_key_for_another_sum_is_422(program):
    program.post("/top-ups", "k", amount_fen=5000)

    assert program.post("/top-ups", "k", amount_fen=5001).json()["code"] == "idempotency_key_reused"


@pytest.mark.parametrize(("sum_fen", "code"), [(1, "bad_purchase"), (10**9, "bad_purchase"), (0, "fields_invalid"),
                                              ("ten", "fields_invalid"), (10**40, "fields_invalid")])  # fmt: skip
def test_a_sum_that_the_shop_does_not_take_is_refused(program, sum_fen, code):
    answer = program.post("/top-ups", "k", amount_fen=sum_fen)

    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_the_balance_s_lines_name_their_orders_and_come_in_pages(program, alice):
    topped_up(alice, 3000, at=utc_now())
    body = {"plan": "pack-5", "node": "sh-1", "months": 1, "use_balance": True}
    number = program.post("/purchases", "k", **body).json()["id"]

    first = program.get("/balance", limit=1).json()
    second = program.get("/balance", limit=1, cursor=first["next"]).json()

    assert first["balance_fen"] == 2000
    assert [(one["kind"], one["amount_fen"], one["order"]) for one in first["items"]] == [("reserved", -1000, number)]
    assert [one["amount_fen"] for one in second["items"]] == [3000]
    assert second["next"] is None


def test_a_gift_code_is_bought_and_redeemed_by_somebody_else(program):
    code = a_code(program)
    bob = Program(a_customer("bob"))

    answer = bob.post("/gift-codes/redeem", code=f"{code[:4]}-{code[4:]}".lower(), node="sh-1")

    assert (answer.status_code, answer.json()["kind"], answer.json()["symbols"]) == (200, "gift", 15)
    assert answer.json()["grant"]["starts"] < answer.json()["grant"]["ends"]
    assert bob.post("/gift-codes/redeem", code=code, node="sh-1").json() == answer.json()
    (bought,) = program.get("/gift-codes").json()["items"]
    assert (bought["gift"]["state"], bought["plan"], bought["months"]) == ("redeemed", "pack-15", 2)


def test_a_key_that_only_reads_does_not_see_the_code(program, alice):
    a_code(program)
    reader = Program(alice, ["read"])

    (bought,) = reader.get("/gift-codes").json()["items"]

    assert bought["gift"]["code"] is None
    assert reader.get(f"/gift-codes/{bought['id']}").json()["gift"]["code"] is None


def test_a_code_is_for_a_plan_on_sale(program):
    answer = program.post("/gift-codes", "k", plan="pack-6", months=2)

    assert (answer.status_code, answer.json()["code"]) == (409, "plan_not_on_sale")


def test_guessing_codes_ends_after_ten_tries_for_an_hour(program):
    code = a_code(program)
    for nth in range(gift_codes.TRIES_AN_HOUR):
        wrong = program.post("/gift-codes/redeem", code=f"WRONG{nth}", node="sh-1")
        assert (wrong.status_code, wrong.json()["reason"]) == (409, "unknown")

    refused = program.post("/gift-codes/redeem", code=code, node="sh-1")

    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_gift_tries")
    assert refused.headers["Retry-After"] == "3600"
    assert GiftCode.objects.get().state == "new"
    other = Program(a_customer("bob"))
    assert other.post("/gift-codes/redeem", code=code, node="sh-1").status_code == 200
    assert Purchase.objects.get().customer.email == "bob@example.com"
