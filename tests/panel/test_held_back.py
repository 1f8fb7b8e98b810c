"""A pack whose data may not be sold at present is shown, cannot be chosen, and says so; buyers are told no more than that."""

import pytest
from django.utils.timezone import localdate

from billing.models import Purchase
from kernel.clock import utc_now
from nodes.models import DataLicence, FeedSetting, MarketLine
from tests.factories import a_customer, a_node, a_plan

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
SENTENCE = "Not on sale at present."


@pytest.fixture
def unlicensed(db):
    a_plan()
    setting = FeedSetting.objects.create(lane="CN", feed="live")
    MarketLine.objects.create(setting=setting, name="pages", source="sina")


def order(client, node):
    page = client.get("/subscribe/?plan=pack-5&months=1").text
    key = page.split('name="key" value="')[1].split('"')[0]
    body = {"plan": "pack-5", "node": node.slug, "months": "1", "kind": "stack", "key": key}
    return page, client.post("/subscribe/", body)


@pytest.mark.parametrize("page", ["/", "/subscribe/", "/subscribe/?plan=pack-5"])
def test_pages_say_that_it_is_not_sold_at_present(client, unlicensed, page):
    text = client.get(page, follow=True).text

    assert SENTENCE in text
    assert "Choose a pack to see the nodes" in text or page == "/"


def test_an_order_is_refused_with_the_sentence_and_nothing_is_placed(client, unlicensed, keys_dir):
    node = a_node(last_seen_at=utc_now())
    client.force_login(a_customer("alice"))

    _, answer = order(client, node)

    assert answer.status_code == 422
    assert "This pack is not on sale at present." in answer.text
    assert not Purchase.objects.exists()


def test_with_a_licence_it_is_sold_again(client, unlicensed, keys_dir):
    DataLicence.objects.create(lane="CN", provider="sina", contract="S-1", starts_on=localdate(utc_now()))
    node = a_node(last_seen_at=utc_now())
    client.force_login(a_customer("alice"))

    page, answer = order(client, node)

    assert SENTENCE not in page
    assert answer.status_code == 302
    assert Purchase.objects.count() == 1


def test_the_api_refuses_by_a_code_of_its_own(client, unlicensed):
    node = a_node(last_seen_at=utc_now())
    client.force_login(a_customer("alice"))

    answer = client.post(
        "/api/purchases", {"plan": "pack-5", "node": node.slug, "months": 1, "kind": "stack"},
        content_type="application/json", headers={"Idempotency-Key": "k"},
    )  # fmt: skip

    assert (answer.status_code, answer.json()["code"]) == (409, "market_not_sold")
