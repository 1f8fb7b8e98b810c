"""The whole path, once, as a stranger goes it: sign up, buy, copy, connect, outgrow the pack, buy more, go on."""

import json
import uuid

import pytest
from playwright.sync_api import Page, expect
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

pytestmark = pytest.mark.whole
FIVE = ["600519.SH", "000001.SZ", "600000.SH", "00700.HK", "510300.SH"]


def sign_up(page: Page, panel: str) -> None:
    page.goto(panel)
    page.get_by_role("link", name="Sign up").click()
    page.fill("input[name=email]", f"{uuid.uuid4().hex[:8]}@example.com")
    page.fill("input[name=password1]", "correct-horse-battery")
    page.locator("main").get_by_role("button", name="Sign up").click()
    page.wait_for_url("**/dashboard/**")


def buy(page: Page, panel: str, pack: str) -> None:
    """Buy a pack as "More symbols now" and pay on the sandbox's page; end on the purchase's page."""
    page.goto(f"{panel}/subscribe/")
    page.get_by_test_id(f"plan-{pack}").click()
    page.get_by_test_id("buy-kind-stack").click()
    page.get_by_test_id("pay").click()
    page.wait_for_url("**/sandbox/pay/**")
    page.get_by_test_id("sandbox-pay").click()
    page.wait_for_url("**/purchases/**")
    expect(page.get_by_test_id("token")).to_be_visible(timeout=10_000)


def next_of(socket, kind: str) -> dict:
    while True:
        message = json.loads(socket.recv(timeout=10))
        if message["type"] == kind:
            return message


def test_a_stranger_buys_pack_5_outgrows_it_and_buys_pack_15(start, open_page):
    run = start().wait()
    panel, page = run.facts["panel_url"], open_page()

    sign_up(page, panel)
    buy(page, panel, "pack-5")
    token, url = page.get_by_test_id("token").inner_text(), page.get_by_test_id("ws-url").inner_text()
    exports = page.get_by_test_id("exports").inner_text()
    assert exports.split("\n") == [f'export STOCK_RT_TOKEN="{token}"', f'export STOCK_RT_WS_URL="{url}"']
    page.locator("button[data-copy^=token]").first.click()
    assert page.evaluate("navigator.clipboard.readText()") == token

    with connect(url, additional_headers={"Authorization": f"Bearer {token}"}) as socket:
        assert next_of(socket, "welcome")["quota"]["max_subs"] == 5
        socket.send(json.dumps({"action": "subscribe", "symbols": FIVE}))
        assert next_of(socket, "subscribed")["quota"] == {"used": 5, "max_subs": 5}
        heard = set()
        while heard != set(FIVE):
            heard.add(next_of(socket, "kline")["symbol"])

        socket.send(json.dumps({"action": "subscribe", "symbols": ["000333.SZ"]}))
        (rejected,) = next_of(socket, "subscribed")["rejected"]
        assert (rejected["symbol"], rejected["reason"]) == ("000333.SZ", "quota_exceeded")

        buy(page, panel, "pack-15")
        assert next_of(socket, "quota_changed")["max_subs"] == 20
        assert page.get_by_test_id("token").inner_text() != ""

        socket.send(json.dumps({"action": "subscribe", "symbols": ["000333.SZ"]}))
        assert next_of(socket, "subscribed")["added"] == ["000333.SZ"]
        while next_of(socket, "kline")["symbol"] != "000333.SZ":
            pass

        page.goto(f"{panel}/dashboard/")
        expect(page.locator("body")).to_contain_text("6 / 20")  # the page's script asks the node

        page.on("dialog", lambda dialog: dialog.accept())
        page.get_by_test_id("revoke").click()
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                socket.recv(timeout=10)
        assert closed.value.rcvd.code == 4401

    page.get_by_test_id("create-token").click()
    page.goto(f"{panel}/live/")
    expect(page.locator("#lamp")).to_have_attribute("data-state", "open", timeout=60_000)
    expect(page.locator("#quotes [data-symbol='TEST.CN'] [data-cell=last]")).not_to_have_text("–", timeout=60_000)
