"""The subscription page follows every choice, and what is shown is what is charged."""

import pytest
from playwright.sync_api import expect

from tests.panel.conftest import order

pytestmark = pytest.mark.whole


def test_the_total_and_the_timeline_follow_the_months(buyer):
    buyer.goto("/subscribe/")
    buyer.get_by_test_id("plan-pack-15").click()
    expect(buyer.get_by_test_id("due")).to_have_text("¥20")
    before = buyer.locator("#choice figcaption").first.inner_text()

    buyer.get_by_test_id("months").select_option("3")

    expect(buyer.get_by_test_id("due")).to_have_text("¥60")
    expect(buyer.get_by_test_id("pay")).to_have_text("Pay ¥60")
    assert buyer.locator("#choice figcaption").first.inner_text() != before


def test_somebodys_first_pack_needs_no_answer_about_kinds(buyer):
    buyer.goto("/subscribe/")
    buyer.get_by_test_id("plan-pack-5").click()
    expect(buyer.get_by_test_id("buy-kind-stack")).to_be_checked()
    buyer.get_by_test_id("pay").click()
    buyer.wait_for_url("**/sandbox/pay/**")


def test_coming_back_from_the_pay_page_the_choice_can_be_made_again(buyer):
    order(buyer, "pack-5")
    buyer.get_by_test_id("sandbox-pay").wait_for()
    buyer.go_back()
    buyer.goto("/subscribe/")
    buyer.get_by_test_id("plan-pack-5").click()
    expect(buyer.get_by_test_id("pay")).to_be_visible()


def test_revoking_asks_first(buyer):
    order(buyer, "pack-5")
    buyer.get_by_test_id("sandbox-pay").click()
    buyer.get_by_test_id("settled").wait_for(timeout=15_000)
    buyer.goto("/dashboard/")
    buyer.once("dialog", lambda dialog: dialog.dismiss())
    buyer.get_by_test_id("revoke").click()
    expect(buyer.get_by_test_id("revoke")).to_be_visible()
    buyer.once("dialog", lambda dialog: dialog.accept())
    buyer.get_by_test_id("revoke").click()
    expect(buyer.get_by_test_id("create-token")).to_be_visible()
