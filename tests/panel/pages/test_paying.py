"""From an order to its gateway and back: the ways that fit a device, the code, the account, giving up."""

import pytest

from billing.gateways.protocol import Device, Form, Method, Redirect
from billing.models import PaymentAttempt, Purchase
from billing.services import asking, attempts, purchases
from kernel.clock import utc_now
from nodes.models import Node
from panel.pages.paying import device_of
from tests.billing.gateways.paper import PaperGateway
from tests.factories import a_customer, a_fact, a_plan, a_purchase

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
ANDROID = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/150 Mobile Safari/537.36"
IN_WECHAT = f"{ANDROID} MicroMessenger/8.0.60"


@pytest.fixture(autouse=True)
def gateways(settings, keys_dir):
    settings.PAYMENT_GATEWAYS = ["sandbox", "transfer"]
    settings.TRANSFER_ACCOUNT_NAME, settings.TRANSFER_ACCOUNT_NUMBER = "Tickpack Ltd", "6222 0000"
    settings.TRANSFER_BANK = "ICBC Shanghai"


@pytest.fixture
def shop(client, alice, node):
    a_plan()
    Node.objects.update(last_seen_at=utc_now())
    client.force_login(alice)
    return client


@pytest.fixture
def purchase(alice, node, shop):
    return a_purchase(alice, node, at=utc_now())


def pay(shop, purchase, gateway="transfer", method="transfer"):
    return shop.post(f"/purchases/{purchase.public_id}/pay", {"gateway": gateway, "method": method}, follow=True)


@pytest.fixture
def paper(monkeypatch):
    """A gateway of the test's own in the place of all others."""
    made = PaperGateway()
    for module in (attempts, asking):
        monkeypatch.setattr(module, "gateway", lambda name: made)
    monkeypatch.setattr(attempts, "names", lambda: ("paper",))
    return made


@pytest.mark.parametrize(
    ("agent", "device"),
    [("Mozilla/5.0 (X11; Linux x86_64)", Device.COMPUTER), (ANDROID, Device.PHONE), (IN_WECHAT, Device.WECHAT),
     ("", Device.COMPUTER)],
)  # fmt: skip
def test_where_the_buyer_sits(rf, agent, device):
    assert device_of(rf.get("/", headers={"User-Agent": agent})) == device


def test_several_ways_are_offered_and_each_leads_on(shop, purchase):
    page = shop.get(f"/purchases/{purchase.public_id}/").text

    assert 'data-testid="pay-sandbox-page"' in page
    assert 'data-testid="pay-transfer-transfer"' in page
    told = pay(shop, purchase).text
    number = PaymentAttempt.objects.get().order_no
    assert f'data-testid="purpose">{number}<' in told
    assert "6222 0000" in told


def test_a_code_is_drawn_here(shop, purchase, paper):
    page = pay(shop, purchase, "paper", "qr")

    number = PaymentAttempt.objects.get().order_no
    assert f'src="/purchases/{purchase.public_id}/pay/{number}.svg"' in page.text
    drawn = shop.get(f"/purchases/{purchase.public_id}/pay/{number}.svg")
    assert drawn["Content-Type"] == "image/svg+xml"
    assert drawn.content.startswith(b"<?xml")


def test_a_page_elsewhere_is_left_for_from_a_page_that_was_got(shop, purchase, paper, monkeypatch):
    monkeypatch.setattr(PaperGateway, "start", lambda *_: Redirect("https://pay.example/x?a=1&b=2"))

    page = pay(shop, purchase, "paper", "qr").text

    assert '<meta http-equiv="refresh" content="0;url=https://pay.example/x?a=1&amp;b=2">' in page
    assert 'href="https://pay.example/x?a=1&amp;b=2"' in page


def test_a_form_for_elsewhere_may_be_sent_there_and_nowhere_else(shop, purchase, paper, monkeypatch):
    monkeypatch.setattr(PaperGateway, "start", lambda *_: Form("https://pay.example/gateway", {"sign": "a<b"}))

    page = pay(shop, purchase, "paper", "qr")

    assert 'name="sign" value="a&lt;b"' in page.text
    policy = dict(one.strip().split(" ", 1) for one in page["Content-Security-Policy"].split(";") if " " in one.strip())
    assert policy["form-action"] == "'self' https://pay.example"


def test_a_gateway_that_does_not_answer_is_told_and_the_order_waits(shop, purchase, paper, monkeypatch):
    from billing.errors import GatewayUnavailable

    def away(*_):
        raise GatewayUnavailable(provider="paper")

    monkeypatch.setattr(PaperGateway, "start", away)

    page = pay(shop, purchase, "paper", "qr").text

    assert "The payment gateway does not answer." in page
    assert Purchase.objects.get().state == "pending"


def test_i_have_paid_asks_the_gateway(shop, purchase, paper):
    pay(shop, purchase, "paper", "qr")
    attempt = PaymentAttempt.objects.get()
    paper.paid[attempt.order_no] = [a_fact(attempt)]

    page = shop.post(f"/purchases/{purchase.public_id}/ask", follow=True).text

    assert 'data-state="settled"' in page


def test_t11_who_comes_back_after_paying_late_is_thanked_when_the_rule_has_decided_and_not_before(
    shop, purchase, paper, node
):
    address = f"/purchases/{purchase.public_id}/"
    pay(shop, purchase, "paper", "qr")
    attempt = PaymentAttempt.objects.get()
    Purchase.objects.update(price_until_at=utc_now())
    purchases.expire_purchases(now=utc_now())
    Node.objects.update(capacity=1)  # which the order that has not been paid held

    undecided = shop.get(address).text
    paper.paid[attempt.order_no] = [a_fact(attempt)]
    decided = shop.post(f"{address}ask", follow=True).text

    assert 'data-state="expired"' in undecided
    assert "If you have paid, the purchase is settled as soon as the gateway tells us" in undecided
    assert "and the node is full by now" in decided
    assert "It goes back to you the way it came, by itself." in decided
    for page in (undecided, decided):
        assert "Paid." not in page
        assert 'data-testid="settled"' not in page


def test_who_comes_back_to_a_paid_attempt_sees_the_order(shop, purchase, paper):
    page = pay(shop, purchase, "paper", "qr")
    PaymentAttempt.objects.update(state="paid")

    again = shop.get(page.request["PATH_INFO"])

    assert again["Location"] == f"/purchases/{purchase.public_id}/"


def test_nobody_sees_or_moves_anothers_payment(shop, purchase, client):
    pay(shop, purchase)
    number = PaymentAttempt.objects.get().order_no
    client.force_login(a_customer("mallory"))

    base = f"/purchases/{purchase.public_id}"
    assert client.get(f"{base}/pay/{number}").status_code == 404
    assert client.get(f"{base}/pay/{number}.svg").status_code == 404
    for verb in ("ask", "cancel", "pay"):
        assert client.post(f"{base}/{verb}").status_code == 404
    assert Purchase.objects.get().state == "pending"


@pytest.mark.parametrize("method", list(Method))
def test_every_method_has_a_word_for_people(method):
    from panel.pages.paying import METHODS

    assert str(METHODS[method])


def test_a_code_is_shown_for_codes_alone(shop, purchase):
    pay(shop, purchase)
    number = PaymentAttempt.objects.get().order_no

    assert shop.get(f"/purchases/{purchase.public_id}/pay/{number}.svg").status_code == 404
