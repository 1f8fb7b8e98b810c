"""The page of revenue: for who may, with figures that add up, a chart without a script, and an even number of questions."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.admin.revenue import chart
from billing.services.revenue import Revenue
from kernel.clock import utc_now
from tests.factories import a_customer, a_paid

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
PAGE = "/admin/billing/purchase/revenue/"


def test_revenue_is_for_who_may_see_it(desk_of, alice, node, keys_dir):
    fact = a_paid(alice, node, at=utc_now())

    assert desk_of("support", "view_purchase").client.get(PAGE).status_code == 403
    page = desk_of("finance", "view_revenue").client.get(PAGE)

    assert page.context["figures"][0][1] == fact.amount
    assert "data:image/svg+xml;base64," in page.text
    assert "<canvas" not in page.text


def test_a_period_is_asked_for_and_a_wrong_one_is_refused(desk_of, alice, node, keys_dir):
    a_paid(alice, node, at=utc_now())
    client = desk_of("finance", "view_revenue").client

    assert client.get(f"{PAGE}?since=2020-01-01&until=2020-01-31").context["figures"][0][1] == "0"
    assert "within a year" in client.get(f"{PAGE}?since=2020-01-01&until=2026-01-31").text
    assert client.get(f"{PAGE}?since=x&until=2026-01-31").status_code == 200


def test_thirty_orders_ask_no_more_than_one(desk_of, alice, node, keys_dir):
    client = desk_of("finance", "view_revenue").client
    a_paid(alice, node, at=utc_now())
    client.get(PAGE)
    with CaptureQueriesContext(connection) as of_one:
        client.get(PAGE)
    for nth in range(30):
        a_paid(a_customer(f"c{nth}"), node, at=utc_now())
    with CaptureQueriesContext(connection) as of_all:
        client.get(PAGE)

    assert len(of_all) == len(of_one)


def test_a_day_on_which_more_went_back_hangs_below_the_line():
    first, day = date(2026, 11, 1), timedelta(days=1)
    found = Revenue(300, 100, {"day": {first: (300, 0), first + day: (0, 100)}})

    drawn = chart(found, first, first + day)

    assert '<rect x="0.00" y="0.00" width="288.00" height="120.00" fill="#0b6e4f">' in drawn
    assert '<rect x="360.00" y="120.00" width="288.00" height="40.00" fill="#b3261e">' in drawn
    assert '<path d="M0 120.00H720"' in drawn
    assert "<rect" not in chart(Revenue(0, 0, {"day": {}}), first, first)
