"""Alipay from the code to the refund, against a provider that looks closely; each check has a notice that it stops."""

from base64 import b64decode
from datetime import date, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from billing.errors import BadBill, BadNotice, GatewayRefused, GatewayUnavailable
from billing.gateways.protocol import Device, FactKind, Method, Qr, RefundOrder, RefundStatus
from tests.billing.gateways.orders import an_order
from tests.emulators.serving import Fault
from tests.factories import NOW

OURS, SECOND = "R261121ABCDEFGHJKLMNPQRSTU", "R261121ABCDEFGHJKLMNPQRSTV"
REFUND_QUERY = "alipay.trade.fastpay.refund.query"


def a_refund(number=OURS, fen=400, **changes):
    usual = {"refund_no": number, "order_no": an_order().order_no, "transaction_id": "t", "amount_fen": fen,
             "paid_fen": 1000, "currency": "CNY", "reason": "wish", "notify_url": "https://shop.example/n"}  # fmt: skip
    return RefundOrder(**{**usual, **changes})


def read(gateway, body, now=NOW):
    return gateway.read_notice(headers={}, body=body, now=now)


def last(alipay):
    return alipay.notices[-1].make()[1]


@pytest.fixture
def paid(gateway, alipay):
    """An order that was paid by its code."""
    return alipay.scan(gateway.start(an_order(), Method.QR, NOW).text)


def test_what_one_can_do_where(gateway):
    assert [gateway.methods(device) for device in Device] == [(Method.QR, Method.PAGE), (Method.PAGE,), ()]


def test_a_contract_without_codes_offers_none(client, alipay):
    from billing.gateways.alipay.gateway import AlipayGateway

    pages = AlipayGateway(client, seller_id=alipay.seller_id, products=["page"])
    assert [pages.methods(device) for device in Device] == [(Method.PAGE,), (), ()]


def test_a_code_is_paid_and_told_and_asked_for(gateway, alipay):
    start = gateway.start(an_order(), Method.QR, NOW)
    assert gateway.query(an_order().order_no, NOW) == ()  # no trade before somebody scans
    assert gateway.close(an_order().order_no, NOW) == ()

    trade = alipay.scan(start.text)

    (told,), (asked,) = read(gateway, last(alipay)), gateway.query(an_order().order_no, NOW)
    assert isinstance(start, Qr)
    assert (told.kind, told.reference, told.amount_fen) == (FactKind.PAID, trade.trade_no, 1000)
    assert (asked.kind, asked.reference, asked.amount_fen) == (FactKind.PAID, trade.trade_no, 1000)


@pytest.mark.parametrize("device", [Device.COMPUTER, Device.PHONE])
def test_a_page_is_paid_by_who_presses(gateway, alipay, device):
    start = gateway.start(an_order(device=device), Method.PAGE, NOW)
    assert ("alipay.trade.wap.pay" in start.url) == (device == Device.PHONE)  # a signature may spell anything

    page = httpx.get(start.url, trust_env=False)
    assert (page.status_code, "<h1>10.00</h1>" in page.text) == (200, True)
    answer = httpx.post(f"{alipay.url}/pay?order={an_order().order_no}", data={"action": "pay"}, trust_env=False)

    assert answer.headers["location"].startswith(an_order().return_url)
    assert read(gateway, last(alipay))[0].amount_fen == 1000


def test_an_address_that_somebody_changed_is_refused(gateway):
    url = gateway.start(an_order(), Method.PAGE, NOW).url
    assert "10.00" in parse_qs(urlsplit(url).query)["biz_content"][0]

    assert httpx.get(url.replace("10.00", "0.01"), trust_env=False).status_code == 400


def test_the_same_order_again_is_the_same_and_another_sum_is_not(gateway, alipay):
    gateway.start(an_order(), Method.QR, NOW)
    alipay.scan(gateway.start(an_order(), Method.QR, NOW).text)
    assert len(alipay.ground_truth) == 1

    with pytest.raises(GatewayRefused, match="CONTEXT_INCONSISTENT"):
        gateway.start(an_order(due_fen=1001), Method.QR, NOW)
    with pytest.raises(GatewayRefused, match="CNY"):
        gateway.start(an_order(currency="USD"), Method.QR, NOW)


