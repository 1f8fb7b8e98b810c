"""A bill counts whole or not at all: its hash and its sums have to be right."""

import gzip
import hashlib
from datetime import date, timedelta

import pytest

from billing.errors import BadBill
from billing.gateways.protocol import FactKind
from billing.gateways.wechat.bills import read_bill
from tests.emulators.wechat import Refund, Trade, WechatEmulator
from tests.factories import NOW

DAY = date(2026, 11, 21)
OURS = "R261121ABCDEFGHJKLMNPQRSTU"


@pytest.fixture
def wechat():
    emulator = WechatEmulator(clock=NOW.timestamp)
    for number, fen in (("P-1", 2000), ("P-2", 999)):
        told = {"out_trade_no": number, "description": "Pack 5, 1 mo.", "amount": {"total": fen}, "notify_url": "https://x/",
                "time_expire": "2026-11-21T09:10:00+08:00"}  # fmt: skip
        emulator.trades[number] = Trade(told, "native", NOW.timestamp())
        emulator.pay(number)
    emulator.trades["P-1"].refunds[OURS] = Refund(OURS, "5030-a", 500, NOW.timestamp(), "https://x/", "SUCCESS")
    emulator.trades["P-1"].refunds["R-late"] = Refund("R-late", "5030-b", 100, NOW.timestamp(), "https://x/")
    emulator.console_refund("P-2", 999)
    return emulator


def read(data, day=DAY, sha1=""):
    return read_bill(gzip.compress(data), sha1=sha1 or hashlib.sha1(data).hexdigest(), day=day)


def test_payments_and_refunds_with_their_fees(wechat):
    found = read(wechat.bill("2026-11-21"))

    rows = [(row.kind, row.order_no, row.amount_fen, row.fee_fen) for row in found.bill.rows]
    assert rows == [
        (FactKind.PAID, "P-1", 2000, 12),
        (FactKind.REFUNDED, "P-1", 500, -3),
        (FactKind.PAID, "P-2", 999, 6),
        (FactKind.REFUNDED, "P-2", 999, -6),
    ]
    console = next(iter(wechat.trades["P-2"].refunds.values()))
    assert [row.refund_no for row in found.bill.rows] == ["", OURS, "", console.refund_id]
    assert [(row.amount_fen, number) for row, number in found.undecided] == [(100, "R-late")]
    assert (found.bill.rows[0].at, found.bill.fees_fen) == (NOW, 8)  # 0.12 + 0.05994 - 0.03 - 0.006 - 0.05994


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("`29.99,`15.99", "`29.98,`15.99", "订单总金额 says 29.98"),
        ("\n`5,", "\n`6,", "总交易单数 says 6"),
        ("`15.99\r\n", "`16.00\r\n", "申请退款总金额 says 16.00"),
        ("`CNY,`20.00", "`USD,`20.00", "'USD'"),
        ("`SUCCESS,`OTHERS", "`REVOKED,`OTHERS", "'REVOKED'"),
        ("`20.00,`0.00,`\r\n", "`20.0,`0.00,`\r\n", "no amount"),
        ("`P-2,`", "`P-2", "fields"),
        ("总交易单数,", "总数,", "no sums"),
        ("\n`2026", "\n2026", "without a backtick"),
    ],
)  # fmt: skip
def test_what_does_not_add_up_is_no_bill(wechat, old, new, why):
    text = wechat.bill("2026-11-21").decode()
    assert old in text

    with pytest.raises(BadBill, match=why):
        read(text.replace(old, new).encode())


def test_neither_is_another_hash_nor_half_a_file_nor_another_day(wechat):
    data = wechat.bill("2026-11-21")
    with pytest.raises(BadBill, match="hash"):
        read(data, sha1="0" * 40)
    with pytest.raises(BadBill, match="a row is of"):
        read(data, day=DAY - timedelta(1))
    for packed in (b"", b"<html>", gzip.compress(data)[:-20]):
        with pytest.raises(BadBill):
            read_bill(packed, sha1=hashlib.sha1(data).hexdigest(), day=DAY)
