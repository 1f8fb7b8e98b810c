"""Who pays inside WeChat is asked of WeChat once, by the buyer's own browser alone, before its script can pay."""

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from django.urls import reverse

from billing.models import PaymentAttempt
from kernel.clock import utc_now
from nodes.models import Node
from tests.billing.gateways.shops import set_up
from tests.emulators.wechat import WechatEmulator
from tests.factories import a_customer, a_purchase

pytestmark = [pytest.mark.whole, pytest.mark.django_db]

INSIDE = {"user-agent": "Mozilla/5.0 (iPhone) MicroMessenger/8.0"}
PHONE = {"user-agent": "Mozilla/5.0 (iPhone) Mobile"}


@pytest.fixture
def wechat(settings, tmp_path, keys_dir):
    with WechatEmulator() as emulator:
        set_up(settings, emulator, tmp_path)
        yield emulator


@pytest.fixture
def purchase(wechat, client, alice, node):
    Node.objects.update(last_seen_at=utc_now())
    client.force_login(alice)
    return a_purchase(alice, node, at=utc_now(), gateway="wechat")


def press_pay(client, purchase, headers=INSIDE, method="bridge"):
    url = reverse("purchase-pay", args=[purchase.public_id])
    return client.post(url, {"gateway": "wechat", "method": method}, headers=headers)


def asked(client, purchase):
    """Press Pay, and follow to where WeChat sends the browser back."""
    answer = press_pay(client, purchase)
    assert answer["Location"] == reverse("purchase-wechat", args=[purchase.public_id])
    page = client.get(answer["Location"], headers=INSIDE)
    back = httpx.get(page.context["url"], trust_env=False).headers["location"]
    return f"{urlsplit(back).path}?{urlsplit(back).query}", page


def test_a_buyer_is_asked_once_and_pays_with_the_script(client, purchase, wechat):
    back, page = asked(client, purchase)
    assert 'http-equiv="refresh"' in page.content.decode()

    answer = client.get(back, headers=INSIDE)

    attempt = PaymentAttempt.objects.get()
    assert answer["Location"] == reverse("purchase-attempt", args=[purchase.public_id, attempt.order_no])
    wechat.press(attempt.shown["parameters"])
    assert wechat.trades[attempt.order_no].open_id == client.session["wechat_open_id"]
    assert press_pay(client, purchase)["Location"] == answer["Location"]  # not asked again


def test_a_link_of_a_stranger_says_nothing_of_who_pays(client, purchase):
    back, _ = asked(client, purchase)
    code = parse_qs(urlsplit(back).query)["code"][0]
    for state in ("", "guess", "é"):
        asked(client, purchase)
        assert client.get(reverse("wechat-return"), {"code": code, "state": state}).status_code == 404
        assert client.get(back).status_code == 404  # a wrong one ends it
    assert "wechat_open_id" not in client.session


def test_nor_does_a_code_that_wechat_does_not_know(client, purchase):
    back, _ = asked(client, purchase)
    state = parse_qs(urlsplit(back).query)["state"][0]

    answer = client.get(reverse("wechat-return"), {"code": "made-up", "state": state}, follow=True)

    assert "WeChat did not say who you are" in answer.content.decode()
    assert not PaymentAttempt.objects.exists()


def test_anothers_order_is_not_there(client, purchase, settings):
    client.force_login(a_customer("bob"))
    assert client.get(reverse("purchase-wechat", args=[purchase.public_id])).status_code == 404

    settings.PAYMENT_GATEWAYS = []
    client.force_login(purchase.customer)
    assert client.get(reverse("purchase-wechat", args=[purchase.public_id])).status_code == 404


def test_a_phones_page_is_left_with_the_name_of_where_one_comes_from(client, purchase):
    answer = client.get(press_pay(client, purchase, PHONE, "page")["Location"], headers=PHONE)

    assert answer["Referrer-Policy"] == "strict-origin"
    assert "/h5?prepay_id=" in answer.content.decode()


def test_pressed_again_a_phones_page_is_a_fresh_one_of_the_same_order(client, purchase, wechat):
    addresses = []
    for _ in range(2):
        client.get(press_pay(client, purchase, PHONE, "page")["Location"])
        addresses.append(PaymentAttempt.objects.get().shown["url"])

    assert addresses[0] != addresses[1]
    assert len(wechat.trades) == 1


def test_after_a_change_of_language_the_first_one_still_counts(client, purchase, wechat):
    press_pay(client, purchase, PHONE, "page")
    first = PaymentAttempt.objects.get().shown["url"]

    answer = press_pay(client, purchase, {**PHONE, "accept-language": "zh-hans"}, "page")

    attempt = PaymentAttempt.objects.get()
    assert answer["Location"] == reverse("purchase-attempt", args=[purchase.public_id, attempt.order_no])
    assert attempt.shown["url"] == first


@pytest.mark.parametrize(("gateways", "headers", "said"), [
    (["wechat", "alipay"], INSIDE, True), (["wechat"], INSIDE, False), (["wechat", "alipay"], PHONE, False),
])  # fmt: skip
def test_inside_wechat_alipay_is_paid_in_another_browser(client, purchase, settings, tmp_path, gateways, headers, said):
    from tests.emulators.alipay import AlipayEmulator

    set_up(settings, AlipayEmulator(), tmp_path)
    settings.PAYMENT_GATEWAYS = gateways

    page = client.get(reverse("purchase", args=[purchase.public_id]), headers=headers).content.decode()

    assert ("open this page in your browser" in page) == said
