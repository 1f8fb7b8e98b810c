"""WeChat's bill of a day: a table whose fields begin with a backtick, and two lines of sums. Pure."""

import gzip
import hashlib
import io
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from billing.domain.months import SHANGHAI
from billing.errors import BadBill
from billing.gateways.protocol import Bill, BillRow, FactKind
from billing.gateways.texts import decimal_of, fen_of, is_our_refund, rounded_fen, shanghai_instant
from billing.gateways.wechat.reading import PROVIDER

MOST_BYTES = 256 * 1024 * 1024
_TOTALS = ("总交易单数", "手续费总金额", "订单总金额", "申请退款总金额")


@dataclass(frozen=True, slots=True)
class ReadBill:
    """A bill, and its refunds that had not ended when it was written: (row, the merchant's number at WeChat)."""

    bill: Bill
    undecided: tuple[tuple[BillRow, str], ...]


def read_bill(packed: bytes, *, sha1: str, day: date) -> ReadBill:
    """Read a bill.

    Args:
        packed: gzip.
        sha1: hex, of the unpacked file, as WeChat has announced it.

    Raises:
        BadBill: the hash is another, it is not of this day, a row cannot be read, or rows and sums disagree.
    """
    try:
        data = _unpacked(packed)
        if hashlib.sha1(data, usedforsecurity=False).hexdigest() != sha1.lower():
            raise ValueError("its hash is not the announced one")
        rows = _table(data.decode("utf-8-sig"))
        found, undecided = [], []
        for row in rows.details:
            read = _row(row)
            if read.at.astimezone(SHANGHAI).date() != day:
                raise ValueError(f"a row is of {read.at.isoformat()}")
            if read.kind == FactKind.PAID or row["退款状态"] == "SUCCESS":
                found.append(read)
            else:
                undecided.append((read, row["商户退款单号"]))
        fees = _check(rows)
    except (ValueError, KeyError, IndexError, OSError, EOFError) as error:
        why = str(error) or "it cannot be read"
        raise BadBill(f"the bill cannot be used: {why}", provider=PROVIDER, day=str(day)) from None
    digest = hashlib.sha256(data).hexdigest()
    return ReadBill(Bill(day=day, rows=tuple(found), digest=digest, fees_fen=rounded_fen(fees)), tuple(undecided))


@dataclass(frozen=True, slots=True)
class _Table:
    details: list[dict[str, str]]
    totals: dict[str, str]


def _unpacked(packed: bytes) -> bytes:
    with gzip.GzipFile(fileobj=io.BytesIO(packed)) as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise ValueError(f"it unpacks to more than {MOST_BYTES} bytes")
    return data


def _table(text: str) -> _Table:
    lines = [line for line in text.replace("\r\n", "\n").split("\n") if line]
    columns, details = lines[0].split(","), []
    for line in lines[1:-2]:
        details.append(_cells(line, columns))
    totals = lines[-2].split(",")
    if "总交易单数" not in totals:
        raise ValueError("it has no sums")
    return _Table(details, _cells(lines[-1], totals))


def _cells(line: str, columns: list[str]) -> dict[str, str]:
    # A name may hold a comma: fields are apart where a comma and a backtick meet.
    if not line.startswith("`"):
        raise ValueError("a row begins without a backtick")
    cells = line[1:].split(",`")
    if len(cells) != len(columns):
        raise ValueError(f"a row has {len(cells)} fields of {len(columns)}")
    return dict(zip(columns, (cell.strip() for cell in cells), strict=True))


def _row(row: dict[str, str]) -> BillRow:
    kinds = {"SUCCESS": FactKind.PAID, "REFUND": FactKind.REFUNDED}
    if row["交易状态"] not in kinds:
        raise ValueError(f"a row is {row['交易状态'][:20]!r}")
    kind = kinds[row["交易状态"]]
    if row["货币种类"] != "CNY":
        raise ValueError(f"a row is in {row['货币种类'][:8]!r}")
    amount_fen = fen_of(row["订单金额"] if kind == FactKind.PAID else row["申请退款金额"])
    if amount_fen <= 0:
        raise ValueError("a row is of no amount")
    number = ""
    if kind == FactKind.REFUNDED:
        # As in notices: a refund that was not made here goes by WeChat's own number.
        number = row["商户退款单号"] if is_our_refund(row["商户退款单号"]) else row["微信退款单号"]
    return BillRow(
        kind=kind,
        transaction_id=row["微信订单号"],
        order_no=row["商户订单号"],
        amount_fen=amount_fen,
        at=shanghai_instant(row["交易时间"]),
        refund_no=number,
        fee_fen=rounded_fen(decimal_of(row["手续费"])),
    )


def _check(table: _Table) -> Decimal:
    """Compare the sums with the rows; return the fees."""
    paid = [row for row in table.details if row["交易状态"] == "SUCCESS"]
    back = [row for row in table.details if row["交易状态"] == "REFUND"]
    fees = sum((decimal_of(row["手续费"]) for row in table.details), Decimal(0))
    sums = (
        Decimal(len(table.details)),
        fees,
        sum((decimal_of(row["订单金额"]) for row in paid), Decimal(0)),
        sum((decimal_of(row["申请退款金额"]) for row in back), Decimal(0)),
    )
    for name, reckoned in zip(_TOTALS, sums, strict=True):
        if decimal_of(table.totals[name]) != reckoned:
            raise ValueError(f"{name} says {table.totals[name][:20]}, and the rows make {reckoned}")
    return fees
