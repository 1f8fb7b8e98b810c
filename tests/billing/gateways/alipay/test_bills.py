"""A bill counts whole or not at all: nothing but its own footer says that it is whole."""

import io
import zipfile
from datetime import date

import pytest

from billing.errors import BadBill
from billing.gateways.alipay.bills import read_bill
from billing.gateways.protocol import FactKind
from tests.billing.gateways.orders import an_order
from tests.emulators.alipay import AlipayEmulator, Trade
from tests.factories import NOW

DAY = date(2026, 11, 21)
OURS = "R261121ABCDEFGHJKLMNPQRSTU"


@pytest.fixture
def alipay():
    emulator, order = AlipayEmulator(clock=NOW.timestamp), an_order()
    for number, fen in ((order.order_no, 2000), ("P-2", 999)):
        emulator.trades[number] = Trade(number, fen, "Pack 5, 1 mo., once", "http://x/", "", NOW.timestamp() + 60)
        emulator.pay(number)
    emulator._refund(emulator.trades[order.order_no], OURS, 500, out_biz_no=OURS)
    emulator.console_refund("P-2", 999)
    return emulator


def repacked(data, change):
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for one in old.infolist():
            new.writestr(one.filename, change(old.read(one).decode("gb18030")).encode("gb18030"))
    return out.getvalue()


def test_payments_and_refunds_with_their_fees(alipay):
    bill = read_bill(alipay.bill("2026-11-21"), DAY)

    assert [(row.kind, row.order_no, row.amount_fen, row.fee_fen, row.refund_no) for row in bill.rows] == [
        (FactKind.PAID, an_order().order_no, 2000, 12, ""),
        (FactKind.PAID, "P-2", 999, 6, ""),
        (FactKind.REFUNDED, an_order().order_no, 500, -3, OURS),
        (FactKind.REFUNDED, "P-2", 999, -6, "P-2"),  # made in the console: it goes by the order's number
    ]
    assert (bill.fees_fen, bill.rows[0].at, len(bill.digest)) == (9, NOW, 64)


def test_a_day_without_sales_is_a_bill_too(alipay):
    assert read_bill(alipay.bill("2026-11-20"), date(2026, 11, 20)).rows == ()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda text: text.replace("2笔，商家实收共29.99", "2笔，商家实收共29.98"), "its footer says 2 交易 of 29.98"),
        (lambda text: text.replace("交易合计：2笔", "交易合计：3笔"), "its footer says 3"),
        (lambda text: text.replace("退款合计：2笔", "退款合计：1笔"), "its footer says 1 退款"),
        (lambda text: "\n".join(line for line in text.split("\n") if "合计" not in line), "no footer"),
        (lambda text: text.replace(",20.00,20.00,", ",20.0,20.0,"), "no amount"),
        (lambda text: text.replace("服务费（元）", "费"), "no column"),
        (lambda text: text.replace(",退款,", ",转账,"), "转账"),
        (lambda text: text.replace("#支付宝业务明细查询", "#别的"), "no table"),
    ],
)  # fmt: skip
def test_what_does_not_add_up_is_no_bill(alipay, change, why):
    with pytest.raises(BadBill, match=why):
        read_bill(repacked(alipay.bill("2026-11-21"), change), DAY)


def test_neither_is_half_a_file_nor_another_days(alipay):
    data = alipay.bill("2026-11-21")
    for body in (b"", b"PK", data[: len(data) // 2], b"<html>"):
        with pytest.raises(BadBill):
            read_bill(body, DAY)
    with pytest.raises(BadBill, match="another day"):
        read_bill(data, date(2026, 11, 20))
