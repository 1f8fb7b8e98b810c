"""Plays WeChat Pay, version 3: orders, the three ways to pay, notices, refunds, certificates and bills.

Strict about what it is asked: signature over what arrived, time, nonces used once, lengths, characters, whole fen, one
number for one order. `hostile[order_no]` says how the notice of its payment goes wrong; `faults` what answers do.
"""

import calendar
import gzip
import hashlib
import json
import re
import secrets
import subprocess
import tempfile
import time
from base64 import b64encode
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, quote, urlsplit

from Cryptodome.Cipher import AES
from Cryptodome.PublicKey import RSA

from tests.emulators.serving import Emulator, Moved, Notice, Reply, Request, as_json, is_signed, run_key, sign

_SHANGHAI_S = 8 * 3600
_SCHEME = "WECHATPAY2-SHA256-RSA2048"
_TYPES = {"native": "NATIVE", "h5": "MWEB", "jsapi": "JSAPI"}


@dataclass
class Refund:
    number: str
    refund_id: str
    fen: int
    at: float
    notify_url: str
    status: str = "PROCESSING"
    done_at: float = 0.0


@dataclass
class Trade:
    told: dict
    kind: str
    ordered_at: float
    state: str = "NOTPAY"
    transaction_id: str = ""
    paid_at: float = 0.0
    open_id: str = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
    refunds: dict[str, Refund] = field(default_factory=dict)

    @property
    def total_fen(self) -> int:
        return self.told["amount"]["total"]


