"""In a real browser: a customer asks and is answered by staff and by mail, takes the data along, and leaves."""

import re
import zipfile

import pytest

from tests.panel.conftest import PASSWORD, order

pytestmark = pytest.mark.whole
LONG = 60_000  # ms; a busy machine


def address_of(page) -> str:
    page.goto("/account/")
    return page.locator(".sheet dd .wraps").first.inner_text()


def test_a_question_is_answered_by_staff_and_the_answer_is_read(buyer, shop, browser):
    buyer.goto("/help/")
    buyer.get_by_test_id("ask").click()
    buyer.get_by_label("What is it about?").fill("Two bars are missing")
    buyer.get_by_label("What happened").fill("After a reconnect at 14:32.")
    buyer.get_by_test_id("send-ticket").click()
    number = re.search(r"/help/tickets/(\w+)/", buyer.url).group(1)

    context = browser.new_context(base_url=shop.base, locale="en-US")
    desk = context.new_page()
    desk.goto("/admin/")
    desk.locator("input[name=login]").fill("admin@example.com")
    desk.locator("input[name=password]").fill(PASSWORD)
    desk.locator("main button[type=submit]").first.click()
    desk.get_by_test_id("hand-questions").get_by_role("link").click()
    desk.get_by_role("link", name=number).click()
    desk.get_by_role("link", name="Answer", exact=True).click()
    desk.locator("textarea[name=text]").fill("Resume with the last seq: see the protocol.")
    desk.locator("form button[type=submit]").last.click()
    desk.wait_for_url(re.compile(r"/change/$"))
    context.close()

    buyer.goto("/help/")
    buyer.get_by_test_id("ticket-answered").get_by_role("link").click()
    buyer.get_by_text("Resume with the last seq").wait_for()
    buyer.get_by_label("Message", exact=True).fill("That was it.")
    buyer.get_by_test_id("send-reply").click()
    buyer.get_by_test_id("close-ticket").click()
    assert buyer.get_by_test_id("ticket-state").inner_text() == "closed"
    buyer.goto("/mails/")
    buyer.get_by_text("answer to a question").wait_for()


def test_somebody_takes_the_data_along_leaves_and_comes_again(buyer):
    order(buyer, "pack-5")
    buyer.get_by_test_id("sandbox-pay").click()
    buyer.get_by_test_id("settled").wait_for(timeout=LONG)
    address = address_of(buyer)

    buyer.goto("/account/export/")  # who has just signed up has not logged in, and is asked; then for both
    buyer.get_by_test_id("prove").click()
    buyer.get_by_label("Password", exact=True).fill(PASSWORD)
    buyer.get_by_role("button", name="Go on").click()
    with buyer.expect_download(timeout=LONG) as download:
        buyer.get_by_test_id("export").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        assert address in archive.read("profile.json").decode()
        assert "pack-5" in archive.read("orders.csv").decode()

    buyer.goto("/account/delete/")
    buyer.get_by_text("Pack 5 until").wait_for()
    buyer.get_by_label("I know that packs").check()
    buyer.get_by_label("Write your email address").fill(address)
    buyer.get_by_test_id("delete-account").click()
    buyer.get_by_test_id("left").wait_for(timeout=LONG)

    buyer.goto("/accounts/login/")
    buyer.locator("input[name=login]").fill(address)
    buyer.locator("input[name=password]").fill(PASSWORD)
    buyer.locator("main button[type=submit]").first.click()
    buyer.locator(".note.error").wait_for()
    buyer.goto("/accounts/signup/")
    buyer.get_by_label("Email").fill(address)
    buyer.get_by_label("Password", exact=True).fill(PASSWORD)
    buyer.locator("main button[type=submit]").first.click()
    buyer.wait_for_url("**/dashboard/")
