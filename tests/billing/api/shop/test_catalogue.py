"""What is sold and what it would cost: the same that an order says afterwards, and nothing is ordered by asking."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from billing.models import Coupon, Plan, PlanVersion, Purchase, TermDiscount, Trial, TrialOffer
from kernel import problems
from kernel.clock import utc_now
from nodes.models import Node
from tests.billing.api.programs import SHOP, Program
from tests.factories import a_grant, a_group, a_node, a_purchase, topped_up

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
BODY = {"plan": "pack-5", "node": "sh-1", "months": 1}


def plan_of(program, slug="pack-5"):
    return next(one for one in program.get("/plans").json()["items"] if one["plan"] == slug)


def test_plans_on_sale_are_listed_with_what_belongs_to_them(program):
    plan = Plan.objects.get(slug="pack-5")
    TermDiscount.objects.create(months=6, percent=10)
    TermDiscount.objects.create(months=12, percent=20, plan=plan)
    TermDiscount.objects.create(months=9, percent=5, plan=plan)  # the one for six months is larger
    TrialOffer.objects.create(plan=plan, days=3, price_fen=100)
    a_node("full", capacity=0, last_seen_at=utc_now())
    Plan.objects.filter(slug="pack-50").update(on_sale=False)

    told = plan_of(program)

    assert [one["plan"] for one in program.get("/plans").json()["items"]] == ["pack-5", "pack-15"]
    assert (told["price_fen"], told["symbols"], told["name_zh"], told["held_back"]) == (1000, 5, "5 只套餐", False)
    assert told["discounts"] == [{"months": 6, "percent": 10}, {"months": 12, "percent": 20}]
    assert told["trial"] == {"days": 3, "due_fen": 100, "refusal": ""}
    assert {one["node"]: one["refusal"] for one in told["nodes"]} == {"sh-1": "", "full": "full"}


def test_a_trial_that_was_had_says_so(program, alice, shop):
    plan = Plan.objects.get(slug="pack-5")
    TrialOffer.objects.create(plan=plan, days=3, price_fen=100)
    Trial.objects.create(customer=alice, purchase=a_purchase(alice, shop, at=utc_now()), at=utc_now())

    assert plan_of(program)["trial"] == {"days": 3, "due_fen": None, "refusal": "had_one"}


def test_a_preview_says_what_the_order_says_and_orders_nothing(program):
    TermDiscount.objects.create(months=3, percent=10)
    Coupon.objects.create(code="OFF", off_fen=333)
    body = {**BODY, "months": 3, "coupon": "OFF"}

    told = program.post("/preview", **body).json()

    assert not Purchase.objects.exists()
    assert (told["list_fen"], told["discount_fen"], told["rounding_fen"], told["due_fen"]) == (3000, 633, 0, 2367)
    placed = program.post("/purchases", "k", **body, quote=told["quote"]).json()
    for name in ("list_fen", "discount_fen", "rounding_fen", "due_fen", "credit_fen", "plan", "node", "group"):
        assert placed[name] == told[name]


def test_the_timeline_shows_more_symbols_or_longer(program, alice, shop):
    grant = a_grant(alice, shop, at=utc_now())

    stacked = program.post("/preview", **BODY).json()
    longer = program.post("/preview", **BODY, kind="extend", extends=grant.pk).json()

    assert [one["symbols"] for one in stacked["before"]] == [5, 0]
    assert 10 in [one["symbols"] for one in stacked["after"]]
    assert [one["symbols"] for one in longer["after"]] == [5, 0]
    assert longer["starts"] == grant.ends_at.isoformat()
    assert longer["after"][0]["until"] == longer["ends"] > grant.ends_at.isoformat()


def test_what_the_balance_would_pay_is_said(program, alice):
    topped_up(alice, 1000, at=utc_now())

    assert program.post("/preview", **{**BODY, "months": 2}, use_balance=True).json()["balance_fen"] == 1000
    assert program.post("/preview", **BODY).json()["balance_fen"] == 0


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"plan": "pack-6"}, 409, "plan_not_on_sale"),
        ({"node": "nowhere"}, 409, "node_not_offered"),
        ({"node": "silent"}, 409, "node_not_offered"),
        ({"months": 0}, 400, "bad_purchase"),
        ({"kind": "extend", "extends": 10**6}, 404, "not_that_grant"),
        ({"kind": "upgrade", "replaces": 10**6, "months": 0}, 404, "not_that_grant"),
        ({"coupon": "NOPE"}, 409, "coupon_refused"),
    ],
)
def test_what_could_not_be_ordered_is_refused_alike(program, change, status, code):
    a_node("silent", last_seen_at=utc_now() - timedelta(hours=1))

    answer = program.post("/preview", **{**BODY, **change})

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_nothing_is_sold_too_far_ahead(program, alice, shop):
    grant = a_grant(alice, shop, at=utc_now(), months=12)
    longer = a_grant(alice, shop, at=utc_now(), months=12, kind="extend", extends=grant.pk)

    answer = program.post("/preview", **BODY, kind="extend", extends=longer.pk)

    assert (answer.status_code, answer.json()["code"]) == (409, "too_far_ahead")


def test_a_grant_of_another_group_is_not_extended_there(program, alice, shop):
    grant = a_grant(alice, shop, at=utc_now())
    a_node("hk-1", group=a_group("hk"), last_seen_at=utc_now())
    Node.objects.update(last_seen_at=utc_now())

    answer = program.post("/preview", **{**BODY, "node": "hk-1"}, kind="extend", extends=grant.pk)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_that_grant")


def test_a_preview_after_an_edit_stores_the_terms_that_it_holds(program):
    program.post("/preview", **BODY)
    Plan.objects.filter(slug="pack-5").update(price_fen=2000)

    assert program.post("/preview", **BODY).json()["due_fen"] == 2000
    assert PlanVersion.objects.filter(plan__slug="pack-5").count() == 2


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)


@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(st.sampled_from([*BODY, "kind", "extends", "coupon", "with_later", "use_balance", "x"]), _VALUES)
)
def test_nothing_that_a_program_can_send_breaks_it(program, settings, body):
    settings.API_CALLS_A_MINUTE = 10**6

    assert program.post("/preview", **{**BODY, **body}).status_code in (200, 400, 404, 409)


def test_every_code_is_listed_and_the_type_of_a_problem_leads_there(shop):
    program = Program(client=APIClient())

    told = program.get("/problems").json()["items"]

    codes = [one["code"] for one in told]
    assert codes == sorted(set(codes))
    assert set(problems.HTTP) | {"price_changed", "scope_missing", "not_that_grant"} <= set(codes)
    refused = program.get("/plans").json()
    assert refused["type"] == f"http://127.0.0.1:8000{SHOP}/problems#not_authenticated"


@pytest.mark.parametrize("path", ["/nothing", "/plans/", "/purchases/x/y/z", "/"])
def test_an_address_that_there_is_not_is_a_problem_for_anybody(shop, path):
    for method in ("get", "post"):
        answer = getattr(APIClient(), method)(f"{SHOP}{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert answer.headers["content-type"] == "application/problem+json"
