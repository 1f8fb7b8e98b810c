"""WeChat Pay from the code to the refund, against a provider that looks closely; each check has a notice that it stops."""

import json
from datetime import date, timedelta
from urllib.parse import quote

import httpx
import pytest

from billing.errors import BadBill, BadNotice, GatewayRefused, GatewayUnavailable
from billing.gateways.protocol import Bridge, Device, FactKind, Method, Qr, RefundOrder, RefundStatus
from kernel.errors import Unavailable
from tests.billing.gateways.orders import an_order
from tests.emulators.serving import Fault
from tests.factories import NOW

OURS, SECOND = "R261121ABCDEFGHJKLMNPQRSTU", "R261121ABCDEFGHJKLMNPQRSTV"


def a_refund(trade, number=OURS, fen=400):
    return RefundOrder(
        number, an_order().order_no, trade.transaction_id, fen, 1000, "CNY", "wish", "https://shop.example/n"
    )


def read(gateway, notice, now=NOW):
    headers, body = notice.make()
    return gateway.read_notice(headers=headers, body=body, now=now)


@pytest.fixture
def paid(gateway, wechat):
    """An order that was paid by its code."""
    return wechat.scan(gateway.start(an_order(), Method.QR, NOW).text)


def test_what_one_can_do_where(gateway):
    assert [gateway.methods(device) for device in Device] == [(Method.QR,), (Method.PAGE,), (Method.BRIDGE,)]


def test_without_permission_for_the_page_it_is_not_offered(client):
    from billing.gateways.wechat.gateway import WechatGateway

    codes = WechatGateway(client, app_id="wx1", products=["native"])
    assert [codes.methods(device) for device in Device] == [(Method.QR,), (), ()]


def test_a_code_is_paid_and_told_and_asked_for(gateway, wechat):
    assert gateway.query(an_order().order_no, NOW) == ()
    start = gateway.start(an_order(), Method.QR, NOW)
    assert gateway.query(an_order().order_no, NOW) == ()

    trade = wechat.scan(start.text)

    (told,), (asked,) = read(gateway, wechat.notices[-1]), gateway.query(an_order().order_no, NOW)
    assert isinstance(start, Qr)
    assert (told.kind, told.reference, told.amount_fen, told.currency) == (
        FactKind.PAID,
        trade.transaction_id,
        1000,
        "CNY",
    )
    assert (asked.kind, asked.reference, asked.amount_fen) == (FactKind.PAID, trade.transaction_id, 1000)


def test_its_page_for_phones_opens_for_who_comes_from_us(gateway, wechat):
    start = gateway.start(an_order(client_ip="203.0.113.7"), Method.PAGE, NOW)
    assert start.url.endswith("&redirect_url=" + quote(an_order().return_url, safe=""))

    strange, known = (
        httpx.get(start.url, headers=headers, trust_env=False) for headers in ({}, {"Referer": "https://shop.example/"})
    )
    assert ("商家参数格式有误" in strange.text, "<form" in known.text) == (True, True)
    answer = httpx.post(start.url, data={"action": "pay"}, trust_env=False)

    assert answer.headers["location"] == an_order().return_url
    assert read(gateway, wechat.notices[-1])[0].amount_fen == 1000


def test_inside_wechat_its_script_pays(gateway, wechat):
    with pytest.raises(GatewayRefused, match="who pays is not known"):
        gateway.start(an_order(), Method.BRIDGE, NOW)

    start = gateway.start(an_order(open_id="oABC"), Method.BRIDGE, NOW)
    assert isinstance(start, Bridge)
    with pytest.raises(ValueError, match="signature"):
        wechat.press({**start.parameters, "timeStamp": "1"})
    wechat.press(dict(start.parameters))

    assert read(gateway, wechat.notices[-1])[0].amount_fen == 1000


def test_the_same_order_again_gives_a_fresh_code_and_another_sum_is_refused(gateway, wechat):
    first, again = (gateway.start(an_order(), Method.QR, NOW).text for _ in range(2))
    assert first != again
    with pytest.raises(GatewayRefused, match="重复"):
        gateway.start(an_order(due_fen=1001), Method.QR, NOW)

    wechat.scan(first)
    with pytest.raises(ValueError, match="SUCCESS"):
        wechat.scan(again)


@pytest.mark.parametrize(
    "mode",
    ["forged", "unknown_serial", "signtest", "stale", "future", "flipped", "unsigned", "other_app", "other_merchant"],
)
def test_a_hostile_notice_is_refused_and_the_honest_one_counts(gateway, wechat, mode):
    wechat.hostile[an_order().order_no] = mode
    wechat.scan(gateway.start(an_order(), Method.QR, NOW).text)
    bad, honest = wechat.notices

    with pytest.raises(BadNotice):
        read(gateway, bad)
    assert read(gateway, honest)[0].kind == FactKind.PAID


