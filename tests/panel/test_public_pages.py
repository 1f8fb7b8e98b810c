"""What visitors see without an account, in Chromium on a running shop: the chart moves, tabs obey keys, notices arrive.

With TICKPACK_SCREENSHOTS set to a folder, what was looked at is kept there.
"""

import json
import re
import time
import uuid
from email import message_from_bytes, policy

import pytest
from playwright.sync_api import expect
from websockets.sync.client import connect

from tests.panel.conftest import PASSWORD, order
from tests.panel.test_looks import DESKTOP, PHONE, look

pytestmark = pytest.mark.whole
PAGES = ("/", "/status/", "/terms/", "/privacy/", "/refunds/", "/contact/", "/questions/", "/subscribe/?plan=pack-15")


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize(("size", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")], ids=["desktop-light", "phone-dark"])
def test_every_public_page_is_readable_for_everybody(page, language, size, scheme):
    page.set_viewport_size(size)
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.goto("/terms/")
    page.locator(f"footer button[value={language}]").click()
    for path in PAGES:
        page.goto(path)
        assert page.locator("h1").count() == 1, path
        name = path.strip("/").split("/")[0] or "home"
        look(page, f"public-{name}-{language}-{'phone' if size is PHONE else 'desktop'}")


def test_a_page_that_is_missing_is_readable_and_names_a_number(browser, shop):
    context = browser.new_context(base_url=shop.base, viewport=PHONE, locale="zh-CN")
    page = context.new_page()
    answer = page.goto("/nothing")
    assert page.get_by_test_id("request-id").inner_text() == answer.headers["x-request-id"]
    look(page, "public-404-zh-hans-phone")
    context.close()


def test_a_visitor_sees_the_test_instrument_move(page):
    page.goto("/")
    price, clock = page.get_by_test_id("sample-price"), page.locator("#sample [data-part=clock]")
    expect(page.get_by_test_id("sample")).to_have_attribute("data-state", "open", timeout=90_000)
    expect(price).not_to_have_text("–")
    first = clock.inner_text()
    expect(clock).not_to_have_text(first, timeout=60_000)
    assert page.locator("#sample canvas").count() > 0
    assert page.context.cookies() == [] or all(one["name"] != "sessionid" for one in page.context.cookies())


def test_without_its_stream_the_front_page_says_so_and_all_else_works(browser, shop):
    context = browser.new_context(base_url=shop.base, locale="en-US")
    page = context.new_page()
    page.route("**/viewer/guest**", lambda route: route.fulfill(status=404, body="{}"))
    page.goto("/")
    expect(page.get_by_test_id("sample")).to_have_attribute("data-state", "away")
    expect(page.get_by_text("The stream is not reachable at the moment.")).to_be_visible()
    page.get_by_role("tab", name="Go").click()
    expect(page.locator("#code-go")).to_be_visible()
    context.close()


def test_the_samples_are_tabs_by_keyboard(page):
    page.goto("/")
    tabs, python = page.get_by_role("tab"), page.get_by_role("tab", name="Python")
    expect(tabs).to_have_count(4)
    expect(page.get_by_role("tabpanel")).to_have_count(1)
    python.focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="JavaScript")).to_be_focused()
    expect(page.get_by_role("tab", name="JavaScript")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#code-javascript")).to_be_visible()
    expect(page.locator("#code-python")).to_be_hidden()
    page.keyboard.press("End")
    expect(page.get_by_role("tab", name="curl")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(python).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#sample-python pre")).to_be_focused()


def test_without_javascript_every_sample_is_shown(browser, shop):
    context = browser.new_context(base_url=shop.base, java_script_enabled=False)
    page = context.new_page()
    page.goto("/")
    for name in ("python", "javascript", "go", "curl"):
        expect(page.locator(f"#code-{name}")).to_be_visible()
    context.close()


def test_pay_stays_in_sight_on_a_telephone(page):
    page.set_viewport_size(PHONE)
    page.goto("/subscribe/?plan=pack-15")
    pay = page.get_by_test_id("pay")
    expect(pay).to_be_in_viewport()
    page.mouse.wheel(0, 500)
    expect(pay).to_be_in_viewport()
    expect(page.get_by_test_id("due")).to_have_text("¥20")


def mails_about(shop, title):
    """Return who got a mail about it, as often as they did."""
    found = []
    for file in (shop.var / "mail").glob("*"):
        for part in file.read_bytes().split(b"-" * 79 + b"\n"):
            message = message_from_bytes(part, policy=policy.default)
            if title in str(message["subject"]):
                found.append(str(message["to"]))
    return found


def test_what_an_operator_announces_is_on_pages_in_open_sockets_and_in_the_mailbox_once(buyer, browser, shop):
    title = f"Prices late {uuid.uuid4().hex[:6]}"
    order(buyer, "pack-5")
    buyer.get_by_test_id("sandbox-pay").click()
    buyer.get_by_test_id("settled").wait_for(timeout=60_000)
    token = buyer.get_by_test_id("token").first.text_content().strip()
    office = browser.new_context(base_url=shop.base, locale="en-US").new_page()
    office.goto("/accounts/login/?next=/admin/content/announcement/verb/announce/")
    office.fill("input[name=login]", "admin@example.com")
    office.fill("input[name=password]", PASSWORD)
    office.locator("main button[type=submit]").first.click()
    office.wait_for_url("**/verb/announce/")
    address = f"{shop.base.replace('http', 'ws')}/ws/stock"
    with connect(address, additional_headers={"Authorization": f"Bearer {token}"}) as socket:
        assert json.loads(socket.recv(timeout=30))["type"] == "welcome"
        for name, value in (
            ("title_en", title),
            ("title_zh", f"延迟 {title}"),
            ("text_en", "We look."),
            ("text_zh", "排查中。"),
        ):
            office.fill(f"[name={name}]", value)
        office.select_option("[name=kind]", "info")
        office.select_option("[name=market]", "CN")
        office.check("[name=mail]")
        office.get_by_role("button", name="Preview", exact=True).click()
        office.get_by_role("button", name="Announce", exact=True).click()
        office.wait_for_url("**/admin/content/announcement/")
        heard = {}
        while heard.get("type") != "announcement" or heard["title"]["en"] != title:
            heard = json.loads(socket.recv(timeout=90))
    assert (heard["kind"], heard["market"], heard["text"]["zh"]) == ("info", "CN", "排查中。")

    buyer.goto("/dashboard/")
    banner = buyer.get_by_test_id("announcement").filter(has_text=title)
    expect(banner).to_be_visible()
    look(buyer, "public-notice")
    banner.get_by_role("button").click()
    expect(banner).to_be_hidden()
    buyer.goto("/balance/")
    expect(buyer.get_by_test_id("announcement").filter(has_text=title)).to_be_hidden()
    buyer.goto("/status/")
    expect(buyer.locator("main").get_by_text(title)).to_be_visible()
    buyer.goto("/mails/")
    expect(buyer.locator("main")).to_contain_text(title)
    deadline = time.monotonic() + 90
    while not mails_about(shop, title) and time.monotonic() < deadline:
        time.sleep(0.5)
    time.sleep(3)  # the sweeper has come round again: a second one would be there
    mine = mails_about(shop, title)
    assert len(mine) == len(set(mine)) >= 1
    office.context.close()


def test_without_a_network_the_page_says_so_and_a_form_keeps_what_was_written(page):
    page.goto("/accounts/signup/")
    page.locator("input[name=email]").fill("somebody@example.com")
    page.locator("input[name=password1]").fill(PASSWORD)
    assert page.locator("#offline").inner_text() == ""

    page.context.set_offline(True)
    expect(page.locator("#offline")).to_contain_text("You are offline")
    page.locator("main button[type=submit]").first.click()
    expect(page.locator("input[name=email]")).to_have_value("somebody@example.com")
    assert page.url.endswith("/accounts/signup/")

    page.context.set_offline(False)
    expect(page.locator("#offline")).to_be_empty()
    page.locator("main button[type=submit]").first.click()
    page.wait_for_url("**/dashboard/**")


def test_the_front_page_compares_with_the_previous_close(page):
    """It compared with the first bar that it had loaded, and began at +0.00%."""
    told = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: told.append(frame)))
    page.goto("/")
    change = page.locator("#sample [data-part=change]")
    expect(change).to_have_text(re.compile(r"^[+−]\d+\.\d\d%$"), timeout=90_000)

    frames = [json.loads(one) for one in told if isinstance(one, str)]
    (day,) = [row["day"] for frame in frames if frame["type"] == "snapshot" for row in frame["data"]][-1:]
    page.wait_for_function(
        """(previous) => {
          const price = Number(document.querySelector("[data-part=price]").textContent);
          const shown = document.querySelector("[data-part=change]").textContent.replace("−", "-");
          return Math.abs(Number.parseFloat(shown) - (price / previous - 1) * 100) < 0.011;
        }""",
        arg=day["prev_close"],
    )
