"""In a real browser, under our policy: a number is added and logs in, and a scan with WeChat signs up and logs in."""

import random
import re

import pytest

from accounts import captcha

pytestmark = pytest.mark.whole


def answer_the_question(page) -> None:
    """Look at the picture, hear that there is a sound, and write the digits."""
    page.locator(".question img").evaluate("one => one.decode()")
    assert page.locator(".question img").evaluate("one => one.naturalWidth") == 180
    source = page.locator(".question audio").get_attribute("src")
    assert page.evaluate("async (url) => (await fetch(url)).headers.get('content-type')", source) == "audio/wav"
    question = page.locator("input[name=digits_question]").get_attribute("value")
    page.locator("input[name=digits]").fill(captcha.digits_of(question))


def code_of(shop, number: str) -> str:
    masked = re.escape(f"{number[:3]}****{number[-4:]}")
    return re.findall(rf"{masked} that nobody sends: code (\d+)", (shop.var / "web.log").read_text())[-1]


def log_out(page) -> None:
    page.locator("header form button").click()
    page.locator("header").get_by_role("link", name="Log in").wait_for()


def test_a_number_is_added_on_the_account_s_page_and_logs_in(buyer, shop):
    number = f"139{random.randrange(10**8):08d}"
    buyer.goto("/account/")
    buyer.get_by_role("navigation", name="Account").get_by_role("link", name="Mobile number").click()
    buyer.get_by_label("Mobile number").fill(f"{number[:3]} {number[3:7]} {number[7:]}")
    answer_the_question(buyer)
    buyer.get_by_role("button", name="Send me the code").click()
    buyer.get_by_label("Code").fill(code_of(shop, number))
    buyer.get_by_role("button", name="This is my number").click()
    buyer.get_by_text(f"You can log in with a code to +86{number}.").wait_for()
    log_out(buyer)

    buyer.goto("/accounts/login/?next=/connect/")
    buyer.get_by_test_id("door-phone").click()
    buyer.get_by_label("Mobile number").fill("12345")
    answer_the_question(buyer)
    buyer.get_by_role("button", name="Send me the code").click()
    buyer.get_by_text("“12345” is no mobile number").wait_for()
    assert number not in (shop.var / "web.log").read_text()


def test_a_scan_signs_up_and_the_next_one_logs_in(page, shop, weixin):
    weixin.scans = weixin.person("王小明")
    page.goto("/accounts/signup/?next=/subscribe/")
    page.get_by_test_id("door-wechat").click()
    page.get_by_label("Email").fill(f"wx{random.randrange(10**9)}@example.com")
    page.get_by_role("main").get_by_role("button", name="Sign up").click()
    page.wait_for_url("**/subscribe/")
    page.goto("/account/")
    page.get_by_role("navigation", name="Account").get_by_role("link", name="WeChat").click()
    page.get_by_text("王小明").wait_for()
    log_out(page)

    page.goto("/accounts/login/")
    page.get_by_test_id("door-wechat").click()
    page.wait_for_url("**/dashboard/")


def test_somebody_with_a_password_connects_and_disconnects(buyer, weixin):
    weixin.scans = weixin.person("José")
    buyer.goto("/accounts/3rdparty/")
    buyer.get_by_test_id("connect-wechat").click()
    buyer.wait_for_url("**/accounts/3rdparty/")
    buyer.get_by_text("José").wait_for()

    buyer.get_by_role("button", name="Disconnect").click()

    buyer.get_by_test_id("connect-wechat").wait_for()


def test_on_a_narrow_screen_there_is_no_code_to_scan(page, weixin):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/accounts/login/")

    assert page.get_by_test_id("door-phone").is_visible()
    assert not page.get_by_test_id("door-wechat").is_visible()
