"""WeChat Pay as a Gateway."""

import logging
import secrets
from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any
from urllib.parse import quote

from billing.domain.months import SHANGHAI
from billing.errors import BadNotice, GatewayRefused, GatewayUnavailable
from billing.gateways import strict_json
from billing.gateways.protocol import (
    Answer,
    Bill,
    BillRow,
    Bridge,
    Device,
    Fact,
    FactKind,
    Method,
    Order,
    Qr,
    Redirect,
    RefundOrder,
    RefundResult,
    RefundStatus,
    Start,
)
from billing.gateways.wechat.bills import read_bill
from billing.gateways.wechat.client import WechatClient
from billing.gateways.wechat.reading import (
    PROVIDER,
    closed,
    fen,
    read_refund,
    read_refund_answer,
    read_transaction,
    text,
)
from billing.gateways.wechat.signing import NotSigned, bridge_parameters, decrypt, verify
from kernel.errors import PlatformError

log = logging.getLogger(__name__)

PRODUCTS = ("native", "h5", "jsapi")
MAX_BODY = 64 * 1024
_NOT_ORDERED = ("ORDER_NOT_EXIST", "ORDERNOTEXIST", "RESOURCE_NOT_EXISTS", "NOT_FOUND")
_OFFERED = {
    Device.COMPUTER: ("native", Method.QR),
    Device.PHONE: ("h5", Method.PAGE),
    Device.WECHAT: ("jsapi", Method.BRIDGE),
}


