"""The admin's home says how the shop, its nodes and its outbox stand."""

import pytest

from accounts.models import Customer
from kernel.clock import utc_now
from ops.home import dashboard
from outbox.models import Outbox
from tests.factories import a_customer, a_grant, a_group, a_node, a_purchase

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def test_the_front_page_says_how_the_shop_is(client, node):
    a_node("hk-1", group=a_group("hk"), last_seen_at=None, capacity=0)

    client.force_login(a_customer("root", is_staff=True, is_superuser=True))

    page = client.get("/admin/").text

    assert "sockets sold" in page
    assert "not seen" in page
    assert "full" in page


def figures(rf) -> dict[str, object]:
    request = rf.get("/admin/")
    request.user = Customer(email="root@example.com", is_staff=True, is_superuser=True)
    return {str(label): value for label, value in dashboard(request, {})["figures"]}


def test_an_empty_shop_has_nothing_to_show(rf):
    assert set(figures(rf).values()) == {0, "0"}


def test_the_figures_are_those_of_the_shop(rf, alice, node):
    a_grant(alice, node, at=utc_now())
    a_purchase(alice, node, at=utc_now())

    found = figures(rf)

    assert (found["Customers"], found["Grants in force"], found["Symbols in force"]) == (1, 1, 5)
    assert (found["Paid, CNY"], found["Purchases waiting"]) == ("10", 1)


def test_rows_that_nobody_can_deliver_are_trouble(rf):
    Outbox.objects.create(kind="from_tomorrow", payload={}, created_at=utc_now(), due_at=utc_now())

    assert (figures(rf)["Outbox waiting"], figures(rf)["Outbox in trouble"]) == (1, 1)
