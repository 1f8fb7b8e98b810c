"""Plays Alipay's open platform: its gateway, its pay pages, notices, refunds and bills.

Strict about what it is asked: signature over what arrived, time, lengths, characters, amounts with two decimals, one
number for one order. `hostile[order_no]` says how the notice of its payment goes wrong; `faults` what answers do.
"""

import calendar
import io
import json
import re
import time
import zipfile
from dataclasses import dataclass, field
from html import escape
from urllib.parse import parse_qsl, quote_plus, urlencode

from Cryptodome.PublicKey import RSA

from tests.emulators.serving import Emulator, Moved, Notice, Reply, Request, as_json, is_signed, run_key, sign

_AMOUNT = re.compile(r"[0-9]{1,9}\.[0-9]{2}")
_PAYS = {"alipay.trade.page.pay": "FAST_INSTANT_TRADE_PAY", "alipay.trade.wap.pay": "QUICK_WAP_WAY"}
_SHANGHAI_S = 8 * 3600


@dataclass
class Trade:
    order_no: str
    total_fen: int
    subject: str
    notify_url: str
    return_url: str
    expires_at: float
    trade_no: str = ""
    status: str = ""  # "" until somebody has scanned or logged in: no trade exists before
    created_at: float = 0.0
    paid_at: float = 0.0
    refunds: dict[str, tuple[int, float, bool]] = field(default_factory=dict)  # number -> fen, at, done

    @property
    def refunded_fen(self) -> int:
        return sum(fen for fen, _at, done in self.refunds.values() if done)