def test_what_is_right_but_not_for_us_or_not_readable(gateway, wechat, paid):
    told = wechat.transaction(paid)
    for body, why in (
        (wechat.notice("TRANSACTION.SUCCESS", "transaction", told, api_key="0" * 32), "another key"),
        (wechat.notice("TRANSACTION.SUCCESS", "transaction", {**told, "amount": {"total": 10.0}}), "no amount"),
        (b'{"id":"1","id":"2"}', "twice"),
        (b"[]", "no JSON object"),
        (b"{}", "event_type"),
        (b'{"event_type":"TRANSACTION.SUCCESS","resource":7}', "cannot be read"),
        (b" " * 70_000, "are the most"),
    ):
        with pytest.raises(BadNotice, match=why):
            gateway.read_notice(headers=wechat.signed(body), body=body, now=NOW)
    other = wechat.notice("PAYSCORE.USER_OPEN_SERVICE", "payscore", {"a": 1})
    assert gateway.read_notice(headers=wechat.signed(other), body=other, now=NOW) == ()


def test_the_ciphertext_of_another_order_is_refused(gateway, wechat):
    """Both were made by WeChat; who mixes them signs nothing."""
    for number in ("P261121AAAAAAAAAAAAAAAAAA", "P261121BBBBBBBBBBBBBBBBBB"):
        wechat.scan(gateway.start(an_order(order_no=number), Method.QR, NOW).text)
    (headers, body), (_, other) = (notice.make() for notice in wechat.notices)
    mixed = json.dumps({**json.loads(body), "resource": json.loads(other)["resource"]}).encode()

    with pytest.raises(BadNotice, match="not signed by WeChat"):
        gateway.read_notice(headers=headers, body=mixed, now=NOW)
    assert [read(gateway, one)[0].order_no[-1] for one in wechat.notices] == ["A", "B"]


def test_a_notice_played_again_tells_the_same_payment_and_nothing_after_its_minutes(gateway, wechat, paid):
    headers, body = wechat.notices[-1].make()

    first, again = (gateway.read_notice(headers=headers, body=body, now=NOW) for _ in range(2))
    assert first == again
    with pytest.raises(BadNotice, match="old"):
        gateway.read_notice(headers=headers, body=body, now=NOW + timedelta(seconds=301))


def test_t26_an_unknown_serial_number_asks_nobody(gateway, wechat, paid):
    body = wechat.notices[-1].make()[1]
    before = list(wechat.requests)

    for nth in range(500):
        with pytest.raises(BadNotice, match="not known here"):
            gateway.read_notice(headers=wechat.forged(body, serial=f"{nth:040X}"), body=body, now=NOW)

    assert wechat.requests == before


def test_t24_the_answers_are_exact(gateway):
    ok, bad, away = (gateway.answer(error) for error in (None, BadNotice('a "b"'), Unavailable("busy")))

    assert (ok.status, ok.body) == (204, b"")
    assert (bad.status, json.loads(bad.body)) == (401, {"code": "FAIL", "message": "a 'b'"})
    assert (away.status, json.loads(away.body)) == (503, {"code": "FAIL", "message": "busy"})


def test_a_refund_is_taken_then_done_and_told(gateway, wechat, paid):
    assert gateway.query_refund(a_refund(paid), NOW).status == RefundStatus.UNKNOWN
    taken, again = (gateway.refund(a_refund(paid), NOW) for _ in range(2))
    assert (taken.status, taken.refund_id) == (RefundStatus.PENDING, again.refund_id)

    wechat.work()

    (fact,) = read(gateway, wechat.notices[-1])
    assert (fact.kind, fact.reference, fact.refund_no, fact.amount_fen) == (FactKind.REFUNDED, OURS, OURS, 400)
    assert gateway.query_refund(a_refund(paid), NOW).status == RefundStatus.DONE
    assert gateway.query(paid.told["out_trade_no"], NOW)[0].amount_fen == 1000  # REFUND was paid once
    assert [one.kind for one in wechat.ground_truth] == ["paid", "refunded"]


def test_t7_a_refund_whose_answer_was_lost_is_paid_once(gateway, wechat, paid):
    wechat.faults = [Fault("refund", "lost")]
    with pytest.raises(GatewayUnavailable):
        gateway.refund(a_refund(paid), NOW)

    assert gateway.query_refund(a_refund(paid), NOW).status == RefundStatus.PENDING
    gateway.refund(a_refund(paid), NOW)
    wechat.work()
    assert [one.amount_fen for one in wechat.ground_truth] == [1000, 400]


