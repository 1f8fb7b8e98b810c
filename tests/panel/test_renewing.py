"""In a real browser: a pack ends, and one click brings it back; tokens have names; a bar is seen without leaving."""

import re

import pytest
from playwright.sync_api import expect

from tests.panel.conftest import order, token_of
from tests.panel.test_looks import look

pytestmark = pytest.mark.whole
PATIENCE = 60_000


def bought(page) -> str:
    """Buy Pack 5 and return the number of the order."""
    order(page, "pack-5")
    page.get_by_test_id("sandbox-pay").click()
    page.wait_for_url("**/purchases/**")
    page.get_by_test_id("settled").wait_for(timeout=PATIENCE)
    return re.search(r"/purchases/([^/]+)/", page.url)[1]


def end(shop, number: str) -> None:
    """Let what an order gave end now."""
    shop.manage(
        "shell", "-c",
        "from billing.models import Grant; from billing.services.entitlements import close_grant; "
        "from kernel.clock import utc_now; "
        f"close_grant(grant_id=Grant.objects.get(purchase__public_id='{number}').pk, reason='test', now=utc_now())",
    )  # fmt: skip


def test_after_the_end_one_click_and_a_payment_bring_the_same_pack_back(buyer, shop):
    number = bought(buyer)
    subject = token_of(buyer)["sub"]
    end(shop, number)

    buyer.goto("/dashboard/")
    expect(buyer.get_by_test_id("standing")).to_have_attribute("data-state", "ended")
    expect(buyer.get_by_text("Your pack ended on")).to_be_visible()
    look(buyer, "ended")
    buyer.get_by_test_id("renew").click()
    expect(buyer.get_by_test_id("plan-pack-5").get_by_role("radio")).to_be_checked()
    expect(buyer.get_by_test_id("buy-kind-stack")).to_be_checked()
    buyer.get_by_test_id("pay").click()
    buyer.wait_for_url("**/sandbox/pay/**")
    buyer.get_by_test_id("sandbox-pay").click()
    buyer.wait_for_url("**/purchases/**")
    buyer.get_by_test_id("settled").wait_for(timeout=PATIENCE)

    buyer.goto("/dashboard/")
    expect(buyer.get_by_test_id("standing")).to_have_attribute("data-state", "active")
    assert token_of(buyer)["sub"] == subject


def test_the_settled_page_shows_a_bar_without_leaving(buyer):
    bought(buyer)

    buyer.get_by_test_id("try").click()

    expect(buyer.get_by_test_id("try-bar")).to_contain_text("TEST.CN", timeout=PATIENCE)
    expect(buyer.get_by_test_id("try-says")).to_have_text(
        "It works: these bars came with your token.", timeout=PATIENCE
    )
    look(buyer, "tried")
    expect(buyer.get_by_test_id("try-live")).to_have_attribute("href", "/live/")
    assert "npx wscat" in buyer.get_by_test_id("run-this").inner_text()
    assert token_of(buyer)["sub"]
    assert buyer.get_by_test_id("token").inner_text() not in buyer.get_by_test_id("run-this").inner_text()

    buyer.get_by_test_id("try").click()

    expect(buyer.get_by_test_id("try-says")).to_have_text("Connecting…")
    expect(buyer.get_by_test_id("try-says")).to_have_text(
        "It works: these bars came with your token.", timeout=PATIENCE
    )
    expect(buyer.get_by_test_id("try")).to_be_enabled()


def test_a_token_with_a_name_is_made_shown_and_stopped_alone(buyer):
    bought(buyer)
    buyer.goto("/dashboard/")
    buyer.get_by_text("Another token").click()
    buyer.get_by_test_id("token-name").fill("laptop")
    buyer.get_by_test_id("token-only").fill("600519.SH，00700.HK")
    buyer.get_by_test_id("add-token").click()
    rows = buyer.get_by_test_id("token-row")
    expect(rows).to_have_count(2)

    laptop = rows.nth(1)
    whole = laptop.locator("code.whole")
    assert whole.bounding_box()["width"] <= 2
    laptop.get_by_role("checkbox").check()
    assert whole.bounding_box()["width"] > 100
    assert whole.inner_text().startswith("eyJ")
    look(buyer, "tokens")
    buyer.once("dialog", lambda dialog: dialog.accept())
    laptop.get_by_role("button", name="Stop the token laptop").click()

    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("Main token")