class WechatGateway:
    """One merchant's WeChat Pay.

    Args:
        app_id: of the official account (or mini programme) that the merchant number is bound to.
        products: of PRODUCTS, what the merchant has permission for.
    """

    name = PROVIDER
    bills = True

    def __init__(self, client: WechatClient, *, app_id: str, products: Collection[str] = PRODUCTS) -> None:
        self.client = client
        self._app_id = app_id
        self._products = products

    def methods(self, device: Device) -> tuple[Method, ...]:
        product, method = _OFFERED[device]
        return (method,) if product in self._products else ()

    def start(self, order: Order, method: Method, now: datetime) -> Start:
        """Order it at WeChat. The same again gives a fresh code or address for the same order."""
        body: dict[str, Any] = {
            "appid": self._app_id,
            "mchid": self.client.mch_id,
            "description": order.title[:127],
            "out_trade_no": order.order_no,
            "time_expire": order.expires_at.astimezone(SHANGHAI).isoformat(timespec="seconds"),
            "notify_url": order.notify_url,
            "amount": {"total": order.due_fen, "currency": order.currency},
        }
        if method == Method.QR:
            return Qr(self._ordered("native", body, "code_url", now))
        if method == Method.PAGE:
            body["scene_info"] = {"payer_client_ip": order.client_ip, "h5_info": {"type": "Wap"}}
            url = self._ordered("h5", body, "h5_url", now)
            return Redirect(f"{url}&redirect_url={quote(order.return_url, safe='')}")
        if not order.open_id:
            raise GatewayRefused("who pays is not known at WeChat", provider=PROVIDER, provider_code="no_open_id")
        prepay_id = self._ordered("jsapi", {**body, "payer": {"openid": order.open_id}}, "prepay_id", now)
        parameters = bridge_parameters(
            app_id=self._app_id, prepay_id=prepay_id, key=self.client.key, now=now, nonce=secrets.token_hex(16)
        )
        return Bridge(parameters)

    def read_notice(self, *, headers: Mapping[str, str], body: bytes, now: datetime) -> tuple[Fact, ...]:
        """Return what a notice says. An unknown serial number is refused without asking anybody for its key."""
        if len(body) > MAX_BODY:
            raise BadNotice(f"the notice has {len(body)} bytes; {MAX_BODY} are the most")
        try:
            verify(headers=headers, body=body, keys=self.client.known_keys(now), now=now)
        except NotSigned as error:
            raise BadNotice(f"the notice is refused: {error}") from None
        try:
            return self._facts(strict_json.read_object(body), now)
        except (ValueError, KeyError, TypeError) as error:
            raise BadNotice(f"the notice cannot be read: {error}") from None

    def answer(self, error: PlatformError | None) -> Answer:
        """Return nothing with 204, or a refusal: 401 for what is not WeChat's, as its probes expect."""
        if error is None:
            return Answer(204)
        status = 401 if isinstance(error, BadNotice) else max(400, error.http_status)
        words = error.message.replace("\\", "").replace('"', "'")[:200]
        return Answer(status, f'{{"code":"FAIL","message":"{words}"}}'.encode(), "application/json")

    def query(self, order_no: str, now: datetime, *, kept: str = "") -> tuple[Fact, ...]:
        """Ask for an order; one that WeChat does not know is not paid yet."""
        try:
            told = self.client.call("GET", self._order_path(order_no, f"?mchid={self.client.mch_id}"), now)
        except GatewayRefused as error:
            if error.fields["provider_code"] in _NOT_ORDERED:
                return ()
            raise
        try:
            self._is_ours(told)
            if told["out_trade_no"] != order_no:
                raise ValueError("it is about another order")
            fact = read_transaction(told, now)
        except (ValueError, KeyError, TypeError) as error:
            raise GatewayUnavailable(f"an answer of WeChat cannot be used: {error}", provider=PROVIDER) from None
        return (fact,) if fact is not None else ()

    def close(self, order_no: str, now: datetime, *, kept: str = "") -> tuple[Fact, ...]:
        """Close an order, and ask once more: somebody may have paid in the same second."""
        try:
            self.client.call("POST", self._order_path(order_no, "/close"), now, {"mchid": self.client.mch_id})
        except GatewayRefused as error:
            if error.fields["provider_code"] in _NOT_ORDERED:
                return ()
            if found := self.query(order_no, now):
                return found
            raise
        return self.query(order_no, now) or (closed(order_no, now),)

    def refund(self, refund: RefundOrder, now: datetime) -> RefundResult:
        """Ask WeChat to pay back; it takes the request, and tells later what became of it."""
        body = {
            "transaction_id": refund.transaction_id,
            "out_refund_no": refund.refund_no,
            "reason": refund.reason.encode()[:80].decode(errors="ignore"),
            "notify_url": refund.notify_url,
            "amount": {"refund": refund.amount_fen, "total": refund.paid_fen, "currency": refund.currency},
        }
        return self._refund_result(self.client.call("POST", "/v3/refund/domestic/refunds", now, body), refund, now)

    def query_refund(self, refund: RefundOrder, now: datetime) -> RefundResult:
        """Ask what became of a refund; one that WeChat does not know may be sent again."""
        try:
            told = self.client.call("GET", f"/v3/refund/domestic/refunds/{quote(refund.refund_no, safe='')}", now)
        except GatewayRefused as error:
            if error.fields["provider_code"] in _NOT_ORDERED:
                return RefundResult(RefundStatus.UNKNOWN)
            raise
        return self._refund_result(told, refund, now)

    def bill(self, day: date, now: datetime) -> Bill | None:
        """Fetch the bill of a day, from 10:00 of the next one; refunds that had not ended in it are asked for."""
        query = f"?bill_date={day.isoformat()}&bill_type=ALL&tar_type=GZIP"
        try:
            told = self.client.call("GET", f"/v3/bill/tradebill{query}", now)
        except GatewayRefused as error:
            if error.fields["provider_code"] == "NO_STATEMENT_EXIST":
                return None
            raise
        try:
            if told["hash_type"] != "SHA1":
                raise ValueError(f"its hash is by {told['hash_type']!r}")
            url, sha1 = str(told["download_url"]), str(told["hash_value"])
        except (ValueError, KeyError) as error:
            raise GatewayUnavailable(f"the bill's address cannot be read: {error}", provider=PROVIDER) from None
        read = read_bill(self.client.download(url, now), sha1=sha1, day=day)  # at once: it lives for minutes
        ended = tuple(row for row, number in read.undecided if self._has_ended(row, number, now))
        bill = read.bill
        return Bill(day=bill.day, rows=(*bill.rows, *ended), digest=bill.digest, fees_fen=bill.fees_fen)

    def refresh(self, now: datetime) -> int:
        """Fetch the platform certificates if an hour is over; return how many came."""
        return self.client.refresh(now)

    def _facts(self, notice: Mapping[str, Any], now: datetime) -> tuple[Fact, ...]:
        kind, resource = notice["event_type"], notice["resource"]
        if kind == "TRANSACTION.SUCCESS":
            told = strict_json.read_object(decrypt(resource, self.client.api_key))
            self._is_ours(told)
            fact = read_transaction(told, now, text(notice, "id"))
            return (fact,) if fact is not None and fact.kind == FactKind.PAID else ()
        if str(kind).startswith("REFUND."):
            told = strict_json.read_object(decrypt(resource, self.client.api_key))
            self._is_ours({"appid": self._app_id, **told})  # refunds are told without one
            fact = read_refund(told, now, text(notice, "id"))
            return (fact,) if fact is not None else ()
        return ()

    def _ordered(self, product: str, body: Mapping[str, Any], field: str, now: datetime) -> str:
        told = self.client.call("POST", f"/v3/pay/transactions/{product}", now, body)
        found = told.get(field)
        if not isinstance(found, str) or not found:
            raise GatewayUnavailable(f"an answer of WeChat has no {field}", provider=PROVIDER)
        return found

    def _order_path(self, order_no: str, rest: str) -> str:
        return f"/v3/pay/transactions/out-trade-no/{quote(order_no, safe='')}{rest}"

    def _is_ours(self, told: Mapping[str, Any]) -> None:
        if told["appid"] != self._app_id:
            raise ValueError(f"it is for the app {str(told['appid'])[:32]!r}, not ours")
        if told["mchid"] != self.client.mch_id:
            raise ValueError(f"it is for the merchant {str(told['mchid'])[:32]!r}, not us")

    def _refund_result(self, told: Mapping[str, Any], refund: RefundOrder, now: datetime) -> RefundResult:
        try:
            if told["out_refund_no"] != refund.refund_no or told["out_trade_no"] != refund.order_no:
                raise ValueError("it is about another refund")
            if (back := fen(told["amount"], "refund")) != refund.amount_fen:
                raise ValueError(f"it says {back} fen, and {refund.amount_fen} were asked for")
            return read_refund_answer(told, now)
        except (ValueError, KeyError, TypeError) as error:
            raise GatewayUnavailable(f"an answer of WeChat cannot be used: {error}", provider=PROVIDER) from None

    def _has_ended(self, row: BillRow, number: str, now: datetime) -> bool:
        told = self.client.call("GET", f"/v3/refund/domestic/refunds/{quote(number, safe='')}", now)
        return told.get("status") == "SUCCESS" and told.get("out_refund_no") == number
