"""All of a buyer's way in one sitting: a chart without an account, sign-up, a pack, payment, a list, its end, renewal."""

import uuid

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Run
from tests.journeys.test_panel_pages import LANGUAGES, WIDTHS, look
from tests.journeys.test_terminal import find, row

pytestmark = pytest.mark.whole
SOON = 90_000  # ms; a busy machine is slower than any of this


@pytest.fixture(scope="module")
def panel(tmp_path_factory):
    run = Run(tmp_path_factory.mktemp("visitor") / "var", "--port", "0").wait(180)
    yield run
    run.stop()


def end_the_pack(run: Run, address: str) -> None:
    """End all that a customer has, as an operator would."""
    run.shell(
        "from billing.models import Grant; from billing.services.entitlements import close_grant; "
        "from kernel.clock import utc_now\n"
        f"for one in Grant.objects.filter(customer__email='{address}'):\n"
        "    close_grant(grant_id=one.pk, reason='test', now=utc_now())"
    )


def pay(page: Page) -> None:
    page.get_by_test_id("pay").click()
    page.wait_for_url("**/sandbox/pay/**")
    page.get_by_test_id("sandbox-pay").click()
    page.wait_for_url("**/purchases/**")
    page.get_by_test_id("settled").wait_for(timeout=SOON)


@pytest.mark.parametrize(("width", "language", "scheme"), [("desk", "zh", "light"), ("phone", "en", "dark")])
def test_a_visitor_looks_buys_watches_and_renews(panel, open_page, width, language, scheme):
    base, page = panel.facts["panel_url"], open_page(width=WIDTHS[width], locale=LANGUAGES[language])
    page.set_default_timeout(SOON)
    page.emulate_media(color_scheme=scheme)
    tag, address = f"{language}-{width}", f"{uuid.uuid4().hex[:12]}@example.com"

    # A visitor sees prices move.
    page.goto(base)
    expect(page.get_by_test_id("sample")).to_have_attribute("data-state", "open", timeout=SOON)
    before = page.locator("#sample [data-part=clock]").inner_text()
    expect(page.locator("#sample [data-part=clock]")).not_to_have_text(before, timeout=SOON)
    wrong = look(page, f"visitor-home-{tag}")

    # What is chosen before the sign-up is there behind it.
    page.goto(f"{base}/subscribe/?plan=pack-15&months=2")
    page.get_by_test_id("pay").click()
    page.wait_for_url("**/accounts/login/**")
    page.locator("main a[href*='/accounts/signup/']").first.click()
    page.fill("input[name=email]", address)
    page.fill("input[name=password1]", "correct-horse-battery")
    page.locator("main button[type=submit]").first.click()
    page.wait_for_url("**/subscribe/**")
    expect(page.get_by_test_id("plan-pack-15").get_by_role("radio")).to_be_checked()
    expect(page.get_by_test_id("months")).to_have_value("2")
    if page.get_by_test_id("buy-kind-stack").count():
        page.get_by_test_id("buy-kind-stack").check()
    pay(page)
    wrong += look(page, f"visitor-settled-{tag}")

    # A share is found by its initials, and its bars are drawn.
    page.goto(f"{base}/live/")
    expect(page.locator("#lamp")).to_have_attribute("data-state", "open", timeout=SOON)
    find(page, "gzmt")
    expect(page.locator("#found [role=option]").first).to_be_visible()
    page.keyboard.press("Enter")
    expect(row(page, "600519.SH")).to_have_count(1)
    expect(row(page, "600519.SH").locator("[data-cell=last]")).not_to_have_text("–", timeout=SOON)
    wrong += look(page, f"visitor-live-{tag}")

    # The end is said, and one click and a payment bring the same back.
    page.goto(f"{base}/dashboard/")
    expect(page.get_by_test_id("standing")).to_have_attribute("data-state", "active")
    end_the_pack(panel, address)
    page.reload()
    expect(page.get_by_test_id("standing")).to_have_attribute("data-state", "ended")
    wrong += look(page, f"visitor-ended-{tag}")
    page.get_by_test_id("renew").click()
    expect(page.get_by_test_id("plan-pack-15").get_by_role("radio")).to_be_checked()
    expect(page.get_by_test_id("months")).to_have_value("2")
    pay(page)
    page.goto(f"{base}/dashboard/")
    expect(page.get_by_test_id("standing")).to_have_attribute("data-state", "active")
    page.goto(f"{base}/live/")
    expect(row(page, "600519.SH").locator("[data-cell=last]")).not_to_have_text("–", timeout=SOON)
    assert wrong == []
