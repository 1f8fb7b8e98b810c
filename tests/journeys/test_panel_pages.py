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


def findings(page: Page) -> list[str]:
    """Return what axe finds on a page, of any weight."""
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in found]


def look(page: Page, name: str) -> list[str]:
    """Return what is wrong with the page that is open; keep its picture where one is asked for."""
    folder = os.environ.get("TICKPACK_SCREENSHOTS")
    if folder:
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)
    wrong = findings(page)
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
    expect(page.locator("#lamp")).to_have_attribute("data-state", "open", timeout=60_000)
    expect(page.locator("#quotes [data-symbol='TEST.CN'] [data-cell=last]")).not_to_have_text("–", timeout=60_000)
    if os.environ.get("TICKPACK_SCREENSHOTS"):
        page.wait_for_timeout(40_000)
    wrong += look(page, f"live-{language}-{width}")
    assert wrong == []


ASKED_BY_THE_PAGE = """async () => {
  const next = await (await fetch(document.getElementById("terminal").dataset.tokenUrl)).json();
  const guest = await (await fetch("/viewer/guest")).json();
  const ask = async (path, token) => {
    const answer = await fetch(path, { headers: { Authorization: `Bearer ${token}` } });
    return [answer.status, await answer.json()];
  };
  return {
    usage: await ask("/v1/usage", next.token), sockets: await ask("/v1/sockets", next.token),
    test: await ask("/v1/market/ticker?symbols=TEST.CN", guest.token),
  };
}"""


def test_looking_takes_no_connection_and_a_browser_says_enough_for_the_pages_token(panel, open_page):
    """Its GETs to its own host carry no Origin."""
    page = open_page()
    log_in(page, panel, "buyer")
    page.goto(f"{panel.facts['panel_url']}/live/")
    expect(page.locator("#lamp")).to_have_attribute("data-state", "open", timeout=60_000)
    expect(page.locator("#quotes [data-symbol='TEST.CN'] [data-cell=last]")).not_to_have_text("–", timeout=60_000)

    told = page.evaluate(ASKED_BY_THE_PAGE)

    assert {name: status for name, (status, _) in told.items()} == {
        "usage": 200, "sockets": 200, "test": 200,
    }  # fmt: skip
    usage, sockets = told["usage"][1], told["sockets"][1]
    assert (usage["connections"], usage["viewers"]["connections"]) == (0, 1)
    assert [(one["viewer"], one["language"]) for one in sockets["sockets"]] == [(True, "native")]


def test_forms_and_tables_of_the_admin_stay_inside_the_window(panel, open_page):
    panel.shell("from nodes.models import FeedSetting; FeedSetting.objects.create(lane='CN', feed='simulated')")
    base, page = panel.facts["panel_url"], open_page(width=1366)
    log_in(page, panel, "admin")
    wide = []
    for path in ("billing/coupon/add", "auth/group/add", "accounts/customer/1/change", "nodes/feedsetting/1/change"):
        page.goto(f"{base}/admin/{path}/")
        expect(page.locator("#content-main")).to_be_visible()
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            wide.append(path)

    assert wide == []
    cell = page.locator(".ops-table td").first
    assert cell.evaluate("cell => parseFloat(getComputedStyle(cell).paddingLeft)") >= 8


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