class AlipayEmulator(Emulator):
    """Alipay with one merchant.

    Attributes:
        key: Alipay's own; `public_key` is what the merchant gets.
        merchant_key: the application's private key, made here and handed to the merchant.
        certificate_sn: with one, Alipay works with certificates, and asks for the merchant's two numbers.
        slow_refunds: refunds are taken, and done only when `work` is called.
    """

    SCHEDULE = (240, 600, 600, 3600, 7200, 21600, 54000)

    def __init__(self, *, app_id: str = "2021000000000001", seller_id: str = "2088000000000156", **more) -> None:
        super().__init__(**more)
        self.app_id, self.seller_id = app_id, seller_id
        self.key, self.merchant_key = run_key("alipay"), run_key("alipay's merchant")
        self.stranger = run_key("stranger")
        self.certificate_sn = self.app_cert_sn = self.root_cert_sn = ""
        self.slow_refunds = False
        self.trades: dict[str, Trade] = {}
        self.codes: dict[str, str] = {}
        self.bill_fault = ""
        self._numbers = 0
        self._bill_urls: dict[str, tuple[str, float]] = {}

    @property
    def gateway(self) -> str:
        return f"{self.url}/gateway.do"

    @property
    def public_key(self) -> str:
        """In base64 without armour, as Alipay's site shows it."""
        return "".join(self.key.public_key().export_key().decode().splitlines()[1:-1])

    @property
    def merchant_private_key(self) -> str:
        return "".join(self.merchant_key.export_key(pkcs=8).decode().splitlines()[1:-1])

    # -- what people do ------------------------------------------------------------------------------------------
    def scan(self, text: str) -> Trade:
        """Scan a code and pay."""
        return self.pay(self.codes[text])

    def log_in(self, order_no: str) -> Trade:
        """A buyer opens the code or the page: from here on there is a trade."""
        with self.lock:
            trade = self.trades[order_no]
            if not trade.status:
                if self.clock() >= trade.expires_at:
                    raise ValueError("this code has expired")
                trade.trade_no, trade.status, trade.created_at = self._number("2026"), "WAIT_BUYER_PAY", self.clock()
            return trade

    def pay(self, order_no: str) -> Trade:
        """Pay an order; the notice is queued as `hostile` says."""
        with self.lock:
            trade = self.log_in(order_no)
            if trade.status != "WAIT_BUYER_PAY" or self.clock() >= trade.expires_at:
                raise ValueError(f"this trade is {trade.status}, or has expired")
            trade.status, trade.paid_at = "TRADE_SUCCESS", self.clock()
            self.ground_truth.append(Moved("paid", order_no, trade.trade_no, trade.total_fen, trade.paid_at))
            self._notify_paid(trade)
            return trade

    def finish(self, order_no: str) -> None:
        """The time for refunds is over, months later."""
        trade = self.trades[order_no]
        trade.status = "TRADE_FINISHED"
        self._queue(trade, {"gmt_payment": _text(trade.paid_at)})

    def console_refund(self, order_no: str, fen: int, number: str = "") -> None:
        """The merchant pays back in Alipay's console."""
        self._refund(self.trades[order_no], number or order_no, fen, out_biz_no=number)

    def time_out(self, order_no: str, *, told: bool = True) -> None:
        trade = self.trades[order_no]
        trade.status = "TRADE_CLOSED"
        if told:
            self._queue(trade, {"gmt_close": _text(self.clock())})

    def work(self) -> None:
        with self.lock:
            for trade in self.trades.values():
                for number, (fen, _at, done) in list(trade.refunds.items()):
                    if not done:
                        del trade.refunds[number]
                        self._refund(trade, number, fen, out_biz_no=number)

    # -- notices -------------------------------------------------------------------------------------------------
    def is_right(self, status: int, body: bytes) -> bool:
        return status == 200 and body == b"success"

    def fields(self, trade: Trade, **changes: str) -> dict[str, str]:
        """The fields of a notice about a trade."""
        usual = {
            "notify_time": _text(self.clock()),
            "notify_type": "trade_status_sync",
            "notify_id": self._number("ac05"),
            "app_id": self.app_id,
            "auth_app_id": self.app_id,
            "charset": "utf-8",
            "version": "1.0",
            "trade_no": trade.trade_no,
            "out_trade_no": trade.order_no,
            "buyer_id": "2088102534368455",
            "buyer_logon_id": "xud***@126.com",
            "seller_id": self.seller_id,
            "trade_status": trade.status,
            "total_amount": _yuan(trade.total_fen),
            "receipt_amount": _yuan(trade.total_fen),
            "buyer_pay_amount": _yuan(trade.total_fen),
            "subject": trade.subject,
            "gmt_create": _text(trade.created_at),
            "fund_bill_list": f'[{{"amount":"{_yuan(trade.total_fen)}","fundChannel":"ALIPAYACCOUNT"}}]',
        }
        return {**usual, **changes}

    def form(self, fields: dict[str, str], *, key: RSA.RsaKey | None = None, charset: str = "utf-8") -> bytes:
        """Sign the fields of a notice and write them as a form."""
        signed = "&".join(f"{name}={fields[name]}" for name in sorted(fields))
        told = {**fields, "sign_type": "RSA2", "sign": sign(key or self.key, signed.encode(charset))}
        if self.certificate_sn:
            told["alipay_cert_sn"] = self.certificate_sn
        return urlencode(told, encoding=charset, quote_via=quote_plus).encode()

    def _notify_paid(self, trade: Trade) -> None:
        mode = self.hostile.get(trade.order_no, "")
        fields = self.fields(trade, gmt_payment=_text(trade.paid_at))
        honest = self.form(fields)
        bad = {
            "forged": lambda: self.form(fields, key=self.stranger),
            "flipped": lambda: honest.replace(b"total_amount=", b"total_amount=1"),
            "other_app": lambda: self.form({**fields, "app_id": "2021999999999999"}),
            "other_seller": lambda: self.form({**fields, "seller_id": "2088999999999999"}),
            "unsigned": lambda: urlencode({**fields, "sign_type": "RSA2"}).encode(),
            "doubled_field": lambda: honest + b"&total_amount=9999.00",
            "rsa1": lambda: honest.replace(b"sign_type=RSA2", b"sign_type=RSA"),
        }
        if mode in bad:
            self._send(trade, bad[mode]())
        if mode == "lost":
            return
        if mode == "gbk":
            honest = self.form({**fields, "charset": "GBK"}, charset="gbk")
        for _ in range({"twice": 2, "eight_times": 8}.get(mode, 1)):
            self._send(trade, honest, late=86400 if mode == "late" else 0)

    def _queue(self, trade: Trade, changes: dict[str, str]) -> None:
        self._send(trade, self.form(self.fields(trade, **changes)))

    def _send(self, trade: Trade, body: bytes, late: float = 0) -> None:
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        due_at = self.clock() + late / self.compress
        self.queue(Notice(trade.order_no, trade.notify_url, lambda: (headers, body), due_at))

    # -- being asked ---------------------------------------------------------------------------------------------
    def handle(self, request: Request) -> Reply:
        if request.path == "/gateway.do" and request.method == "POST":
            return self._api(request)
        if request.path == "/gateway.do":
            return self._page(request)
        if request.path == "/pay" and request.method == "POST":
            return self._pressed(request)
        if request.path == "/scan" and request.method == "POST":
            self.scan(request.arguments()["code"])
            return Reply(200, b"{}")
        if request.path == "/bill":
            return self._bill_file(request)
        return Reply(404)

    def _api(self, request: Request) -> Reply:
        if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return Reply(415)
        method, answer, signed = self._answer_to(request.body.decode("ascii"))
        fault = self._fault_now
        if fault == "502":
            return Reply(502, b"<html>bad gateway</html>")
        name = "error_response" if fault == "unsigned_error" or not signed else method.replace(".", "_") + "_response"
        if fault == "unsigned_error":
            answer, signed = (
                {"code": "20000", "msg": "Service Currently Unavailable", "sub_code": "isp.unknow-error"},
                False,
            )
        if fault == "unsigned_success":
            signed = False
        if fault == "other_order":
            answer = {**answer, "out_trade_no": "P-somebody-else"}
        raw = as_json(answer).decode().replace("/", "\\/")  # as PHP writes it: never to be written anew
        parts = [f'"{name}":{raw}']
        if fault == "twice":
            parts.insert(0, f'"{name}":' + raw.replace("TRADE_SUCCESS", "TRADE_CLOSED"))
        if signed:
            if self.certificate_sn:
                parts.append(f'"alipay_cert_sn":"{self.certificate_sn}"')
            key = self.stranger if fault == "forged" else self.key
            parts.append(f'"sign":"{sign(key, raw.encode())}"')
        body = ("{" + ",".join(parts) + "}").encode()
        if fault == "lost":  # the work was done
            return Reply(502, b"")
        headers = {"content-type": "text/html;charset=utf-8"}
        if fault == "half":
            return Reply(200, body[: len(body) // 2], headers, half=True)
        return Reply(200, body, headers, wait_seconds=30 if fault == "hang" else 0)

    def _answer_to(self, form: str) -> tuple[str, dict, bool]:
        self._fault_now = ""
        parameters, wrong = self._read(form)
        method = parameters.get("method", "")
        if wrong:
            return method, {"code": "40002", "msg": "Invalid Arguments", "sub_code": wrong, "sub_msg": wrong}, False
        self._fault_now = fault = self.fault(method)
        if fault == "502":
            return method, {}, True
        if fault == "20000":
            return method, {"code": "20000", "msg": "Service Currently Unavailable"}, True
        if fault.startswith(("ACQ.", "AQC.")):
            return method, _no(fault), True
        known = {
            "alipay.trade.precreate": self._precreate,
            "alipay.trade.query": self._query,
            "alipay.trade.close": self._close,
            "alipay.trade.refund": self._refund_asked,
            "alipay.trade.fastpay.refund.query": self._refund_query,
            "alipay.data.dataservice.bill.downloadurl.query": self._bill_url,
        }
        if method not in known:
            return method, {"code": "40002", "msg": "Invalid Arguments", "sub_code": "isv.invalid-method"}, False
        return method, known[method](json.loads(parameters["biz_content"]), parameters), True

    def _read(self, form: str) -> tuple[dict[str, str], str]:
        pairs = parse_qsl(form, keep_blank_values=True, strict_parsing=True)
        parameters = dict(pairs)
        if len(parameters) != len(pairs):
            return parameters, "isv.doubled-parameter"
        text = "&".join(f"{n}={v}" for n, v in sorted(parameters.items()) if n != "sign" and v != "")
        if not is_signed(self.merchant_key.public_key(), text.encode(), parameters.get("sign", "")):
            return parameters, "isv.invalid-signature"
        fixed = {"app_id": self.app_id, "format": "JSON", "charset": "utf-8", "sign_type": "RSA2", "version": "1.0"}
        if self.certificate_sn:
            fixed |= {"app_cert_sn": self.app_cert_sn, "alipay_root_cert_sn": self.root_cert_sn}
        for name, value in fixed.items():
            if parameters.get(name) != value:
                return parameters, f"isv.invalid-{name}"
        if abs(_epoch(parameters["timestamp"]) - self.clock()) > 600:
            return parameters, "isv.invalid-timestamp"
        return parameters, ""

    def _ordered(self, biz: dict, parameters: dict[str, str], product: tuple[str, ...]) -> dict | Trade:
        """Take an order in: the same number again must be the same order."""
        order_no, amount, subject = biz["out_trade_no"], biz["total_amount"], biz["subject"]
        if not re.fullmatch(r"[0-9A-Za-z_]{1,64}", order_no):
            return _no("ACQ.INVALID_PARAMETER", "out_trade_no")
        if not isinstance(amount, str) or not _AMOUNT.fullmatch(amount) or _fen(amount) <= 0:
            return _no("ACQ.INVALID_PARAMETER", "total_amount")
        if not 0 < len(subject) <= 256 or re.search("[/=&]", subject):
            return _no("ACQ.INVALID_PARAMETER", "subject")
        if biz["product_code"] not in product:
            return _no("ACQ.ACCESS_FORBIDDEN", "product_code")
        if not parameters.get("notify_url", "").startswith("http") or "?" in parameters["notify_url"]:
            return _no("ACQ.INVALID_PARAMETER", "notify_url")
        found = self.trades.get(order_no)
        if found is None:
            found = self.trades[order_no] = Trade(
                order_no, _fen(amount), subject, parameters["notify_url"], parameters.get("return_url", ""),
                _epoch(biz["time_expire"]),
            )  # fmt: skip
        elif found.total_fen != _fen(amount):
            return _no("ACQ.CONTEXT_INCONSISTENT")
        if found.status in ("TRADE_SUCCESS", "TRADE_FINISHED"):
            return _no("ACQ.TRADE_HAS_SUCCESS")
        if found.status == "TRADE_CLOSED":
            return _no("ACQ.TRADE_HAS_CLOSE")
        return found

    def _precreate(self, biz: dict, parameters: dict[str, str]) -> dict:
        found = self._ordered(biz, parameters, ("FACE_TO_FACE_PAYMENT", "QR_CODE_OFFLINE"))
        if isinstance(found, dict):
            return found
        code = f"https://qr.alipay.com/{self._number('bax')}"
        self.codes[code] = found.order_no
        return _yes(out_trade_no=found.order_no, qr_code=code)

    def _query(self, biz: dict, _: dict) -> dict:
        trade = self._trade(biz)
        if trade is None:
            return _no("ACQ.TRADE_NOT_EXIST")
        more = {"send_pay_date": _text(trade.paid_at)} if trade.paid_at else {}
        return _yes(
            out_trade_no=trade.order_no,
            trade_no=trade.trade_no,
            trade_status=trade.status,
            total_amount=_yuan(trade.total_fen),
            buyer_user_id="2088102534368455",
            **more,
        )

    def _close(self, biz: dict, _: dict) -> dict:
        trade = self._trade(biz)
        if trade is None:
            return _no("ACQ.TRADE_NOT_EXIST")
        if trade.status != "WAIT_BUYER_PAY":
            return _no("ACQ.TRADE_STATUS_ERROR")
        trade.status = "TRADE_CLOSED"
        return _yes(out_trade_no=trade.order_no, trade_no=trade.trade_no)

    def _refund_asked(self, biz: dict, _: dict) -> dict:
        trade, amount, number = self._trade(biz), biz["refund_amount"], biz["out_request_no"]
        if trade is None:
            return _no("ACQ.TRADE_NOT_EXIST")
        if not isinstance(amount, str) or not _AMOUNT.fullmatch(amount) or not 0 < len(number) <= 64:
            return _no("ACQ.INVALID_PARAMETER")
        if number in trade.refunds:
            if trade.refunds[number][0] != _fen(amount):
                return _no("ACQ.DISCORDANT_REPEAT_REQUEST")
            return self._refund_told(trade, "N")
        if trade.status == "TRADE_FINISHED":
            return _no("ACQ.TRADE_HAS_FINISHED")
        if trade.status != "TRADE_SUCCESS":
            return _no("ACQ.TRADE_STATUS_ERROR")
        if sum(one[0] for one in trade.refunds.values()) + _fen(amount) > trade.total_fen:
            return _no("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL")
        if self.slow_refunds:
            trade.refunds[number] = (_fen(amount), self.clock(), False)
            return self._refund_told(trade, "N")
        self._refund(trade, number, _fen(amount), out_biz_no=number)
        return self._refund_told(trade, "Y")

    def _refund_told(self, trade: Trade, changed: str) -> dict:
        return _yes(
            out_trade_no=trade.order_no,
            trade_no=trade.trade_no,
            fund_change=changed,
            refund_fee=_yuan(trade.refunded_fen),
            gmt_refund_pay=_text(self.clock()),
        )

    def _refund(self, trade: Trade, number: str, fen: int, *, out_biz_no: str) -> None:
        trade.refunds[number] = (fen, self.clock(), True)
        self.ground_truth.append(Moved("refunded", trade.order_no, number, fen, self.clock()))
        if trade.refunded_fen == trade.total_fen:
            trade.status = "TRADE_CLOSED"
        changes = {"refund_fee": _yuan(trade.refunded_fen), "gmt_refund": _text(self.clock()) + ".123"}
        if out_biz_no:
            changes["out_biz_no"] = out_biz_no
        self._queue(trade, {**changes, "gmt_payment": _text(trade.paid_at)})

    def _refund_query(self, biz: dict, _: dict) -> dict:
        trade = self._trade(biz)
        if trade is None:
            return _no("ACQ.TRADE_NOT_EXIST")
        found = trade.refunds.get(biz["out_request_no"])
        told = {"out_trade_no": trade.order_no, "trade_no": trade.trade_no, "out_request_no": biz["out_request_no"]}
        if found is None or not found[2]:
            return _yes(**({"out_trade_no": trade.order_no} if found is None else told))
        return _yes(
            **told, refund_status="REFUND_SUCCESS", refund_amount=_yuan(found[0]), total_amount=_yuan(trade.total_fen)
        )

    def _trade(self, biz: dict) -> Trade | None:
        found = self.trades.get(biz["out_trade_no"])
        if found is not None and found.status == "WAIT_BUYER_PAY" and self.clock() >= found.expires_at:
            found.status = "TRADE_CLOSED"
        return found if found is not None and found.status else None

    # -- pages ---------------------------------------------------------------------------------------------------
    def _page(self, request: Request) -> Reply:
        parameters, wrong = self._read(request.query)
        product = _PAYS.get(parameters.get("method", ""))
        if wrong or product is None:
            return Reply(400, f"<html><body>{escape(wrong or 'invalid-method')}</body></html>".encode())
        found = self._ordered(json.loads(parameters["biz_content"]), parameters, (product,))
        if isinstance(found, dict):
            return Reply(400, f"<html><body>{escape(found['sub_code'])}</body></html>".encode())
        buttons = "".join(f'<button name="action" value="{one}" id="{one}">{one}</button>' for one in ("pay", "leave"))
        html = (
            f"<html><body><h1>{_yuan(found.total_fen)}</h1><p>{escape(found.subject)}</p>"
            f'<form method="post" action="/pay?order={found.order_no}">{buttons}</form></body></html>'
        )
        return Reply(200, html.encode(), {"content-type": "text/html; charset=utf-8"})

    def _pressed(self, request: Request) -> Reply:
        trade = self.trades[request.arguments()["order"]]
        if dict(parse_qsl(request.body.decode())).get("action") == "pay":
            self.pay(trade.order_no)
        told = {"out_trade_no": trade.order_no, "trade_no": trade.trade_no, "method": "alipay.trade.page.pay.return"}
        return Reply(302, b"", {"location": f"{trade.return_url}?{urlencode(told)}"})

    # -- bills ---------------------------------------------------------------------------------------------------
    def _bill_url(self, biz: dict, _: dict) -> dict:
        day = biz["bill_date"]
        if biz["bill_type"] != "trade" or not re.fullmatch(r"\d{4}-\d\d-\d\d", day):
            return _no("isv.invalid-parameter")
        if self.bill_fault == "none":
            return _no("isp.bill_not_exist")
        token = self._number("b")
        self._bill_urls[token] = (day, self.clock() + 30)
        return _yes(bill_download_url=f"{self.url}/bill?downloadFileName={token}&fileType=csv.zip")

    def _bill_file(self, request: Request) -> Reply:
        day, until = self._bill_urls.pop(request.arguments()["downloadFileName"], ("", 0.0))
        if self.clock() >= until:
            return Reply(403, b"expired")
        return Reply(200, self.bill(day), {"content-type": "application/zip"})

    def bill(self, day: str) -> bytes:
        """Write the bill of a day; `bill_fault` is missing, extra, amount, footer or none."""
        rows, paid, back = [], [0, 0], [0, 0]
        moves = [one for one in self.ground_truth if _text(one.at)[:10] == day]
        if self.bill_fault == "missing":
            moves = moves[1:]
        if self.bill_fault == "extra":
            moves.append(Moved("paid", "P-of-nobody", self._number("2026"), 777, self.clock()))
        for one in moves:
            trade = self.trades.get(one.order_no)
            fen, fee = one.amount_fen, (one.amount_fen * 6 + 500) // 1000
            if self.bill_fault == "amount" and one.kind == "paid":
                fen += 1
            is_paid, at = one.kind == "paid", _text(one.at)
            total = paid if is_paid else back
            total[0], total[1] = total[0] + 1, total[1] + fen
            signed = _yuan(fen if is_paid else -fen)
            number = "" if is_paid or one.number == one.order_no else one.number
            cells = [
                f"{trade.trade_no if trade else one.number}\t", f"{one.order_no}\t", "交易" if is_paid else "退款",
                trade.subject if trade else "?", at, at, "", "", "", "", "*三(xud***@126.com)", signed, signed,
                *["0.00"] * 5, "", "0.00", "0.00", f"{number}\t" if number else "", _yuan(-fee if is_paid else fee), "0.00", "",
            ]  # fmt: skip
            rows.append(",".join(cells))
        if self.bill_fault == "footer":
            paid[1] += 1
        year, month, date = day.split("-")
        head = [
            "#支付宝业务明细查询",
            f"#账号：[{self.seller_id}0156]",
            f"#起始日期：[{year}年{month}月{date}日 00:00:00]   终止日期：[{year}年{month}月{int(date) + 1:02d}日 00:00:00]",
            "#-----------------------------------------业务明细列表----------------------------------------",
            "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,"
            "订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,"
            "商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注",
        ]
        foot = [
            "#-----------------------------------------业务明细列表结束------------------------------------",
            f"#交易合计：{paid[0]}笔，商家实收共{_yuan(paid[1])}元，商家优惠共0.00元",
            f"#退款合计：{back[0]}笔，商家实收退款共-{_yuan(back[1])}元，商家优惠退款共0.00元".replace(
                "商家实收退款共", "商家实收共"
            ),
            f"#导出时间：[{_text(self.clock())}]",
        ]
        table = "\r\n".join([*head, *rows, *foot]) + "\r\n"
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
            stem = f"{self.seller_id}0156_{day.replace('-', '')}_业务明细"
            packed.writestr(_GbkName(f"{stem}(汇总).csv"), "#支付宝业务汇总查询\r\n门店编号,门店名称\r\n".encode("gbk"))
            packed.writestr(_GbkName(f"{stem}.csv"), table.encode("gb18030"))
        return out.getvalue()

    def _number(self, prefix: str) -> str:
        self._numbers += 1
        return f"{prefix}{int(self.clock())}{self._numbers:012d}"


class _GbkName(zipfile.ZipInfo):
    """An entry whose name is GBK, without the flag that would say in what it is."""

    def _encodeFilenameFlags(self):
        return self.filename.encode("gbk"), self.flag_bits & ~0x800


def _yes(**told: str) -> dict:
    return {"code": "10000", "msg": "Success", **told}


def _no(sub_code: str, words: str = "") -> dict:
    return {"code": "40004", "msg": "Business Failed", "sub_code": sub_code, "sub_msg": words or sub_code}


def _fen(amount: str) -> int:
    return int(amount.replace(".", ""))


def _yuan(fen: int) -> str:
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def _text(epoch: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(epoch + _SHANGHAI_S))


def _epoch(text: str) -> float:
    return calendar.timegm(time.strptime(text, "%Y-%m-%d %H:%M:%S")) - _SHANGHAI_S