def test_what_is_in_use_is_asked_of_the_node_and_a_node_that_is_away_is_said_to_be(buyer, shop):
    bought(buyer)
    # A tab of its own: the browser itself complains of each 401.
    context = buyer.context.browser.new_context(base_url=shop.base, storage_state=buyer.context.storage_state())
    tab = context.new_page()
    tab.goto("/dashboard/")
    expect(tab.get_by_test_id("usage")).to_have_text("0 / 5", timeout=PATIENCE)

    refused = {"status": 401, "json": {"code": "subscription_expired", "message": "x"}}
    tab.route("**/v1/usage", lambda route: route.fulfill(**refused))
    expect(tab.get_by_test_id("usage")).to_have_text("The pack has ended.", timeout=PATIENCE)
    tab.unroute_all(behavior="ignoreErrors")
    tab.route("**/v1/usage", lambda route: route.fulfill(status=200, body="<html>a proxy's page</html>"))
    expect(tab.get_by_test_id("usage")).to_have_text("The node does not answer at the moment.", timeout=PATIENCE)
    context.close()


SOCKETS = {
    "sockets": [
        {"id": "9f86d081884c", "since": "2026-11-30T10:15:30.123Z", "viewer": False, "symbols": 5, "node": "sh-1",
         "address": "203.0.113.7", "language": "native", "unsent_bytes": 0},
        {"id": "c0535e4be2b7", "since": "2026-11-30T10:20:00.000Z", "viewer": True, "symbols": 2, "node": None,
         "address": None, "language": None, "unsent_bytes": 2049},
    ],
    "connections": 1, "max_conns": 2, "viewers": 1, "max_viewers": 5,
}  # fmt: skip


def test_sockets_are_listed_and_ended_where_the_node_tells_them(buyer):
    bought(buyer)
    usage = {
        "used": 5,
        "max_subs": 5,
        "symbols": [],
        "connections": 1,
        "max_conns": 2,
        "markets": ["CN"],
        "viewers": {},
    }
    ended = []
    buyer.route("**/v1/usage", lambda route: route.fulfill(json=usage))
    buyer.route("**/v1/sockets", lambda route: route.fulfill(json=SOCKETS))
    buyer.route("**/v1/sockets/*", lambda route: (ended.append(route.request), route.fulfill(json={"ended": True})))
    buyer.goto("/dashboard/")

    rows = buyer.get_by_test_id("sockets").locator("tbody tr")
    expect(rows).to_have_count(2, timeout=PATIENCE)
    expect(rows.first).to_contain_text("203.0.113.7")
    expect(rows.first).to_contain_text("18:15:30")
    expect(rows.first).to_contain_text("keeps up")
    expect(rows.first).to_contain_text("Tickpack")
    expect(rows.nth(1)).to_contain_text("a page of ours")
    expect(rows.nth(1)).to_contain_text("3 KiB behind")
    look(buyer, "sockets")
    with buyer.expect_response("**/v1/sockets/*", timeout=PATIENCE):
        rows.first.get_by_role("button", name="End the socket of 203.0.113.7").click()

    assert [(one.method, one.url.rpartition("/")[2]) for one in ended] == [("DELETE", "9f86d081884c")]
    assert ended[0].headers["authorization"].startswith("Bearer eyJ")


def test_where_the_node_does_not_tell_sockets_nothing_is_shown(buyer):
    bought(buyer)
    usage = {"used": 0, "max_subs": 5, "symbols": [], "connections": 0, "max_conns": 2, "markets": ["CN"]}
    buyer.route("**/v1/usage", lambda route: route.fulfill(json=usage))
    buyer.goto("/dashboard/")
    expect(buyer.get_by_test_id("usage")).to_have_text("0 / 5", timeout=PATIENCE)

    expect(buyer.get_by_test_id("sockets")).to_be_hidden()