@pytest.mark.parametrize("ends", ["CLOSED", "ABNORMAL"])
def test_a_refund_that_fails_is_told(gateway, wechat, paid, ends):
    gateway.refund(a_refund(paid), NOW)
    wechat.end_refund(OURS, ends)

    (fact,) = read(gateway, wechat.notices[-1])
    result = gateway.query_refund(a_refund(paid), NOW)
    assert (fact.kind, fact.refund_no) == (FactKind.REFUND_FAILED, OURS)
    assert (result.status, result.why) == (RefundStatus.FAILED, ends)


def test_a_refund_of_the_console_goes_by_wechats_number(gateway, wechat, paid):
    refund_id = wechat.console_refund(paid.told["out_trade_no"], 300)

    (fact,) = read(gateway, wechat.notices[-1])
    assert (fact.refund_no, fact.reference, fact.amount_fen) == ("", refund_id, 300)


def test_refused_refunds_and_answers_about_others(gateway, wechat, paid):
    wechat.faults = [Fault("refund", "NOT_ENOUGH")]
    with pytest.raises(GatewayRefused) as caught:
        gateway.refund(a_refund(paid), NOW)
    assert caught.value.fields["provider_code"] == "NOT_ENOUGH"
    gateway.refund(a_refund(paid), NOW)
    with pytest.raises(GatewayRefused, match="不一致"):
        gateway.refund(a_refund(paid, fen=500), NOW)
    with pytest.raises(GatewayRefused, match="超出"):
        gateway.refund(a_refund(paid, SECOND, 601), NOW)
    with pytest.raises(GatewayUnavailable, match="400 fen, and 500"):
        gateway.query_refund(a_refund(paid, fen=500), NOW)
    for call, ask in (
        ("query", lambda: gateway.query(paid.told["out_trade_no"], NOW)),
        ("refund_query", lambda: gateway.query_refund(a_refund(paid), NOW)),
    ):
        wechat.faults = [Fault(call, "other_order")]
        with pytest.raises(GatewayUnavailable, match="about another"):
            ask()


def test_an_answer_for_another_merchant_is_none(gateway, wechat, paid):
    told = {**wechat.transaction(paid), "mchid": "1999999999"}
    wechat.transaction = lambda trade: told

    with pytest.raises(GatewayUnavailable, match="not us"):
        gateway.query(paid.told["out_trade_no"], NOW)


def test_an_open_order_is_closed_and_a_paid_one_is_told(gateway, wechat):
    first, second = an_order(), an_order(order_no="P2" * 12)
    assert gateway.close(first.order_no, NOW) == ()  # it was never ordered
    start = gateway.start(first, Method.QR, NOW)
    assert gateway.close(first.order_no, NOW)[0].kind == FactKind.CLOSED
    with pytest.raises(ValueError, match="CLOSED"):
        wechat.scan(start.text)
    with pytest.raises(GatewayRefused, match="关闭"):
        gateway.start(first, Method.QR, NOW)

    wechat.scan(gateway.start(second, Method.QR, NOW).text)
    assert gateway.close(second.order_no, NOW)[0].kind == FactKind.PAID


def test_a_bill_is_fetched_and_what_had_not_ended_in_it_is_asked_for(gateway, wechat, paid):
    day = date(2026, 11, 21)
    gateway.refund(a_refund(paid), NOW)
    assert [row.kind for row in gateway.bill(day, NOW).rows] == [FactKind.PAID]

    written = wechat.bill("2026-11-21")  # with a refund on its way
    wechat.bill = lambda _day: written
    wechat.work()
    assert [(row.kind, row.refund_no) for row in gateway.bill(day, NOW).rows] == [
        (FactKind.PAID, ""),
        (FactKind.REFUNDED, OURS),
    ]


def test_faults_of_a_bill_are_seen(gateway, wechat, paid):
    day = date(2026, 11, 21)
    for fault in ("sums", "hash"):
        wechat.bill_fault = fault
        with pytest.raises(BadBill):
            gateway.bill(day, NOW)
    wechat.bill_fault = "none"
    assert gateway.bill(day, NOW) is None
    wechat.faults = [Fault("bill", "STATEMENT_CREATING")]
    with pytest.raises(GatewayUnavailable):
        gateway.bill(day, NOW)


def test_a_repeat_a_day_later_is_signed_anew(gateway, wechat, paid):
    later = NOW + timedelta(days=1)
    wechat.clock = later.timestamp

    assert read(gateway, wechat.notices[-1], now=later)[0].reference == paid.transaction_id
