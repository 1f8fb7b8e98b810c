"""A buyer in a real browser pays at each gateway: by code and page, on desk and phone, in both languages, well and badly.

The providers are emulators on loopback; the shop is an embedded run that names them. From "paid" to the first bar on
the buyer's own socket is printed.
"""

import json
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect
from websockets.sync.client import connect

from tests.emulators import stripe as stripe_emulator
from tests.emulators.alipay import AlipayEmulator
from tests.emulators.wechat import WechatEmulator
from tests.journeys.conftest import Run

pytestmark = pytest.mark.whole
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "user_agent": "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/150 Mobile Safari/537.36",
}
DESK = {"viewport": {"width": 1280, "height": 860}}


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Iterator[SimpleNamespace]:
    """An embedded run with three gateways, whose providers are here."""
    folder = tmp_path_factory.mktemp("paying")
    with ExitStack() as stack:
        alipay, wechat = stack.enter_context(AlipayEmulator()), stack.enter_context(WechatEmulator())
        account = stack.enter_context(stripe_emulator.serving(stripe_emulator.Stripe()))
        (folder / "wechat.pem").write_text(wechat.public_key)
        environment = {
            "PAYMENT_GATEWAYS": "alipay,wechat,stripe",
            "ALIPAY_URL": alipay.gateway, "ALIPAY_APP_ID": alipay.app_id, "ALIPAY_SELLER_ID": alipay.seller_id,
            "ALIPAY_PRIVATE_KEY": alipay.merchant_private_key, "ALIPAY_PUBLIC_KEY": alipay.public_key,
            "WECHAT_URL": wechat.url, "WECHAT_MCH_ID": wechat.mch_id, "WECHAT_APP_ID": wechat.app_id,
            "WECHAT_SERIAL": wechat.merchant_serial, "WECHAT_PRIVATE_KEY": wechat.merchant_private_key,
            "WECHAT_API_V3_KEY": wechat.api_key, "WECHAT_METHODS": "native,h5",
            "WECHAT_PUBLIC_KEYS": f"{wechat.public_key_id}={folder / 'wechat.pem'}",
            "STRIPE_URL": account.url, "STRIPE_SECRET_KEY": account.key, "STRIPE_WEBHOOK_SECRETS": account.secret,
        }  # fmt: skip
        run = Run(folder / "var", "--port", "0", environment=environment)
        stack.callback(run.stop)
        run.wait()
        account.webhook_url = f"{run.facts['panel_url']}/payments/stripe/notify"
        for one in (alipay, wechat):
            one.deliver_forever()
        yield SimpleNamespace(run=run, alipay=alipay, wechat=wechat, stripe=account, base=run.facts["panel_url"])


@pytest.fixture
def buyer(shop, browser: Browser) -> Iterator:
    """Open a page in which the demo buyer is logged in."""
    contexts = []

    def begin(how: dict, locale: str) -> Page:
        context = browser.new_context(locale=locale, **how)
        contexts.append(context)
        page = context.new_page()
        page.goto(f"{shop.base}/accounts/login/")
        page.locator("[name=login]").fill(shop.run.facts["buyer"]["email"])
        page.locator("[name=password]").fill(shop.run.facts["buyer"]["password"])
        page.locator("form:has([name=login]) button[type=submit]").click()
        page.wait_for_url(re.compile(r"/dashboard/"))
        return page

    yield begin
    for context in contexts:
        context.close()


def order(page: Page, shop) -> str:
    """Order another Pack 5; return the order's page."""
    page.goto(f"{shop.base}/subscribe/")
    page.get_by_test_id("plan-pack-5").click()
    page.get_by_test_id("buy-kind-stack").click()
    page.get_by_test_id("pay").click()
    page.wait_for_url(re.compile(r"/purchases/"))
    return page.url


def number_of(page: Page) -> str:
    """The attempt's number, of the page that shows its code."""
    return urlsplit(page.url).path.rsplit("/", 1)[1]


def first_bar(page: Page) -> float:
    """Return how long a socket with the token that the page shows waits for its first bar, in seconds."""
    token, url = page.get_by_test_id("token").inner_text(), page.get_by_test_id("ws-url").first.inner_text()
    began = time.monotonic()
    with connect(url, additional_headers={"Authorization": f"Bearer {token}"}) as socket:
        socket.send('{"action":"subscribe","symbols":["TEST.CN"]}')
        while json.loads(socket.recv(timeout=10))["type"] != "kline":
            pass
    return time.monotonic() - began


