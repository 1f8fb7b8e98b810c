"""Every page of the panel, in both languages, on a desk and on a phone: accessible, not wider than its screen, complete.

With TICKPACK_SCREENSHOTS=DIR the pictures are kept there (docs/screenshots has the good ones).
"""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.browser import browser, open_page, serious_findings  # noqa: F401  (fixtures)

pytestmark = pytest.mark.whole
WIDTHS = {"desk": 1280, "phone": 390}
LANGUAGES = {"en": "en-US", "zh": "zh-CN"}
OPEN = ["/", "/accounts/signup/", "/accounts/login/", "/accounts/password/reset/", "/subscribe/"]
OWN = ["/dashboard/", "/live/"]


@pytest.fixture(scope="module")
def panel(tmp_path_factory):
    from tests.journeys.conftest import Run

    run = Run(tmp_path_factory.mktemp("panel") / "var", "--port", "0").wait()
    yield run
    run.stop()


def log_in(page: Page, run, who: str) -> None:
    page.goto(f"{run.facts['panel_url']}/accounts/login/")
    page.fill("input[name=login]", run.facts[who]["email"])
    page.fill("input[name=password]", run.facts[who]["password"])
    page.locator("main button[type=submit]").first.click()
    page.wait_for_url("**/dashboard/**")


def look(page: Page, name: str) -> list[str]:
    """Return what is wrong with the page that is open; keep its picture where one is asked for."""
    folder = os.environ.get("TICKPACK_SCREENSHOTS")
    if folder:
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)
    wrong = serious_findings(page)
    if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        wrong.append("wider than the screen")
    if page.locator("h1").count() != 1:
        wrong.append("not exactly one h1")
    return [f"{name}: {one}" for one in wrong]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_accessible_and_fits(panel, open_page, language, width):  # noqa: F811
    base, page, wrong = panel.facts["panel_url"], open_page(width=WIDTHS[width], locale=LANGUAGES[language]), []

    def see(name: str) -> None:
        wrong.extend(look(page, f"{name}-{language}-{width}"))
        if language == "zh":
            text = page.locator("main").inner_text()
            if not re.search("[\u4e00-\u9fff]", text):
                wrong.append(f"{name} is not in Chinese")

    for path in OPEN:
        page.goto(base + path)
        see(path.strip("/").replace("/", "-") or "home")
    log_in(page, panel, "buyer")
    page.goto(f"{base}/dashboard/")
    expect(page.locator("body")).to_contain_text("/ 5")
    see("dashboard")
    page.get_by_test_id("token").first.evaluate("(code) => code.closest('details')?.setAttribute('open', '')")
    see("dashboard-token")
    page.goto(f"{base}/subscribe/")
    page.get_by_test_id("plan-pack-15").click()
    expect(page.get_by_test_id("buy-kind-stack")).to_be_visible()
    see("subscribe-chosen")
    page.get_by_test_id("buy-kind-stack").click()
    page.get_by_test_id("pay").click()
    page.wait_for_url("**/sandbox/pay/**")
    see("sandbox")
    page.goto(f"{base}/live/")
    expect(page.locator("#lamp")).to_have_attribute("data-state", "open")
    page.wait_for_timeout(20_000 if os.environ.get("TICKPACK_SCREENSHOTS") else 2_500)
    see("live")

    assert wrong == []


def test_the_admin_opens_for_the_admin_and_for_nobody_else(panel, open_page):  # noqa: F811
    base, page = panel.facts["panel_url"], open_page()
    log_in(page, panel, "admin")
    for path in (
        "/admin/",
        "/admin/nodes/node/",
        "/admin/billing/purchase/",
        "/admin/billing/plan/",
        "/admin/nodes/feedsetting/",
    ):
        answer = page.goto(base + path)
        assert answer is not None
        assert answer.status == 200, path
        if folder := os.environ.get("TICKPACK_SCREENSHOTS"):
            page.screenshot(path=str(Path(folder) / f"{path.strip('/').replace('/', '-')}-desk.png"), full_page=True)

    buyer = open_page()
    log_in(buyer, panel, "buyer")
    buyer.goto(f"{base}/admin/")
    expect(buyer).to_have_url(re.compile("/admin/login/"))


def test_the_language_switch_is_remembered(panel, open_page):  # noqa: F811
    page = open_page()
    page.goto(panel.facts["panel_url"])
    page.get_by_role("button", name="简体中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-hans")
    page.goto(f"{panel.facts['panel_url']}/subscribe/")
    expect(page.locator("html")).to_have_attribute("lang", "zh-hans")


def test_buying_works_by_keyboard_alone(panel, open_page):  # noqa: F811
    page = open_page()
    log_in(page, panel, "buyer")
    page.goto(f"{panel.facts['panel_url']}/subscribe/")
    page.locator("input[name=plan]").first.focus()
    page.keyboard.press("Space")
    kind = page.get_by_test_id("buy-kind-stack")
    expect(kind).to_be_visible()
    radio = page.locator("input[name=kind]").first
    radio.focus()
    page.keyboard.press("Space")
    expect(radio).to_be_checked()
    page.get_by_test_id("pay").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/sandbox/pay/**")
