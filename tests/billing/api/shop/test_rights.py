"""What a program sees of its customer's rights, and what it may do with renewals."""

from datetime import timedelta

import pytest
from django.utils.timezone import localdate

from kernel.clock import utc_now
from nodes.models import Delivered
from tests.factories import a_grant, a_group, a_node

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture
def grant(alice, shop):
    return a_grant(alice, shop, at=utc_now())


def test_the_timeline_names_what_can_be_extended_and_replaced(program, alice, shop, grant):
    longer = a_grant(alice, shop, at=utc_now(), kind="extend", extends=grant.pk)

    (told,) = program.get("/timeline").json()["items"]

    assert told["group"] == "sh"
    assert [one["symbols"] for one in told["segments"]] == [5, 0]
    assert [(one["id"], one["extends"], one["plan"]) for one in told["grants"]] == [
        (grant.pk, None, "pack-5"),
        (longer.pk, grant.pk, "pack-5"),
    ]


def test_who_never_bought_has_no_group(program):
    assert program.get("/timeline").json() == {"items": []}
    assert program.get("/renewals").json() == {"items": []}


def test_usage_is_what_nodes_reported_by_day_and_what_may_be_used_now(program, alice, grant):
    today = localdate(utc_now())
    for symbol, day, due in (
        ("600519.SH", today, 10),
        ("700.HK", today, 5),
        ("600519.SH", today - timedelta(days=1), 2),
    ):
        Delivered.objects.create(
            customer=alice, group=grant.group, node="sh-1", lane="CN", symbol=symbol, day_on=day, due=due, sent=due - 1,
            late=1,
        )  # fmt: skip

    told = program.get("/usage").json()

    assert [(one["symbols"], one["due"], one["sent"], one["late"]) for one in told["days"]] == [
        (2, 15, 13, 2),
        (1, 2, 1, 1),
    ]
    assert told["days"][0]["day"] == today.isoformat()
    assert told["groups"] == [
        {"group": "sh", "symbols": 5, "max_connections": 2, "live": ["https://sh-1.example:8443/v1/usage"]}
    ]


@pytest.mark.parametrize("asked", [{"from": "x"}, {"from": "2026-02-02", "to": "2026-02-01"}, {"from": "2001-01-01"},
                                   {"to": "0001-01-01"}])  # fmt: skip
def test_days_that_cannot_be_asked_for_are_400(program, asked):
    answer = program.get("/usage", **asked)

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_delivery_query")


def test_a_chain_renews_by_itself_when_it_is_told_to(program, alice, shop, grant):
    longer = a_grant(alice, shop, at=utc_now(), kind="extend", extends=grant.pk)
    before = program.get("/renewals").json()["items"]

    switched = program.put(f"/renewals/{grant.pk}", on=True, months=3).json()

    assert [(one["grant"], one["on"], one["renews"]) for one in before] == [(longer.pk, False, None)]
    assert (switched["grant"], switched["on"], switched["months"]) == (longer.pk, True, 3)
    assert switched["renews"] == (longer.ends_at - timedelta(days=1)).isoformat()
    assert program.get("/renewals").json()["items"] == [switched]
    assert program.put(f"/renewals/{longer.pk}", on=False).json()["renews"] is None


def test_a_grant_that_there_is_not_does_not_renew(program):
    answer = program.put("/renewals/999", on=True)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_that_grant")
    assert program.put("/renewals/999").json()["code"] == "fields_invalid"  # on has to be said
    assert program.put(f"/renewals/{10**30}", on=True).status_code == 404


def test_looking_asks_as_much_of_many_groups_as_of_one(program, alice, django_assert_max_num_queries):
    now = utc_now()
    for nth in range(12):
        node = a_node(f"n{nth}", group=a_group(f"g{nth}"), last_seen_at=now)
        a_grant(alice, node, at=now)

    for path in ("/timeline", "/tokens", "/usage", "/renewals", "/purchases", "/receipts"):
        with django_assert_max_num_queries(20):
            assert program.get(path).status_code == 200
