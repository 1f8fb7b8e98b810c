"""What is given for nothing, and what ends early."""

from datetime import timedelta

import pytest

from billing.models import Compensation, Grant, Purchase
from kernel.clock import utc_now
from nodes.models import NodeGroup
from outbox.models import Outbox
from tests.factories import a_customer, a_grant, a_plan

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def shop(keys_dir):
    return None


def test_a_grant_is_given_with_a_reason(desk_of, alice, node):
    desk = desk_of("boss", "view_grant", "give_comp")
    form = {
        "customer": "ALICE@example.com",
        "plan": a_plan().pk,
        "node": node.pk,
        "symbols": "7",
        "ends_at": f"{utc_now() + timedelta(days=30):%Y-%m-%dT%H:%M}",
    }

    assert desk.do(Grant, "give", **form).status_code == 200
    assert (
        "Nobody has this address" in desk.do(Grant, "give", **{**form, "customer": "x@y.example"}, reason="press").text
    )
    assert "24 months" in desk.do(Grant, "give", **{**form, "ends_at": "2099-01-01T00:00"}, reason="press").text
    assert desk.do(Grant, "give", **form, reason="press").status_code == 302

    grant = Grant.objects.get()
    assert (grant.customer, grant.symbols, grant.purchase.kind) == (alice, 7, "comp")
    assert grant.purchase.events.get().by == desk.person


def test_a_grant_is_ended_by_who_may(desk_of, alice, node):
    grant = a_grant(alice, node, at=utc_now())

    assert desk_of("support", "view_grant").do(Grant, "close", grant).status_code == 403
    assert desk_of("boss", "view_grant", "close_grant").do(Grant, "close", grant, reason="fraud").status_code == 302

    grant = Grant.objects.get()
    assert grant.closure.reason == "fraud"


def test_a_compensation_shows_who_gets_what_before_it_is_given_once(desk_of, alice, node):
    a_grant(alice, node, at=utc_now())
    desk = desk_of("boss", "view_compensation", "compensate", "view_purchase")
    form = {"key": "2026-11-30-sh", "hours": "6", "group": NodeGroup.objects.get().pk, "reason": "an outage"}

    looked = desk.do(Compensation, "compensate", **form)
    assert "1 people have something there" in looked.text
    assert "alice@example.com" in looked.text
    assert not Compensation.objects.exists()

    assert desk.do(Compensation, "compensate", **form, sure="yes").status_code == 302
    given = Purchase.objects.get(kind="comp").grant
    assert given.ends_at - given.starts_at == timedelta(hours=6)
    assert Outbox.objects.filter(kind="compensation").count() == 1
    assert "alice@example.com" in desk.page(Compensation, Compensation.objects.get()).text
    assert "used before" in desk.do(Compensation, "compensate", **form).text
    desk.do(Compensation, "compensate", **form, sure="yes")
    assert Purchase.objects.filter(kind="comp").count() == 1


def test_a_compensation_names_a_place_and_somebody_is_there(desk_of, node):
    desk = desk_of("boss", "view_compensation", "compensate")
    form = {"key": "k", "hours": "6", "reason": "an outage"}

    assert "Choose a node group" in desk.do(Compensation, "compensate", **form).text
    nobody = desk.do(Compensation, "compensate", **form, node=node.pk, sure="yes")
    assert "nobody has anything in force there" in nobody.text
    assert not Compensation.objects.exists()


def test_grants_ask_as_much_of_thirty_as_of_one(desk_of, alice, node, django_assert_max_num_queries):
    desk = desk_of("support", "view_grant")
    a_grant(alice, node, at=utc_now())
    desk.page(Grant)
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as of_one:
        desk.page(Grant)
    for nth in range(30):
        a_grant(a_customer(f"c{nth}"), node, at=utc_now())
    with django_assert_max_num_queries(len(of_one)):
        desk.page(Grant)