class WechatEmulator(Emulator):
    """WeChat Pay with one merchant.

    Attributes:
        public_key_id, public_key: what the merchant downloads; `certificate` is a platform certificate beside it.
        signs_with: "public_key", "certificate", or "mixed" as while a merchant changes over.
        hands_out: the serial numbers of the certificates that `GET /v3/certificates` answers.
    """

    SCHEDULE = (15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600)

    def __init__(self, *, app_id: str = "wx8888888888888888", mch_id: str = "1900000001", **more) -> None:
        super().__init__(**more)
        self.app_id, self.mch_id, self.app_secret = app_id, mch_id, secrets.token_hex(16)
        self.api_key = secrets.token_hex(16)
        self.merchant_key, self.merchant_serial = run_key("wechat's merchant"), secrets.token_hex(20).upper()
        self.key, self.stranger = run_key("wechat"), run_key("stranger")
        self.public_key_id = "PUB_KEY_ID_0119000000012026112100"
        self.certificates: dict[str, tuple[str, RSA.RsaKey]] = {}
        self.hands_out: list[str] = []
        self.signs_with = "public_key"
        self.trades: dict[str, Trade] = {}
        self.bill_fault = ""
        self.prepaid: dict[str, str] = {}
        self._h5: dict[str, tuple[str, float]] = {}
        self._nonces: set[str] = set()
        self._codes: dict[str, str] = {}
        self._bill_urls: dict[str, tuple[str, float]] = {}
        self._numbers = 0

    @property
    def public_key(self) -> str:
        return self.key.public_key().export_key().decode()

    @property
    def merchant_private_key(self) -> str:
        return self.merchant_key.export_key(pkcs=8).decode()

    def add_certificate(self) -> tuple[str, str]:
        """Make a platform certificate; return its serial number and its PEM."""
        with self.lock, tempfile.TemporaryDirectory() as folder:
            serial, key, pem = secrets.token_hex(20).upper(), Path(folder, "key"), Path(folder, "pem")
            serial = "5" + serial[1:]
            command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=Tenpay.com sign",
                       "-days", "1825", "-set_serial", f"0x{serial}", "-keyout", str(key), "-out", str(pem)]  # fmt: skip
            subprocess.run(command, check=True, capture_output=True)
            self.certificates[serial] = (pem.read_text(), RSA.import_key(key.read_text()))
            self.hands_out.append(serial)
            return serial, pem.read_text()

    # -- what people do ------------------------------------------------------------------------------------------
    def scan(self, text: str) -> Trade:
        """Scan a code and pay."""
        return self.pay(self.prepaid[dict(parse_qsl(urlsplit(text).query))["pr"]])

    def press(self, parameters: dict[str, str]) -> Trade:
        """What WeixinJSBridge does with the page's parameters when the buyer agrees."""
        if set(parameters) != {"appId", "timeStamp", "nonceStr", "package", "signType", "paySign"}:
            raise ValueError(f"get_brand_wcpay_request:fail {sorted(parameters)}")
        text = "".join(f"{parameters[name]}\n" for name in ("appId", "timeStamp", "nonceStr", "package"))
        right = is_signed(self.merchant_key.public_key(), text.encode(), parameters["paySign"])
        if not right or parameters["appId"] != self.app_id or parameters["signType"] != "RSA":
            raise ValueError("get_brand_wcpay_request:fail signature")
        return self.pay(self.prepaid[parameters["package"].removeprefix("prepay_id=")])

    def pay(self, order_no: str) -> Trade:
        """Pay an order; the notice is queued as `hostile` says."""
        with self.lock:
            trade = self.trades[order_no]
            if trade.state != "NOTPAY" or self.clock() >= _epoch(trade.told["time_expire"]):
                raise ValueError(f"this order is {trade.state}, or has expired")
            trade.state, trade.paid_at, trade.transaction_id = "SUCCESS", self.clock(), self._number("4200")
            self.ground_truth.append(Moved("paid", order_no, trade.transaction_id, trade.total_fen, trade.paid_at))
            self._notify_paid(trade)
            return trade

    def end_refund(self, number: str, status: str = "SUCCESS") -> None:
        """A refund ends, well or not; a notice says it."""
        with self.lock:
            trade, refund = self._refund(number)
            if status == "SUCCESS":
                refund.done_at = self.clock()
                self.ground_truth.append(
                    Moved("refunded", trade.told["out_trade_no"], number, refund.fen, refund.done_at)
                )
            refund.status = status
            self._notify_refund(trade, refund)

    def console_refund(self, order_no: str, fen: int) -> str:
        """The merchant pays back in WeChat's console, which makes up a number; return WeChat's own."""
        trade = self.trades[order_no]
        refund = Refund(self._number("console"), self._number("5030"), fen, self.clock(), trade.told["notify_url"])
        trade.refunds[refund.number], trade.state = refund, "REFUND"
        self.end_refund(refund.number)
        return refund.refund_id

    def work(self) -> None:
        with self.lock:
            waiting = [one.number for trade in self.trades.values() for one in trade.refunds.values()
                       if one.status == "PROCESSING"]  # fmt: skip
            for number in waiting:
                self.end_refund(number)

    # -- notices -------------------------------------------------------------------------------------------------
    def is_right(self, status: int, body: bytes) -> bool:
        return status in (200, 204)

    def transaction(self, trade: Trade, **changes) -> dict:
        """What is told of an order."""
        told = {
            "appid": self.app_id,
            "mchid": self.mch_id,
            "out_trade_no": trade.told["out_trade_no"],
            "trade_state": trade.state,
            "trade_state_desc": trade.state,
        }
        if trade.transaction_id:
            told |= {
                "transaction_id": trade.transaction_id,
                "trade_type": _TYPES[trade.kind],
                "bank_type": "OTHERS",
                "success_time": _rfc(trade.paid_at),
                "payer": {"openid": trade.open_id},
                "amount": {
                    "total": trade.total_fen,
                    "payer_total": max(1, trade.total_fen - 100),  # WeChat gives a coupon
                    "currency": "CNY",
                    "payer_currency": "CNY",
                },
            }
        return {**told, **changes}

    def notice(self, event: str, original: str, told: dict, *, event_id: str = "", api_key: str = "") -> bytes:
        """Encrypt what is told, and wrap it."""
        nonce = secrets.token_hex(6)
        cipher = AES.new((api_key or self.api_key).encode(), AES.MODE_GCM, nonce=nonce.encode())
        cipher.update(original.encode())
        text, tag = cipher.encrypt_and_digest(as_json(told))
        return as_json(
            {
                "id": event_id or self._number("EV-"),
                "create_time": _rfc(self.clock()),
                "resource_type": "encrypt-resource",
                "event_type": event,
                "summary": "支付成功",
                "resource": {
                    "original_type": original,
                    "algorithm": "AEAD_AES_256_GCM",
                    "ciphertext": b64encode(text + tag).decode(),
                    "associated_data": original,
                    "nonce": nonce,
                },
            }
        )

    def signed(self, body: bytes, *, age_s: float = 0, **changes: str) -> dict[str, str]:
        """Headers that sign a body; `serial` and `key` say as whom, by `signs_with` unless given."""
        serial, key = self._signer()
        stamp, nonce = str(int(self.clock() - age_s)), secrets.token_hex(16)
        headers = {
            "Wechatpay-Timestamp": stamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Serial": serial,
            "Wechatpay-Signature": sign(key, f"{stamp}\n{nonce}\n".encode() + body + b"\n"),
            "Wechatpay-Signature-Type": _SCHEME,
            "Content-Type": "application/json",
        }
        return {**headers, **changes}

    def forged(self, body: bytes, *, serial: str = "") -> dict[str, str]:
        """Headers that a stranger signs."""
        headers = self.signed(body)
        text = f"{headers['Wechatpay-Timestamp']}\n{headers['Wechatpay-Nonce']}\n".encode() + body + b"\n"
        headers["Wechatpay-Signature"] = sign(self.stranger, text)
        headers["Wechatpay-Serial"] = serial or headers["Wechatpay-Serial"]
        return headers

    def probe(self, body: bytes) -> dict[str, str]:
        headers = self.signed(body)
        return {**headers, "Wechatpay-Signature": "WECHATPAY/SIGNTEST/" + headers["Wechatpay-Signature"]}

    def _signer(self) -> tuple[str, RSA.RsaKey]:
        by_certificate = self.signs_with == "certificate" or (self.signs_with == "mixed" and self.random.random() < 0.5)
        if by_certificate and self.certificates:
            serial = list(self.certificates)[-1]
            return serial, self.certificates[serial][1]
        return self.public_key_id, self.key

    def _notify_paid(self, trade: Trade) -> None:
        order_no = trade.told["out_trade_no"]
        mode = self.hostile.get(order_no, "")
        told, event_id = self.transaction(trade), self._number("EV-")

        def body(**changes) -> bytes:
            return self.notice("TRANSACTION.SUCCESS", "transaction", {**told, **changes}, event_id=event_id)

        bad = {
            "forged": lambda sent: (self.forged(sent), sent),
            "unknown_serial": lambda sent: (self.forged(sent, serial=secrets.token_hex(20).upper()), sent),
            "signtest": lambda sent: (self.probe(sent), sent),
            "stale": lambda sent: (self.signed(sent, age_s=301), sent),
            "future": lambda sent: (self.signed(sent, age_s=-302), sent),
            "flipped": lambda sent: (self.signed(sent), sent.replace(b"TRANSACTION", b"TRANSACTIOM")),
            "unsigned": lambda sent: ({"Content-Type": "application/json"}, sent),
        }
        if mode in bad:
            self._send(trade, lambda: bad[mode](body()), once=True)
        if mode == "other_app":
            self._send(trade, lambda: self._with(body(appid="wx0000000000000000")), once=True)
        if mode == "other_merchant":
            self._send(trade, lambda: self._with(body(mchid="1999999999")), once=True)
        if mode == "lost":
            return
        for _ in range({"twice": 2, "eight_times": 8}.get(mode, 1)):
            self._send(trade, lambda: self._with(body()), late=86400 if mode == "late" else 0)

    def _notify_refund(self, trade: Trade, refund: Refund) -> None:
        told = {
            "mchid": self.mch_id,
            "out_trade_no": trade.told["out_trade_no"],
            "transaction_id": trade.transaction_id,
            "out_refund_no": refund.number,
            "refund_id": refund.refund_id,
            "refund_status": refund.status,
            "user_received_account": "支付用户零钱",
            "amount": {"total": trade.total_fen, "refund": refund.fen, "payer_total": trade.total_fen,
                       "payer_refund": refund.fen},
        }  # fmt: skip
        if refund.done_at:
            told["success_time"] = _rfc(refund.done_at)
        event_id = self._number("EV-")
        kind = f"REFUND.{refund.status}"
        self.queue(
            Notice(
                trade.told["out_trade_no"],
                refund.notify_url,
                lambda: self._with(self.notice(kind, "refund", told, event_id=event_id)),
                self.clock(),
            )
        )

    def _with(self, body: bytes) -> tuple[dict[str, str], bytes]:
        return self.signed(body), body

    def _send(self, trade: Trade, make, late: float = 0, once: bool = False) -> None:
        due_at = self.clock() + late / self.compress
        tries = len(self.SCHEDULE) if once else 0
        self.queue(Notice(trade.told["out_trade_no"], trade.told["notify_url"], make, due_at, tries=tries))

    # -- being asked ---------------------------------------------------------------------------------------------
    def handle(self, request: Request) -> Reply:
        if request.path.startswith("/v3/"):
            return self._api(request)
        if request.path == "/h5":
            return self._page(request)
        if request.path == "/scan" and request.method == "POST":
            self.scan(request.arguments()["code"])
            return Reply(200, b"{}")
        if request.path == "/connect/oauth2/authorize":
            return self._authorize(request)
        if request.path == "/sns/oauth2/access_token":
            return self._open_id(request)
        if request.path == "/bill":
            return self._bill_file(request)
        return Reply(404)

    def _api(self, request: Request) -> Reply:
        wrong = self._who(request)
        if wrong:
            return _error(401, "SIGN_ERROR", wrong)
        name = self._call(request)
        fault = self.fault(name)
        if fault == "502":
            return Reply(502, b"<html>bad gateway</html>")
        if fault in ("SYSTEM_ERROR", "BANK_ERROR"):
            return _error(500, fault, "busy")
        if fault == "FREQUENCY_LIMITED":
            return _error(429, fault, "slower")
        if fault.isupper() and fault:
            return _error(403, fault, fault)
        reply = self._answer(name, request)
        if reply.status not in (200, 204):
            return reply
        if fault == "lost":
            return Reply(502, b"")
        if fault == "other_order":
            reply.body = reply.body.replace(b'"out_trade_no":"P', b'"out_trade_no":"Q')
        if fault == "doubled_key":
            reply.body = reply.body.replace(b'{"', b'{"trade_state":"CLOSED","', 1)
        makes = {"forged": self.forged, "signtest": self.probe, "stale": lambda body: self.signed(body, age_s=400)}
        headers = {} if fault == "unsigned" else makes.get(fault, self.signed)(reply.body)
        if reply.status == 204:
            headers.pop("Content-Type", None)
        if fault == "half":
            return Reply(200, reply.body[: len(reply.body) // 2], headers, half=True)
        return Reply(reply.status, reply.body, headers, wait_seconds=30 if fault == "hang" else 0)

    def _who(self, request: Request) -> str:
        """Return what is wrong with who asks; "" where nothing is."""
        scheme, _, rest = request.headers.get("authorization", "").partition(" ")
        told = dict(re.findall(r'(\w+)="([^"]*)"', rest))
        if scheme != _SCHEME or set(told) != {"mchid", "nonce_str", "signature", "timestamp", "serial_no"}:
            return "authorization"
        path = f"{request.path}?{request.query}" if request.query else request.path
        text = f"{request.method}\n{path}\n{told['timestamp']}\n{told['nonce_str']}\n".encode() + request.body + b"\n"
        if not is_signed(self.merchant_key.public_key(), text, told["signature"]):
            return "signature"
        if told["mchid"] != self.mch_id or told["serial_no"] != self.merchant_serial:
            return "mchid or serial_no"
        if abs(self.clock() - int(told["timestamp"])) > 300 or not 16 <= len(told["nonce_str"]) <= 32:
            return "timestamp or nonce_str"
        if told["nonce_str"] in self._nonces:
            return "nonce_str was used before"
        self._nonces.add(told["nonce_str"])
        wanted = {"accept": "application/json", "content-type": "application/json"}
        if any(request.headers.get(name) != value for name, value in wanted.items()):
            return "accept or content-type"
        if not request.headers.get("user-agent"):
            return "user-agent"
        asked = request.headers.get("wechatpay-serial", "")
        return "" if asked in ("", self.public_key_id, *self.certificates) else "Wechatpay-Serial"

    def _call(self, request: Request) -> str:
        path = request.path
        if path.startswith("/v3/pay/transactions/out-trade-no/"):
            return "close" if path.endswith("/close") else "query"
        if path.startswith("/v3/pay/transactions/"):
            return path.rsplit("/", 1)[1]
        if path.startswith("/v3/refund/domestic/refunds"):
            return "refund" if request.method == "POST" else "refund_query"
        return {"/v3/certificates": "certificates", "/v3/bill/tradebill": "bill"}.get(path, "")

    def _answer(self, name: str, request: Request) -> Reply:
        if name in _TYPES:
            return self._order(name, json.loads(request.body))
        if name in ("query", "close"):
            return self._query(name, request)
        if name == "refund":
            return self._refund_asked(json.loads(request.body))
        if name == "refund_query":
            found = self._refund(request.path.rsplit("/", 1)[1])
            return _error(404, "RESOURCE_NOT_EXISTS", "?") if found is None else self._refund_told(*found)
        if name == "certificates":
            return Reply(200, as_json({"data": [self._certificate(one) for one in self.hands_out]}))
        if name == "bill":
            return self._bill(request)
        return _error(404, "NOT_FOUND", request.path)

    def _order(self, kind: str, told: dict) -> Reply:
        wrong = self._wrong_order(kind, told)
        if wrong:
            return _error(400, "PARAM_ERROR", wrong)
        order_no = told["out_trade_no"]
        trade = self.trades.get(order_no)
        if trade is None:
            trade = self.trades[order_no] = Trade(told, kind, self.clock())
            trade.open_id = told.get("payer", {}).get("openid", trade.open_id)
        elif {**trade.told, "scene_info": 0} != {**told, "scene_info": 0} or trade.kind != kind:
            return _error(403, "OUT_TRADE_NO_USED", "商户订单号重复")
        if trade.state == "CLOSED":
            return _error(400, "ORDER_CLOSED", "订单已关闭")
        if trade.state != "NOTPAY":
            return _error(400, "INVALID_REQUEST", "该订单已支付")
        prepay_id = self._number("wx")
        self.prepaid[prepay_id] = order_no
        if kind == "native":
            return Reply(200, as_json({"code_url": f"weixin://wxpay/bizpayurl?pr={prepay_id}"}))
        if kind == "jsapi":
            return Reply(200, as_json({"prepay_id": prepay_id}))
        self._h5[prepay_id] = (order_no, self.clock() + 300)
        return Reply(200, as_json({"h5_url": f"{self.url}/h5?prepay_id={prepay_id}"}))

    def _wrong_order(self, kind: str, told: dict) -> str:
        if told.get("appid") != self.app_id or told.get("mchid") != self.mch_id:
            return "appid, mchid"
        if not re.fullmatch(r"[0-9A-Za-z_\-|*]{6,32}", told.get("out_trade_no", "")):
            return "out_trade_no"
        if not 0 < len(told.get("description", "")) <= 127:
            return "description"
        if type(told["amount"]["total"]) is not int or told["amount"]["total"] <= 0:
            return "amount.total"
        if told["amount"].get("currency") != "CNY":
            return "amount.currency"
        url = urlsplit(told.get("notify_url", ""))
        if url.query or len(told["notify_url"]) > 255 or (url.scheme != "https" and url.hostname != "127.0.0.1"):
            return "notify_url"
        if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00", told.get("time_expire", "")):
            return "time_expire"
        if kind == "h5" and not re.fullmatch(r"[0-9a-f.:]{3,45}", told["scene_info"]["payer_client_ip"]):
            return "scene_info.payer_client_ip"
        if kind == "jsapi" and not told.get("payer", {}).get("openid", "").startswith("o"):
            return "payer.openid"
        return ""

    def _query(self, name: str, request: Request) -> Reply:
        order_no = request.path.removeprefix("/v3/pay/transactions/out-trade-no/").removesuffix("/close")
        trade = self.trades.get(order_no)
        asked = request.arguments() if name == "query" else json.loads(request.body)
        if asked.get("mchid") != self.mch_id:
            return _error(400, "PARAM_ERROR", "mchid")
        if trade is None:
            return _error(404, "ORDER_NOT_EXIST", "订单不存在")
        if name == "query":
            return Reply(200, as_json(self.transaction(trade)))
        if trade.state in ("SUCCESS", "REFUND"):
            return _error(400, "INVALID_REQUEST", "该订单已支付")
        trade.state = "CLOSED"
        return Reply(204)

    def _refund_asked(self, told: dict) -> Reply:
        number, fen = told["out_refund_no"], told["amount"]["refund"]
        trade = next((one for one in self.trades.values() if one.transaction_id == told["transaction_id"]), None)
        if trade is None:
            return _error(404, "RESOURCE_NOT_EXISTS", "订单不存在")
        if not re.fullmatch(r"[0-9A-Za-z_\-|*@]{1,64}", number) or not 0 < len(told["reason"].encode()) <= 80:
            return _error(400, "PARAM_ERROR", "out_refund_no, reason")
        if type(fen) is not int or told["amount"]["total"] != trade.total_fen or told["amount"]["currency"] != "CNY":
            return _error(400, "PARAM_ERROR", "amount")
        if (known := trade.refunds.get(number)) is not None:
            if known.fen != fen:
                return _error(400, "INVALID_REQUEST", "退款单号重复，金额不一致")
            return self._refund_told(trade, known)
        if sum(one.fen for one in trade.refunds.values() if one.status != "CLOSED") + fen > trade.total_fen:
            return _error(400, "INVALID_REQUEST", "申请退款金额超出")
        refund = Refund(number, self._number("5030"), fen, self.clock(), told["notify_url"])
        trade.refunds[number], trade.state = refund, "REFUND"
        return self._refund_told(trade, refund)

    def _refund_told(self, trade: Trade, refund: Refund) -> Reply:
        told = {
            "refund_id": refund.refund_id,
            "out_refund_no": refund.number,
            "transaction_id": trade.transaction_id,
            "out_trade_no": trade.told["out_trade_no"],
            "status": refund.status,
            "create_time": _rfc(refund.at),
            "amount": {"total": trade.total_fen, "refund": refund.fen, "currency": "CNY"},
        }
        return Reply(200, as_json({**told, **({"success_time": _rfc(refund.done_at)} if refund.done_at else {})}))

    def _refund(self, number: str) -> tuple[Trade, Refund] | None:
        return next(((one, one.refunds[number]) for one in self.trades.values() if number in one.refunds), None)

    def _certificate(self, serial: str) -> dict:
        nonce = secrets.token_hex(6)
        cipher = AES.new(self.api_key.encode(), AES.MODE_GCM, nonce=nonce.encode())
        cipher.update(b"certificate")
        text, tag = cipher.encrypt_and_digest(self.certificates[serial][0].encode())
        return {
            "serial_no": serial,
            "effective_time": _rfc(self.clock() - 86400),
            "expire_time": _rfc(self.clock() + 5 * 365 * 86400),
            "encrypt_certificate": {
                "algorithm": "AEAD_AES_256_GCM",
                "nonce": nonce,
                "associated_data": "certificate",
                "ciphertext": b64encode(text + tag).decode(),
            },
        }

    # -- pages ---------------------------------------------------------------------------------------------------
    def _page(self, request: Request) -> Reply:
        told = request.arguments()
        order_no, until = self._h5.get(told["prepay_id"], ("", 0.0))
        if request.method == "POST":
            if dict(parse_qsl(request.body.decode())).get("action") == "pay":
                self.pay(order_no)
            return Reply(302, b"", {"location": told["redirect_url"]})
        if not request.headers.get("referer"):
            return Reply(200, "<html><body>商家参数格式有误，请联系商家解决</body></html>".encode())
        if self.clock() >= until:
            return Reply(200, "<html><body>支付已过期</body></html>".encode())
        buttons = "".join(f'<button name="action" value="{one}" id="{one}">{one}</button>' for one in ("pay", "leave"))
        back = quote(told.get("redirect_url", ""), safe="")
        html = (
            f'<form method="post" action="/h5?prepay_id={told["prepay_id"]}&amp;redirect_url={back}">{buttons}</form>'
        )
        return Reply(200, f"<html><body>{html}</body></html>".encode(), {"content-type": "text/html; charset=utf-8"})

    def _authorize(self, request: Request) -> Reply:
        told = request.arguments()
        if told["appid"] != self.app_id or told["scope"] != "snsapi_base" or told["response_type"] != "code":
            return Reply(400)
        code = self._number("071")
        self._codes[code] = f"o{secrets.token_hex(13)}"
        return Reply(302, b"", {"location": f"{told['redirect_uri']}?code={code}&state={quote(told['state'])}"})

    def _open_id(self, request: Request) -> Reply:
        told = request.arguments()
        open_id = self._codes.pop(told["code"], "")
        if told["appid"] != self.app_id or told["secret"] != self.app_secret or not open_id:
            return Reply(200, as_json({"errcode": 40029, "errmsg": "invalid code"}))
        return Reply(200, as_json({"access_token": "t", "expires_in": 7200, "openid": open_id, "scope": "snsapi_base"}))

    # -- bills ---------------------------------------------------------------------------------------------------
    def _bill(self, request: Request) -> Reply:
        asked = parse_qs(request.query)
        if asked["bill_type"] != ["ALL"] or asked["tar_type"] != ["GZIP"]:
            return _error(400, "PARAM_ERROR", "bill_type, tar_type")
        if self.bill_fault == "none":
            return _error(400, "NO_STATEMENT_EXIST", "账单文件不存在")
        (day,) = asked["bill_date"]
        data = self.bill(day)
        token = self._number("b")
        self._bill_urls[token] = (day, self.clock() + 30)
        digest = hashlib.sha1(data + (b"x" if self.bill_fault == "hash" else b"")).hexdigest()
        told = {"hash_type": "SHA1", "hash_value": digest, "download_url": f"{self.url}/bill?token={token}"}
        return Reply(200, as_json(told))

    def _bill_file(self, request: Request) -> Reply:
        if self._who(request):
            return _error(401, "SIGN_ERROR", "bill")
        day, until = self._bill_urls.pop(request.arguments()["token"], ("", 0.0))
        if self.clock() >= until:
            return _error(400, "INVALID_REQUEST", "expired")
        return Reply(200, gzip.compress(self.bill(day)))

    def bill(self, day: str) -> bytes:
        """Write the bill of a day; `bill_fault` is missing, extra, amount, sums, hash or none."""
        rows, sums = [], [0, 0, 0, 0]  # rows, paid, back, fees in 1/100000 yuan
        for trade in self.trades.values():
            order_no = trade.told["out_trade_no"]
            if trade.paid_at and _text(trade.paid_at)[:10] == day:
                fen = trade.total_fen + (1 if self.bill_fault == "amount" else 0)
                rows.append(self._row(trade, _text(trade.paid_at), order_no, fen, None))
            for refund in trade.refunds.values():
                if _text(refund.at)[:10] == day:
                    rows.append(self._row(trade, _text(refund.at), order_no, 0, refund))
        if self.bill_fault == "missing":
            rows = rows[1:]
        for _line, paid, back, fee in rows:
            sums = [sums[0] + 1, sums[1] + paid, sums[2] + back, sums[3] + fee]
        if self.bill_fault == "sums":
            sums[1] += 1
        head = (
            "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
            "应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,"
            "手续费,费率,订单金额,申请退款金额,费率备注"
        )
        foot = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
        totals = [str(sums[0]), _yuan(sums[1]), _yuan(sums[2]), "0.00", _long(sums[3]), _yuan(sums[1]), _yuan(sums[2])]
        lines = [head, *(row[0] for row in rows), foot, ",".join(f"`{one}" for one in totals)]
        return ("\ufeff" + "\r\n".join(lines) + "\r\n").encode()

    def _row(self, trade: Trade, at: str, order_no: str, paid: int, refund: Refund | None):
        fee = (paid if refund is None else -refund.fen) * 6  # 0.6 %, in 1/100000 yuan
        back = refund.fen if refund else 0
        cells = [
            at, self.app_id, self.mch_id, "0", "", trade.transaction_id, order_no, trade.open_id, _TYPES[trade.kind],
            "REFUND" if refund else "SUCCESS", "OTHERS", "CNY", _yuan(paid), "0.00",
            refund.refund_id if refund else "0", refund.number if refund else "0", _yuan(back), "0.00",
            "ORIGINAL" if refund else "", refund.status if refund else "", f"{trade.told['description']}, a comma", "",
            _long(fee), "0.60%", _yuan(paid), _yuan(back), "",
        ]  # fmt: skip
        return ",".join(f"`{one}" for one in cells), paid, back, fee

    def _number(self, prefix: str) -> str:
        self._numbers += 1
        return f"{prefix}{int(self.clock())}{self._numbers:012d}"


def _error(status: int, code: str, words: str) -> Reply:
    return Reply(status, as_json({"code": code, "message": words, "detail": {}}), {"content-type": "application/json"})


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"


def _long(parts: int) -> str:
    return f"{'-' if parts < 0 else ''}{abs(parts) // 100000}.{abs(parts) % 100000:05d}"


def _text(epoch: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(epoch + _SHANGHAI_S))


def _rfc(epoch: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S+08:00", time.gmtime(epoch + _SHANGHAI_S))


def _epoch(text: str) -> float:
    return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%S+08:00")) - _SHANGHAI_S
