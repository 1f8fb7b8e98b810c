"""Alipay's bill of a day: a ZIP with two tables in GBK, found by their first line. Pure."""

import csv
import hashlib
import io
import re
import zipfile
from datetime import date
from decimal import Decimal

from billing.errors import BadBill
from billing.gateways.alipay.reading import PROVIDER
from billing.gateways.protocol import Bill, BillRow, FactKind
from billing.gateways.texts import decimal_of, fen_of, rounded_fen, shanghai_instant

MOST_BYTES = 256 * 1024 * 1024
_TITLE = "#支付宝业务明细查询"
_KINDS = {"交易": FactKind.PAID, "退款": FactKind.REFUNDED}
_NEEDED = (
    "支付宝交易号", "商户订单号", "业务类型", "商品名称", "完成时间",
    "订单金额（元）", "商家实收（元）", "退款批次号/请求号", "服务费（元）",
)  # fmt: skip
_FOOTER = re.compile(r"#(交易|退款)合计：([0-9]+)笔，商家实收共(-?[0-9.]+)元")
_DATES = re.compile(r"#起始日期：\[([0-9]{4})年([0-9]{2})月([0-9]{2})日")


def read_bill(data: bytes, day: date) -> Bill:
    """Read a bill.

    Raises:
        BadBill: it is not of this day, a row cannot be read, or rows and footer disagree.
    """
    try:
        lines = _lines(data)
        dated = next(found for line in lines if (found := _DATES.match(line)))
        if date(*map(int, dated.groups())) != day:
            raise ValueError(f"it is of another day: {dated.group()[6:]}")
        rows, received = _rows(lines)
        _check(lines, rows, received)
    except (ValueError, KeyError, IndexError, StopIteration, zipfile.BadZipFile, csv.Error) as error:
        why = str(error) or "it is no table of transactions"
        raise BadBill(f"the bill cannot be used: {why}", provider=PROVIDER, day=str(day)) from None
    return Bill(
        day=day, rows=tuple(rows), digest=hashlib.sha256(data).hexdigest(), fees_fen=sum(row.fee_fen for row in rows)
    )


def _lines(data: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        if sum(one.file_size for one in packed.infolist()) > MOST_BYTES:
            raise ValueError(f"it unpacks to more than {MOST_BYTES} bytes")
        for one in packed.infolist():  # by content: the names are GBK and not marked as such
            if one.is_dir():
                continue
            text = packed.read(one).decode("gb18030")
            lines = [line.rstrip("\r") for line in text.split("\n")]
            if lines[0].lstrip("\ufeff") == _TITLE and any("支付宝交易号," in line for line in lines):
                return lines
    raise ValueError("it holds no table of transactions")


def _rows(lines: list[str]) -> tuple[list[BillRow], list[tuple[FactKind, Decimal]]]:
    head = next(nth for nth, line in enumerate(lines) if line.startswith("支付宝交易号,"))
    columns = {name.strip(): nth for nth, name in enumerate(lines[head].split(","))}
    for name in _NEEDED:
        if name not in columns:
            raise ValueError(f"it has no column {name}")
    rows, received = [], []
    table = [line for line in lines[head + 1 :] if line and not line.startswith("#")]
    for cells in csv.reader(table):
        more = len(cells) - len(columns)
        if more < 0:
            raise ValueError(f"a row has {len(cells)} columns of {len(columns)}")
        if more:  # the name of what was bought had commas in it, which nothing marks
            at = columns["商品名称"]
            cells[at : at + more + 1] = [",".join(cells[at : at + more + 1])]
        row = {name: cells[nth].strip() for name, nth in columns.items()}
        kind = _KINDS[row["业务类型"]]
        amount_fen = fen_of(row["订单金额（元）"]) * (1 if kind == FactKind.PAID else -1)
        if amount_fen <= 0:
            raise ValueError(f"{row['订单金额（元）']} is no {kind} sum")
        order_no = row["商户订单号"]
        # Without a number of its own a refund goes by the order's, as in Alipay's answers.
        refund_no = (row["退款批次号/请求号"] or order_no) if kind == FactKind.REFUNDED else ""
        rows.append(
            BillRow(
                kind=kind,
                transaction_id=row["支付宝交易号"],
                order_no=order_no,
                amount_fen=amount_fen,
                at=shanghai_instant(row["完成时间"]),
                refund_no=refund_no,
                fee_fen=-rounded_fen(decimal_of(row["服务费（元）"] or "0")),
            )
        )
        received.append((kind, decimal_of(row["商家实收（元）"])))
    return rows, received


def _check(lines: list[str], rows: list[BillRow], received: list[tuple[FactKind, Decimal]]) -> None:
    """Compare with the footer: nothing else says whether the file is whole, it is not signed."""
    footers = {found.group(1): found for line in lines if (found := _FOOTER.match(line))}
    if "交易" not in footers:
        raise ValueError("it has no footer")
    for word, kind in _KINDS.items():
        count = sum(row.kind == kind for row in rows)
        total = sum((amount for one, amount in received if one == kind), Decimal(0))
        found = footers.get(word)
        told = (int(found.group(2)), abs(decimal_of(found.group(3)))) if found else (0, Decimal(0))
        if told != (count, abs(total)):
            raise ValueError(f"its footer says {told[0]} {word} of {told[1]}, and there are {count} of {abs(total)}")
