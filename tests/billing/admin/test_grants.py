"""Grants: given for nothing, ended by hand; how each stands, and why it ended early."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils.timezone import localtime

from billing.admin.grants import state_of
from billing.models import Grant
from billing.services import entitlements, refunds
from kernel.clock import utc_now
from tests.factories import a_customer, a_grant, a_paid, a_plan

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def shop(keys_dir, settings):
    settings.ONE_PERSON_SHOP = True


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


def test_the_list_and_the_page_say_when_and_why_a_grant_ended_early(desk_of, alice, node):
    now = utc_now()
    fraud = a_grant(alice, node, at=now)
    fact = a_paid(a_customer("bob"), node, at=now)
    entitlements.close_grant(grant_id=fraud.pk, reason="fraud", now=now)
    refund = refunds.ask_refund(
        payment_id=fact.pk, amount_fen=100, reason="slow", fault="seller", effect="close", by=None, now=now
    )
    desk = desk_of("support", "view_grant")

    listed = desk.page(Grant).text
    assert "fraud" in listed
    assert f"paid back with refund {refund.refund_no}" in listed
    page = desk.page(Grant, fact.purchase.grant).text
    assert "ended early" in page
    assert f"/admin/billing/refund/{refund.pk}/change/" in page
    assert f"in place of {localtime(fact.purchase.grant.ends_at):%Y-%m-%d %H:%M}" in page


def test_grants_are_found_by_how_they_stand_now(desk_of, alice, node):
    now = utc_now()
    made = {
        "active": a_grant(alice, node, at=now),
        "ended": a_grant(a_customer("old"), node, at=now - timedelta(days=90)),
        "closed": a_grant(a_customer("gone"), node, at=now),
    }
    made["future"] = a_grant(alice, node, at=now, kind="extend", extends=made["active"].pk)
    entitlements.close_grant(grant_id=made["closed"].pk, reason="fraud", now=now)
    desk = desk_of("support", "view_grant")
    address = reverse("admin:billing_grant_changelist")

    for state, grant in made.items():
        page = desk.client.get(address, {"state": state})
        assert list(page.context["cl"].result_list) == [grant], state
        assert state_of(Grant.objects.select_related("closure").get(pk=grant.pk), now) == state
    for found in ({"purchase__plan__id__exact": grant.purchase.plan_id}, {"group__id__exact": node.group_id}):
        assert desk.client.get(address, found).context["cl"].result_count == 4
    assert f"alice@example.com · Pack 5 #{made['active'].pk}" in desk.page(Grant).text