def pay(page: Page, shop, gateway: str, method: str) -> float:
    """Pay on the page of an order, as a person would; return the instant at which the provider took the money."""
    page.get_by_test_id(f"pay-{gateway}-{method}").click()
    if method == "qr":
        expect(page.get_by_test_id("qr")).to_be_visible()
        page.wait_for_function("() => document.querySelector('[data-testid=qr]').naturalWidth > 100")  # it is a picture
        getattr(shop, gateway).pay(number_of(page))
        return time.monotonic()
    # A page elsewhere: it was left for, the buyer agrees there.
    page.wait_for_url(re.compile(re.escape(getattr(shop, gateway).url)))
    page.locator("button, input[type=submit]").first.click()
    return time.monotonic()


@pytest.mark.parametrize(
    ("gateway", "method", "how", "locale"),
    [("alipay", "qr", DESK, "zh-CN"), ("alipay", "page", DESK, "en-US"), ("alipay", "page", PHONE, "zh-CN"),
     ("wechat", "qr", DESK, "en-US"), ("stripe", "page", DESK, "zh-CN"), ("stripe", "page", PHONE, "en-US")],
    ids=["alipay-code", "alipay-page", "alipay-phone", "wechat-code", "stripe-desk", "stripe-phone"],
)  # fmt: skip
def test_what_is_paid_is_there_without_a_click(shop, buyer, gateway, method, how, locale) -> None:
    page = buyer(how, locale)
    order(page, shop)

    took = pay(page, shop, gateway, method)
    expect(page.get_by_test_id("settled")).to_be_visible(timeout=20_000)
    told_s = time.monotonic() - took

    print(f"{gateway} {method}: told after {told_s:.1f} s, first bar {first_bar(page):.1f} s behind it")


def test_a_lost_notice_is_found_by_the_button(shop, buyer) -> None:
    page = buyer(DESK, "zh-CN")
    order(page, shop)
    page.get_by_test_id("pay-wechat-qr").click()
    number = number_of(page)
    shop.wechat.hostile[number] = "lost"
    shop.wechat.pay(number)

    page.get_by_test_id("back").click()
    page.get_by_test_id("i-have-paid").click()

    expect(page.get_by_test_id("settled")).to_be_visible(timeout=20_000)


def test_both_codes_paid_is_told_and_one_goes_back(shop, buyer) -> None:
    page = buyer(DESK, "en-US")
    there = order(page, shop)
    numbers = {}
    for gateway in ("alipay", "wechat"):
        page.goto(there)
        page.get_by_test_id(f"pay-{gateway}-qr").click()
        expect(page.get_by_test_id("qr")).to_be_visible()
        numbers[gateway] = number_of(page)

    for gateway, number in numbers.items():
        getattr(shop, gateway).pay(number)

    page.goto(there)
    expect(page.get_by_test_id("settled")).to_be_visible(timeout=20_000)
    # An order that is paid asks no more; whoever comes back to it sees the rest.
    wait_for(lambda: page.reload() and "You have paid twice" in page.content())
    wait_for(lambda: any(moved.kind == "refunded" for one in (shop.alipay, shop.wechat) for moved in one.ground_truth))


def test_forged_notices_change_nothing_and_the_genuine_one_does(shop, buyer) -> None:
    page = buyer(DESK, "en-US")
    order(page, shop)
    page.get_by_test_id("pay-alipay-qr").click()
    number = number_of(page)
    shop.alipay.hostile[number] = "forged"

    shop.alipay.pay(number)

    page.get_by_test_id("back").click()
    expect(page.get_by_test_id("settled")).to_be_visible(timeout=20_000)
    answers = [answer for one in shop.alipay.notices if one.order_no == number for answer in one.answers]
    assert (200, b"success") in answers
    assert any(body == b"fail" for _, body in answers)


def test_a_gateway_that_is_away_is_told_and_another_one_is_taken(shop, buyer) -> None:
    page = buyer(PHONE, "zh-CN")
    order(page, shop)
    shop.stripe.away = True
    try:
        page.get_by_test_id("pay-stripe-page").click()
        expect(page.get_by_text("支付渠道没有响应")).to_be_visible()
    finally:
        shop.stripe.away = False

    pay(page, shop, "stripe", "page")
    expect(page.get_by_test_id("settled")).to_be_visible(timeout=20_000)


def test_an_order_that_is_given_up_cannot_be_paid_any_more(shop, buyer) -> None:
    page = buyer(DESK, "en-US")
    order(page, shop)
    page.get_by_test_id("pay-alipay-qr").click()
    number = number_of(page)
    shop.alipay.log_in(number)  # somebody has the payment open on the phone

    page.get_by_test_id("back").click()
    page.get_by_test_id("cancel").click()
    expect(page.get_by_test_id("state")).to_have_attribute("data-state", "cancelled")

    wait_for(lambda: shop.alipay.trades[number].status == "TRADE_CLOSED")
    with pytest.raises(ValueError, match="TRADE_CLOSED"):
        shop.alipay.pay(number)


def wait_for(answer, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not answer():
        assert time.monotonic() < deadline
        time.sleep(0.1)
