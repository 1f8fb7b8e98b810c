"""Buying in a real browser, with the sandbox gateway doing all that a gateway may do."""

import time

import pytest
from playwright.sync_api import expect

from tests.panel.conftest import htmx_is_done, order, token_of
from tests.panel.test_looks import look

pytestmark = pytest.mark.whole


def wait_for(happened, seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, f"it did not happen in {seconds} s"
        time.sleep(0.1)


def settled(page):
    expect(page.get_by_test_id("settled")).to_be_visible(timeout=15_000)


def test_a_stranger_signs_up_pays_and_holds_a_token_and_an_address(buyer, shop):
    order(buyer, "pack-5")
    buyer.get_by_test_id("sandbox-pay").click()

    settled(buyer)
    claims = token_of(buyer)
    assert (claims["quota"]["max_subs"], claims["quota"]["max_conns"]) == (5, 2)
    assert buyer.get_by_test_id("ws-url").inner_text() == shop.base.replace("http", "ws") + "/ws/stock"
    assert "export STOCK_RT_TOKEN=" in buyer.get_by_test_id("exports").inner_text()


def test_a_second_pack_stacks_and_the_dashboard_says_until_when(buyer):
    order(buyer, "pack-5")
    buyer.get_by_test_id("sandbox-pay").click()
    settled(buyer)
    order(buyer, "pack-15", months=2)
    buyer.get_by_test_id("sandbox-twice").click()

    settled(buyer)
    buyer.goto("/dashboard/")
    expect(buyer.get_by_test_id("max-subs")).to_have_text("20")
    expect(buyer.get_by_text("20 symbols until", exact=False).first).to_be_visible()
    expect(buyer.get_by_test_id("usage")).to_have_text("0 / 20", timeout=10_000)


def test_the_same_symbols_for_longer_add_none(buyer):
    order(buyer, "pack-5")
    buyer.get_by_test_id("sandbox-pay").click()
    settled(buyer)
    order(buyer, "pack-5", kind="extend")
    buyer.get_by_test_id("sandbox-pay").click()

    settled(buyer)
    steps = token_of(buyer)["quota"]["steps"]
    assert [step["max_subs"] for step in steps] == [5, 0]
    assert (steps[1]["from"] - steps[0]["from"]) / 86_400 > 58


def page_has_asked_again(page):
    """Wait for two answers about the purchase: the first may have been on its way already."""
    for _ in range(2):
        with page.expect_response("**/state"):
            pass


@pytest.mark.parametrize("action", ["other-amount", "forged"])
def test_a_wrong_or_forged_notice_leaves_the_buyer_waiting(buyer, shop, action):
    order(buyer, "pack-5")
    buyer.get_by_test_id(f"sandbox-{action}").click()

    if action == "other-amount":
        # It is told, goes back by itself, and the right amount can be paid.
        expect(buyer.get_by_test_id("suspense")).to_contain_text("¥9 instead of ¥10", timeout=15_000)
        expect(buyer.get_by_test_id("suspense")).to_contain_text("paid back", timeout=20_000)
    else:
        wait_for(lambda: "Bad Request: /payments/sandbox/notify" in (shop.var / "web.log").read_text())
        page_has_asked_again(buyer)
    expect(buyer.get_by_test_id("state")).to_have_attribute("data-state", "pending")
    buyer.get_by_test_id("pay-again").click()
    buyer.get_by_test_id("sandbox-pay").click()
    settled(buyer)


def test_a_declined_payment_is_said_so(buyer):
    order(buyer, "pack-5")
    buyer.get_by_test_id("sandbox-decline").click()

    expect(buyer.get_by_test_id("state")).to_have_attribute("data-state", "failed", timeout=15_000)


def test_returning_without_paying_settles_nothing(buyer):
    order(buyer, "pack-5")
    buyer.get_by_role("link", name="Return to the shop").click()

    page_has_asked_again(buyer)
    expect(buyer.get_by_test_id("state")).to_have_attribute("data-state", "pending")


def test_tokens_are_replaced_and_revoked_from_the_dashboard(buyer):
    order(buyer, "pack-5")
    buyer.get_by_test_id("sandbox-pay").click()
    settled(buyer)
    first = token_of(buyer)["jti"]

    buyer.goto("/dashboard/")
    buyer.get_by_test_id("rotate").click()
    second = token_of(buyer)["jti"]
    buyer.once("dialog", lambda dialog: dialog.accept())
    buyer.get_by_test_id("revoke").click()
    expect(buyer.get_by_test_id("create-token")).to_be_visible()

    assert first != second


def test_the_whole_order_can_be_given_by_keyboard(buyer):
    buyer.goto("/subscribe/")
    buyer.locator("#plan-pack-5").focus()
    with buyer.expect_response("**/subscribe/choice**"):
        buyer.keyboard.press("Space")
    expect(buyer.get_by_test_id("buy-kind-stack")).to_be_visible()
    htmx_is_done(buyer)
    buyer.locator("#kind-stack").focus()
    buyer.keyboard.press("Space")
    expect(buyer.get_by_test_id("buy-kind-stack")).to_be_checked()
    # What has been chosen keeps the focus, whatever part of the page is answered anew.
    htmx_is_done(buyer)
    assert buyer.evaluate("document.activeElement.id") == "kind-stack"
    for _ in range(12):
        buyer.keyboard.press("Tab")
        if buyer.evaluate("document.activeElement.dataset.testid") == "pay":
            break
    buyer.keyboard.press("Enter")

    buyer.wait_for_url("**/sandbox/pay/**")


def test_copying_puts_the_token_on_the_clipboard(buyer):
    buyer.context.grant_permissions(["clipboard-read", "clipboard-write"])
    order(buyer, "pack-5")
    buyer.get_by_test_id("sandbox-pay").click()
    settled(buyer)

    buyer.get_by_role("button", name="Copy the token").click()

    expect(buyer.get_by_role("button", name="Copy the token")).to_have_text("Copied")
    assert buyer.evaluate("navigator.clipboard.readText()") == buyer.get_by_test_id("token").inner_text()


def test_after_a_decline_the_same_months_are_ordered_again(buyer):
    order(buyer, "pack-5", months=3)
    buyer.get_by_test_id("sandbox-decline").click()
    buyer.get_by_test_id("order-again").click(timeout=15_000)

    expect(buyer.get_by_test_id("months")).to_have_value("3")
    expect(buyer.get_by_test_id("buy-kind-stack")).to_be_checked()
    expect(buyer.get_by_test_id("due")).to_have_text("¥30")


def test_who_has_another_pack_finds_the_only_choice_made(buyer):
    order(buyer, "pack-15")
    buyer.get_by_test_id("sandbox-pay").click()
    settled(buyer)
    buyer.goto("/subscribe/")
    buyer.get_by_test_id("plan-pack-5").click()

    expect(buyer.get_by_test_id("buy-kind-stack")).to_be_checked()
    expect(buyer.get_by_test_id("pay")).to_be_enabled()


def test_a_person_is_asked_for_no_tax_number(buyer):
    order(buyer, "pack-5")
    buyer.get_by_test_id("sandbox-pay").click()
    settled(buyer)
    buyer.goto("/fapiao/")
    number = buyer.locator("[name=tax_number]")
    expect(number).to_be_visible()

    buyer.locator("[name=kind]").select_option("person")
    expect(number).to_be_hidden()
    buyer.locator("[name=kind]").select_option("company")
    expect(number).to_be_visible()


def test_on_a_phone_samples_are_masked_shown_and_copied_and_no_button_covers_a_heading(buyer):
    order(buyer, "pack-5")
    buyer.get_by_test_id("sandbox-pay").click()
    settled(buyer)
    buyer.set_viewport_size({"width": 390, "height": 844})
    buyer.context.grant_permissions(["clipboard-read", "clipboard-write"])
    buyer.goto("/connect/")
    sample = buyer.locator("section.copyable").nth(1)
    words = sample.locator("h2").evaluate(
        "(one) => { const range = document.createRange(); range.selectNodeContents(one);"
        " return range.getBoundingClientRect().toJSON(); }"
    )
    button = sample.locator("button.copy").bounding_box()
    assert words["right"] <= button["x"] or words["bottom"] <= button["y"]

    assert "eyJ" not in sample.inner_text()
    sample.locator("button.copy").click()
    expect(sample.locator("button.copy")).to_have_text("Copied")
    whole = sample.get_by_test_id("snippet")
    assert buyer.evaluate("navigator.clipboard.readText()") == whole.text_content()
    assert "eyJ" in whole.text_content()
    sample.get_by_role("checkbox").check()
    expect(whole).to_be_visible()
    expect(sample.get_by_test_id("snippet-shown")).to_be_hidden()
    look(buyer, "samples-shown")
