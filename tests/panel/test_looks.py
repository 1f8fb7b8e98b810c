"""Every page, in both languages, light and dark, wide and on a phone: no axe finding of any weight, nothing cut off.

With TICKPACK_SCREENSHOTS set to a folder, what was looked at is kept there.
"""

import os
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.panel.conftest import PASSWORD, htmx_is_done, order

pytestmark = pytest.mark.whole
SHOTS = os.environ.get("TICKPACK_SCREENSHOTS")
DESKTOP, PHONE = {"width": 1200, "height": 900}, {"width": 390, "height": 844}


def look(page, name: str) -> None:
    """Check what is on screen: accessible, and not wider than the screen."""
    found = [
        f"{name}: {one['id']} ({one['impact']}) {one['nodes'][0]['html'][:160]}"
        for one in Axe().run(page).response["violations"]
    ]
    assert found == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1"), f"{name} is wider than the screen"
    if SHOTS:
        # Through the protocol: Playwright's own screenshot adds a style element, which our policy refuses aloud.
        import base64

        session = page.context.new_cdp_session(page)
        data = session.send("Page.captureScreenshot", {"captureBeyondViewport": True, "format": "png"})["data"]
        Path(SHOTS).mkdir(parents=True, exist_ok=True)
        (Path(SHOTS) / f"{name}.png").write_bytes(base64.b64decode(data))


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize(("size", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")], ids=["desktop-light", "phone-dark"])
def test_every_page_is_readable_for_everybody(buyer, language, size, scheme):
    order(buyer, "pack-5")
    buyer.get_by_test_id("sandbox-pay").wait_for()
    pay_page = buyer.url
    buyer.get_by_role("link", name="Return to the shop").click()
    buyer.locator(f"footer button[value={language}]").click()
    buyer.set_viewport_size(size)
    buyer.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    tag = f"{language}-{'phone' if size is PHONE else 'desktop'}"

    look(buyer, f"waiting-{tag}")
    buyer.goto(pay_page)
    look(buyer, f"sandbox-{tag}")
    buyer.get_by_test_id("sandbox-pay").click()
    buyer.get_by_test_id("settled").wait_for(timeout=15_000)
    look(buyer, f"purchase-{tag}")
    buyer.goto("/subscribe/?plan=pack-5&months=2")
    buyer.get_by_test_id("buy-kind-extend").check()
    htmx_is_done(buyer)
    look(buyer, f"subscribe-{tag}")
    for path, name in (
        ("/account/keys/", "api-keys"),
        ("/", "home"), ("/carried/", "carried"), ("/delivered/", "delivered"), ("/dashboard/", "dashboard"), ("/connect/", "connect"),
        ("/docs/protocol/", "manual"), ("/accounts/password/change/", "password"),
        ("/accounts/phone/", "phone"), ("/accounts/3rdparty/", "wechat"), ("/account/", "account"),
        ("/account/sessions/", "sessions"), ("/account/export/", "export"), ("/account/delete/", "delete"),
        ("/accounts/email/", "addresses"), ("/accounts/2fa/", "second-factor"), ("/mails/", "mails"),
        ("/accounts/reauthenticate/?next=/account/delete/", "reauthenticate"), ("/accounts/logout/", "logout"),
        ("/balance/", "balance"), ("/fapiao/", "fapiao"), ("/help/", "help"), ("/help/tickets/new", "help-new"),
    ):  # fmt: skip
        buyer.goto(path, wait_until="networkidle")
        look(buyer, f"{name}-{tag}")
    buyer.locator("#id_subject").fill("K")
    buyer.locator("#id_text").fill("line one\nline two")
    buyer.get_by_test_id("send-ticket").click()
    buyer.get_by_test_id("ticket-state").wait_for()
    look(buyer, f"help-ticket-{tag}")
    buyer.goto("/account/keys/")
    buyer.locator("#id_name").fill("bot")
    buyer.locator("input[name=scopes]").first.check()
    buyer.get_by_test_id("make-key").click()
    buyer.get_by_test_id("api-key").wait_for()
    look(buyer, f"new-api-key-{tag}")
    buyer.locator("header form button").click()
    for path in ("login", "signup", "login/code", "password/reset"):
        buyer.goto(f"/accounts/{path}/")
        look(buyer, f"{path.replace('/', '-')}-{tag}")


def test_the_admin_opens_in_the_browser_with_its_scripts(page):
    page.goto("/admin/")
    page.locator("input[name=login]").fill("admin@example.com")
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("main button[type=submit]").first.click()

    page.get_by_text("sockets sold").wait_for()
    page.goto("/admin/nodes/node/")
    page.get_by_role("link", name="local-1").wait_for()
