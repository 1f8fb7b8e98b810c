"""Alipay as a Gateway."""

from collections.abc import Collection, Mapping
from datetime import date, datetime

from billing.errors import BadNotice, GatewayRefused, GatewayUnavailable
from billing.gateways.alipay.bills import read_bill
from billing.gateways.alipay.client import NOT_EXIST, AlipayClient
from billing.gateways.alipay.reading import PROVIDER, ToldRefund, closed, read_fields, read_trade, refund_fact
from billing.gateways.alipay.signing import read_form
from billing.gateways.protocol import (
    Answer,
    Bill,
    Device,
    Fact,
    Method,
    Order,
    Qr,
    Redirect,
    RefundOrder,
    RefundResult,
    RefundStatus,
    Start,
)
from billing.gateways.texts import fen_of, shanghai_instant, shanghai_text, yuan_text
from kernel.errors import PlatformError

PRODUCTS = ("qr", "page", "wap")
_ASK = ("ACQ.TRADE_STATUS_ERROR", "ACQ.REASON_TRADE_STATUS_INVALID", "ACQ.TRADE_HAS_SUCCESS", "ACQ.TRADE_HAS_FINISHED")


class AlipayGateway:
    """One merchant's Alipay.

    Args:
        products: of PRODUCTS, what the merchant's contract has.
        qr_product: FACE_TO_FACE_PAYMENT or QR_CODE_OFFLINE, as the contract says.
    """

    name = PROVIDER
    bills = True

    def __init__(
        self,
        client: AlipayClient,
        *,
        seller_id: str,
        products: Collection[str] = PRODUCTS,
        qr_product: str = "FACE_TO_FACE_PAYMENT",
    ) -> None:
        self.client = client
        self._seller_id = seller_id
        self._products = products
        self._qr_product = qr_product

    def methods(self, device: Device) -> tuple[Method, ...]:
        """Return the code first on a computer; none inside WeChat, which lets no page of Alipay's open."""
        if device == Device.WECHAT:
            return ()
        if device == Device.PHONE:
            return (Method.PAGE,) if "wap" in self._products else ()
        offered = (("qr", Method.QR), ("page", Method.PAGE))
        return tuple(method for product, method in offered if product in self._products)

    def start(self, order: Order, method: Method, now: datetime) -> Start:
        """Return the code to scan, or the signed address of Alipay's page; of a page Alipay knows nothing yet."""
        _is_cny(order.currency)
        biz = {
            "out_trade_no": order.order_no,
            "total_amount": yuan_text(order.due_fen),
            "subject": order.title[:256],
            "time_expire": shanghai_text(order.expires_at),
        }
        if method == Method.QR:
            asked = {**biz, "product_code": self._qr_product}
            answer = self.client.call("alipay.trade.precreate", asked, now, notify_url=order.notify_url)
            return Qr(self._same_order(answer, order.order_no)["qr_code"])
        urls = {"notify_url": order.notify_url, "return_url": order.return_url}
        if order.device == Device.COMPUTER:
            page = {**biz, "product_code": "FAST_INSTANT_TRADE_PAY"}
            return Redirect(self.client.address("alipay.trade.page.pay", page, now, **urls))
        wap = {**biz, "product_code": "QUICK_WAP_WAY", "quit_url": order.return_url}
        return Redirect(self.client.address("alipay.trade.wap.pay", wap, now, **urls))

    def read_notice(self, *, headers: Mapping[str, str], body: bytes, now: datetime) -> tuple[Fact, ...]:
        """Return what a notice says. It has no age: repeats are sent for a day, and count once by their reference.

        Of a refund Alipay tells the sum of all refunds so far, so the one meant is asked for; where that cannot be
        told yet GatewayUnavailable is raised, and the notice is repeated.
        """
        fields = read_form(body, self.client.keys)
        if fields.get("app_id") != self.client.app_id:
            raise BadNotice(f"the notice is for the app {fields.get('app_id', '')[:32]!r}, not ours")
        if fields.get("seller_id") != self._seller_id:
            raise BadNotice(f"the notice is for the seller {fields.get('seller_id', '')[:32]!r}, not us")
        try:
            told = read_fields(fields)
        except (ValueError, KeyError) as error:
            raise BadNotice(f"the notice cannot be read: {error}") from None
        if not isinstance(told, ToldRefund):
            return (told,) if told is not None else ()
        amount_fen = self._refunded(told.order_no, told.number, now)
        if amount_fen is None:
            raise GatewayUnavailable("Alipay does not know yet how much this refund was", provider=PROVIDER)
        return (refund_fact(told, amount_fen),)

    def answer(self, error: PlatformError | None) -> Answer:
        """Return the seven bytes that Alipay stops at, or any others."""
        return Answer(200, b"success" if error is None else b"fail")

    def query(self, order_no: str, now: datetime, *, kept: str = "") -> tuple[Fact, ...]:
        """Ask for a trade. One that does not exist is not paid *yet*: until a code is scanned there is none."""
        try:
            answer = self.client.call("alipay.trade.query", {"out_trade_no": order_no}, now)
        except GatewayRefused as error:
            if error.fields["provider_code"] == NOT_EXIST:
                return ()
            raise
        try:
            fact = read_trade(self._same_order(answer, order_no), now)
        except (ValueError, KeyError) as error:
            raise GatewayUnavailable(f"an answer of Alipay cannot be read: {error}", provider=PROVIDER) from None
        return (fact,) if fact is not None else ()

    def close(self, order_no: str, now: datetime, *, kept: str = "") -> tuple[Fact, ...]:
        """Close a trade. One that nobody has begun has nothing to close: its own end, which Alipay was told, counts."""
        try:
            answer = self.client.call("alipay.trade.close", {"out_trade_no": order_no}, now)
        except GatewayRefused as error:
            if error.fields["provider_code"] == NOT_EXIST:
                return ()
            if error.fields["provider_code"] in _ASK and (found := self.query(order_no, now)):
                return found
            if error.fields["provider_code"] == "ACQ.TRADE_HAS_CLOSE":
                return (closed(order_no, now, ""),)
            raise
        self._same_order(answer, order_no)
        return (closed(order_no, now, ""),)

    def refund(self, refund: RefundOrder, now: datetime) -> RefundResult:
        """Pay back. That the request was taken is not that money moved: `fund_change` says it, else a question."""
        _is_cny(refund.currency)
        asked = {
            "out_trade_no": refund.order_no,
            "refund_amount": yuan_text(refund.amount_fen),
            "out_request_no": refund.refund_no,
            "refund_reason": refund.reason[:80],
        }
        answer = self._same_order(self.client.call("alipay.trade.refund", asked, now), refund.order_no)
        if answer.get("fund_change") == "Y":
            return RefundResult(RefundStatus.DONE, at=_instant(answer.get("gmt_refund_pay", ""), now))
        known = self.query_refund(refund, now)
        return known if known.status == RefundStatus.DONE else RefundResult(RefundStatus.PENDING)

    def query_refund(self, refund: RefundOrder, now: datetime) -> RefundResult:
        """Ask what became of a refund. Silence about it is no failure: the same number may be sent again."""
        found = self._refunded(refund.order_no, refund.refund_no, now)
        if found is None:
            return RefundResult(RefundStatus.UNKNOWN)
        if found != refund.amount_fen:
            raise GatewayRefused(
                f"under this number {found} fen went back, and {refund.amount_fen} were asked for",
                provider=PROVIDER,
                provider_code="other_amount",
            )
        return RefundResult(RefundStatus.DONE, at=now)

    def bill(self, day: date, now: datetime) -> Bill | None:
        """Fetch the bill of a day, from 10:00 of the next one."""
        try:
            asked = {"bill_type": "trade", "bill_date": day.isoformat()}
            answer = self.client.call("alipay.data.dataservice.bill.downloadurl.query", asked, now)
        except GatewayRefused as error:
            if "bill_not_exist" in error.fields["provider_code"].lower():
                return None
            raise
        return read_bill(self.client.download(answer["bill_download_url"]), day)  # at once: it lives for 30 s

    def _refunded(self, order_no: str, number: str, now: datetime) -> int | None:
        """Return what went back under a number, in fen; None where Alipay does not say that anything did."""
        asked = {"out_trade_no": order_no, "out_request_no": number}
        try:
            answer = self.client.call("alipay.trade.fastpay.refund.query", asked, now)
        except GatewayRefused as error:
            if error.fields["provider_code"] == NOT_EXIST:
                return None
            raise
        if answer.get("refund_status") != "REFUND_SUCCESS":
            return None
        if answer.get("out_request_no") != number:
            raise GatewayUnavailable("Alipay answers about another refund", provider=PROVIDER)
        try:
            return fen_of(self._same_order(answer, order_no)["refund_amount"])
        except (ValueError, KeyError) as error:
            raise GatewayUnavailable(f"an answer of Alipay cannot be read: {error}", provider=PROVIDER) from None

    def _same_order(self, answer: dict[str, str], order_no: str) -> dict[str, str]:
        if answer.get("out_trade_no") != order_no:
            raise GatewayUnavailable("Alipay answers about another order", provider=PROVIDER)
        return answer


def _is_cny(currency: str) -> None:
    if currency != "CNY":
        raise GatewayRefused(f"Alipay takes CNY, not {currency[:8]}", provider=PROVIDER, provider_code="currency")


def _instant(text: str, now: datetime) -> datetime:
    try:
        return shanghai_instant(text)
    except ValueError:
        return now