@pytest.mark.parametrize(
    "mode", ["forged", "flipped", "other_app", "other_seller", "unsigned", "doubled_field", "rsa1"]
)
def test_a_hostile_notice_is_refused_and_the_honest_one_counts(gateway, alipay, mode):
    alipay.hostile[an_order().order_no] = mode
    alipay.scan(gateway.start(an_order(), Method.QR, NOW).text)
    bad, honest = (notice.make()[1] for notice in alipay.notices)

    with pytest.raises(BadNotice):
        read(gateway, bad)
    assert read(gateway, honest)[0].kind == FactKind.PAID


def test_a_notice_in_gbk_and_one_a_day_late_count(gateway, alipay):
    alipay.hostile[an_order().order_no] = "gbk"
    alipay.scan(gateway.start(an_order(title="行情 Pack"), Method.QR, NOW).text)

    assert read(gateway, last(alipay), now=NOW + timedelta(days=1))[0].kind == FactKind.PAID


def test_t24_the_answers_are_exact(gateway):
    ok, bad = gateway.answer(None), gateway.answer(BadNotice())

    assert (ok.status, ok.body, ok.content_type) == (200, b"success", "text/plain")
    assert (bad.status, bad.body) == (200, b"fail")


def test_a_refund_is_done_told_and_the_same_again(gateway, alipay, paid):
    first, again = gateway.refund(a_refund(), NOW), gateway.refund(a_refund(), NOW)

    (fact,) = read(gateway, last(alipay))
    assert (first.status, again.status) == (RefundStatus.DONE, RefundStatus.DONE)
    assert (fact.kind, fact.reference, fact.refund_no, fact.amount_fen) == (FactKind.REFUNDED, OURS, OURS, 400)
    assert [one.kind for one in alipay.ground_truth] == ["paid", "refunded"]


def test_of_two_refunds_each_is_told_with_its_own_amount(gateway, alipay, paid):
    gateway.refund(a_refund(), NOW)
    gateway.refund(a_refund(SECOND, 600), NOW)

    facts = [read(gateway, notice.make()[1])[0] for notice in alipay.notices[1:]]
    assert [(fact.refund_no, fact.amount_fen) for fact in facts] == [(OURS, 400), (SECOND, 600)]  # not 1000, the sum
    assert gateway.query(paid.order_no, NOW)[0].kind == FactKind.PAID  # closed since paid back, and paid all the same


def test_a_refund_that_cannot_be_told_yet_is_told_later(gateway, alipay, paid):
    gateway.refund(a_refund(), NOW)
    notice = last(alipay)
    alipay.faults = [Fault(REFUND_QUERY, "20000")]

    with pytest.raises(GatewayUnavailable):
        read(gateway, notice)
    alipay.trades[paid.order_no].refunds[OURS] = (400, 0.0, False)  # it lags
    with pytest.raises(GatewayUnavailable, match="how much"):
        read(gateway, notice)


@pytest.mark.parametrize("number", ["", "20261121000001"])
def test_a_refund_of_the_console_is_told_without_our_number(gateway, alipay, paid, number):
    alipay.console_refund(paid.order_no, 300, number)

    (fact,) = read(gateway, last(alipay))
    assert (fact.refund_no, fact.reference, fact.amount_fen) == ("", number or paid.order_no, 300)


def test_taken_is_not_done(gateway, alipay, paid):
    alipay.slow_refunds = True

    assert gateway.refund(a_refund(), NOW).status == RefundStatus.PENDING
    assert gateway.query_refund(a_refund(), NOW).status == RefundStatus.UNKNOWN
    alipay.work()
    assert gateway.query_refund(a_refund(), NOW).status == RefundStatus.DONE


