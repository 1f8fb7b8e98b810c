"""What the panel shows of a running node, in both languages, on a desk and on a phone; the admin. (tests/panel
looks at every other page.)

With TICKPACK_SCREENSHOTS=DIR the pictures are kept there (docs/screenshots has the good ones).
"""

import os
import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.whole
WIDTHS = {"desk": 1280, "phone": 390}
LANGUAGES = {"en": "en-US", "zh": "zh-CN"}


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


def serious_findings(page: Page) -> list[str]:
    """Return what axe calls serious or critical on a page."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in found if one["impact"] in ("serious", "critical")
    ]


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
def test_the_live_page_and_the_dashboard_hear_the_node(panel, open_page, language, width):
    base, page = panel.facts["panel_url"], open_page(width=WIDTHS[width], locale=LANGUAGES[language])
    log_in(page, panel, "buyer")
    page.goto(f"{base}/dashboard/")
    expect(page.locator("body")).to_contain_text("/ 5")
    wrong = look(page, f"dashboard-{language}-{width}")
    page.goto(f"{base}/live/")
    expect(page.locator("#lamp")).to_have_attribute("data-state", "open")
    expect(page.locator("[data-symbol='TEST.CN'] .price")).not_to_have_text("–", timeout=8_000)
    page.fill("#symbol", "nonsense")
    page.locator("#add button").click()
    expect(page.locator("#notice")).to_contain_text("nonsense: ")
    if os.environ.get("TICKPACK_SCREENSHOTS"):
        page.wait_for_timeout(40_000)
    wrong += look(page, f"live-{language}-{width}")
    assert wrong == []


def test_the_admin_opens_for_the_admin(panel, open_page):
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

    stranger = open_page()
    stranger.goto(f"{base}/admin/")
    expect(stranger).to_have_url(re.compile("/accounts/login/"))