def test_t7_a_refund_whose_answer_was_lost_is_paid_once(gateway, alipay, paid):
    alipay.faults = [Fault("alipay.trade.refund", "lost")]
    with pytest.raises(GatewayUnavailable):
        gateway.refund(a_refund(), NOW)

    assert gateway.query_refund(a_refund(), NOW).status == RefundStatus.DONE
    assert gateway.refund(a_refund(), NOW).status == RefundStatus.DONE
    assert [one.amount_fen for one in alipay.ground_truth] == [1000, 400]


def test_a_number_with_another_amount_is_refused(gateway, alipay, paid):
    gateway.refund(a_refund(), NOW)

    with pytest.raises(GatewayRefused, match="DISCORDANT"):
        gateway.refund(a_refund(fen=500), NOW)
    with pytest.raises(GatewayRefused, match="400 fen went back"):
        gateway.query_refund(a_refund(fen=500), NOW)
    with pytest.raises(GatewayRefused, match="NOT_EQUAL"):
        gateway.refund(a_refund(SECOND, 601), NOW)


def test_an_answer_about_another_order_is_none(gateway, alipay, paid):
    for call, ask in (
        ("alipay.trade.query", lambda: gateway.query(paid.order_no, NOW)),
        ("alipay.trade.precreate", lambda: gateway.start(an_order(order_no="P2" * 12), Method.QR, NOW)),
        ("alipay.trade.refund", lambda: gateway.refund(a_refund(), NOW)),
        (REFUND_QUERY, lambda: gateway.query_refund(a_refund(), NOW)),
    ):
        alipay.faults = [Fault(call, "other_order")]
        with pytest.raises(GatewayUnavailable, match="another order"):
            ask()


def test_an_open_trade_is_closed_and_a_paid_one_is_told(gateway, alipay):
    first, second = an_order(), an_order(order_no="P2" * 12)
    gateway.start(first, Method.QR, NOW)
    alipay.log_in(first.order_no)
    assert gateway.query(first.order_no, NOW) == ()
    assert gateway.close(first.order_no, NOW)[0].kind == FactKind.CLOSED
    with pytest.raises(ValueError, match="TRADE_CLOSED"):
        alipay.pay(first.order_no)
    assert gateway.query(first.order_no, NOW)[0].kind == FactKind.CLOSED

    alipay.scan(gateway.start(second, Method.QR, NOW).text)
    assert gateway.close(second.order_no, NOW)[0].kind == FactKind.PAID


def test_the_code_ends_by_itself(gateway, alipay):
    start = gateway.start(an_order(expires_at=NOW), Method.QR, NOW)

    with pytest.raises(ValueError, match="expired"):
        alipay.scan(start.text)


def test_a_bill_is_fetched_and_its_faults_are_seen(gateway, alipay, paid):
    day = date(2026, 11, 21)
    assert [row.amount_fen for row in gateway.bill(day, NOW).rows] == [1000]

    alipay.bill_fault = "footer"
    with pytest.raises(BadBill):
        gateway.bill(day, NOW)
    alipay.bill_fault = "none"
    assert gateway.bill(day, NOW) is None


def test_the_emulator_refuses_an_amount_with_one_decimal(client, alipay):
    biz = {"out_trade_no": "P9", "total_amount": "20.0", "subject": "s", "product_code": "FACE_TO_FACE_PAYMENT",
           "time_expire": "2026-11-21 09:10:00"}  # fmt: skip
    with pytest.raises(GatewayRefused, match="total_amount"):
        client.call("alipay.trade.precreate", biz, NOW, notify_url="https://shop.example/n")


def test_a_notice_whose_fields_cannot_be_read(gateway, alipay, paid):
    fields = alipay.fields(paid, gmt_payment="yesterday")

    with pytest.raises(BadNotice, match="cannot be read"):
        read(gateway, alipay.form(fields))
    assert read(gateway, alipay.form({**fields, "trade_status": "WAIT_BUYER_PAY"})) == ()


def test_the_public_key_is_as_alipays_site_shows_it(alipay):
    assert b64decode(alipay.public_key)[:2] == b"\x30\x82"
