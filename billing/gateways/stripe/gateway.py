"""Stripe behind the shop's protocol. One version of its API, for what we ask and for what it tells."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import stripe
from django.conf import settings

from billing.domain.months import SHANGHAI
from billing.errors import BadNotice, GatewayRefused, GatewayUnavailable
from billing.gateways.protocol import (
    Answer,
    Bill,
    BillRow,
    Device,
    Fact,
    FactKind,
    Method,
    Order,
    Redirect,
    RefundOrder,
    RefundResult,
    RefundStatus,
    Start,
)
from billing.gateways.stripe.events import NAME, facts_of, refund_result, session_facts
from kernel.errors import PlatformError

VERSION = "2026-10-28.endive"
FRESH_FOR_S = 300  # both ways; a message that is sent again is signed again
MAX_BODY = 256 * 1024
LEAST_FEN = 400  # about half a US dollar: below it Stripe refuses
_LONGER = timedelta(minutes=31)  # a session lives half an hour at least; ours is closed when the price expires


_REFUSALS = (stripe.InvalidRequestError, stripe.CardError, stripe.AuthenticationError, stripe.PermissionError)


class StripeGateway:
    """One account of Stripe's."""

    name = NAME
    bills = True

    def __init__(self, *, key: str, webhook_secrets: tuple[str, ...], url: str = "", seconds: float = 20) -> None:
        self._secrets, self._live = webhook_secrets, key.startswith(("sk_live_", "rk_live_"))
        self._client = stripe.StripeClient(
            key,
            stripe_version=VERSION,
            base_addresses={"api": url} if url else None,
            max_network_retries=1,
            http_client=stripe.RequestsClient(timeout=seconds),
        )

    def methods(self, device: Device) -> tuple[Method, ...]:
        return (Method.PAGE,)

    def start(self, order: Order, method: Method, now: datetime) -> Start:
        """Open a checkout session and return its page; the same order again returns the same one."""
        if order.due_fen < LEAST_FEN:
            raise GatewayRefused(
                f"{order.due_fen} fen are less than Stripe takes", provider=NAME, provider_code="minimum"
            )
        numbers = {"order_no": order.order_no}
        session = self._ask(
            self._client.v1.checkout.sessions.create,
            {
                "mode": "payment",
                "line_items": [
                    {
                        "quantity": 1,
                        "price_data": {
                            "currency": order.currency.lower(),
                            "unit_amount": order.due_fen,
                            "product_data": {"name": order.title},
                        },
                    }
                ],
                "client_reference_id": order.order_no,
                "metadata": numbers,
                "payment_intent_data": {"metadata": numbers},  # refunds and disputes show the intent's alone
                "success_url": order.return_url,
                "cancel_url": order.return_url,
                "locale": "zh" if order.language.startswith("zh") else "en",
                "expires_at": int((order.expires_at + _LONGER).timestamp()),
            },
            {"idempotency_key": order.order_no},
        )
        return Redirect(str(session["url"]), kept=str(session["id"]))

    def read_notice(self, *, headers: Mapping[str, str], body: bytes, now: datetime) -> tuple[Fact, ...]:
        """Return what an event says; its signature and age are checked before anything is read."""
        event = self._verified(headers.get("Stripe-Signature", ""), body, now)
        if event.get("api_version") != VERSION:
            raise BadNotice(f"the webhook is of version {event.get('api_version')!r}; set it to {VERSION}")
        if bool(event.get("livemode")) != self._live:
            raise BadNotice("the event is of the other mode: test and live are told apart by the key")
        try:
            return facts_of(event)
        except (KeyError, TypeError, ValueError, OverflowError):
            raise BadNotice("the event is not what Stripe sends") from None

    def answer(self, error: PlatformError | None) -> Answer:
        return Answer(200) if error is None else Answer(error.http_status, error.code.encode())

    def query(self, order_no: str, now: datetime, *, kept: str = "") -> tuple[Fact, ...]:
        if not kept:  # the answer to `start` was lost: nobody has the page's address, so nobody can pay there
            return ()
        session = self._ask(self._client.v1.checkout.sessions.retrieve, kept)
        if session["client_reference_id"] != order_no:
            raise GatewayUnavailable(f"asked for {order_no}, answered for another order", provider=NAME)
        return session_facts(session, now)

    def close(self, order_no: str, now: datetime, *, kept: str = "") -> tuple[Fact, ...]:
        if not kept:
            return ()
        try:
            return session_facts(self._ask(self._client.v1.checkout.sessions.expire, kept), now)
        except GatewayRefused:  # not open any more: paid, or expired
            return self.query(order_no, now, kept=kept)

    def refund(self, refund: RefundOrder, now: datetime) -> RefundResult:
        made = self._ask(
            self._client.v1.refunds.create,
            {
                "payment_intent": refund.transaction_id,
                "amount": refund.amount_fen,
                "metadata": {"refund_no": refund.refund_no},
            },
            {"idempotency_key": refund.refund_no},
        )
        return refund_result(made)

    def query_refund(self, refund: RefundOrder, now: datetime) -> RefundResult:
        listed = self._ask(self._client.v1.refunds.list, {"payment_intent": refund.transaction_id, "limit": 100})
        for one in listed["data"]:
            if (one.get("metadata") or {}).get("refund_no") == refund.refund_no:
                return refund_result(one)
        return RefundResult(RefundStatus.UNKNOWN)

    def bill(self, day: date, now: datetime) -> Bill | None:
        """Return a day's balance transactions in CNY; amounts of payments before Stripe's fee."""
        begins = datetime.combine(day, time(), SHANGHAI)
        bounds = {"gte": int(begins.timestamp()), "lt": int((begins + timedelta(days=1)).timestamp())}
        asked: dict[str, Any] = {"created": bounds, "limit": 100, "expand": ["data.source"]}
        rows: list[BillRow] = []
        while True:
            page = self._ask(self._client.v1.balance_transactions.list, asked)
            rows += [row for one in page["data"] if (row := _bill_row(one)) is not None]
            if not page["has_more"]:
                break
            asked = {**asked, "starting_after": page["data"][-1]["id"]}
        return Bill(day=day, rows=tuple(rows), fees_fen=sum(row.fee_fen for row in rows)) if rows else None

    def _verified(self, signature: str, body: bytes, now: datetime) -> dict[str, Any]:
        if len(body) > MAX_BODY:
            raise BadNotice(f"the event has more than {MAX_BODY} bytes")
        for secret in self._secrets:  # two while the secret is being replaced
            try:
                stripe.WebhookSignature.verify_header(body, signature, secret)
                break
            except (stripe.SignatureVerificationError, UnicodeDecodeError):
                continue
        else:
            raise BadNotice("the event is not signed by Stripe")
        told = next((part[2:] for part in signature.split(",") if part.startswith("t=")), "")
        if not told.isdigit() or abs(now.timestamp() - int(told)) > FRESH_FOR_S:
            raise BadNotice("the event is too old, or from the future")
        try:
            event = json.loads(body)
        except (ValueError, RecursionError):
            raise BadNotice("the event is no JSON") from None
        if not isinstance(event, dict):
            raise BadNotice("the event is no object")
        return event

    def _ask(self, call: Callable[..., Any], *args: Any) -> Any:
        """Ask Stripe; what it answers is plain dictionaries.

        Raises:
            GatewayRefused, GatewayUnavailable.
        """
        try:
            return call(*args).to_dict()
        except (
            stripe.InvalidRequestError,
            stripe.CardError,
            stripe.AuthenticationError,
            stripe.PermissionError,
        ) as error:
            raise GatewayRefused(
                (error.user_message or "Stripe refused")[:200], provider=NAME, provider_code=str(error.code or "")
            ) from None
        except stripe.StripeError as error:
            raise GatewayUnavailable(provider=NAME, why=type(error).__name__) from None


def _bill_row(one: Mapping[str, Any]) -> BillRow | None:
    source = one["source"] if isinstance(one["source"], dict) else {}
    kinds = {"charge": FactKind.PAID, "payment": FactKind.PAID, "refund": FactKind.REFUNDED,
             "payment_refund": FactKind.REFUNDED}  # fmt: skip
    kind = kinds.get(one["type"])
    if kind is None or one["currency"] != "cny" or not source.get("payment_intent"):
        return None
    numbers = source.get("metadata") or {}
    return BillRow(
        kind=kind,
        transaction_id=str(source["payment_intent"]),
        order_no=str(numbers.get("order_no", "")),
        amount_fen=abs(int(one["amount"])),
        at=datetime.fromtimestamp(int(one["created"]), UTC),
        refund_no=str(numbers.get("refund_no") or source["id"]) if kind == FactKind.REFUNDED else "",
        fee_fen=int(one.get("fee", 0)),
    )


def missing() -> list[str]:
    """Return a sentence for each setting that lacks."""
    found = []
    if not settings.STRIPE_SECRET_KEY:
        found.append("Stripe needs STRIPE_SECRET_KEY (or STRIPE_SECRET_KEY_FILE): sk_live_... of the account")
    if not settings.STRIPE_WEBHOOK_SECRETS:
        found.append("Stripe needs STRIPE_WEBHOOK_SECRETS: whsec_... of the webhook to /payments/stripe/notify")
    found += [
        f"STRIPE_WEBHOOK_SECRETS has {one[:6]!r}..., and a webhook's secret begins with whsec_"
        for one in settings.STRIPE_WEBHOOK_SECRETS
        if not one.startswith("whsec_")
    ]
    return found


def create() -> StripeGateway:
    """Return the gateway of this shop's account."""
    return StripeGateway(
        key=settings.STRIPE_SECRET_KEY,
        webhook_secrets=tuple(settings.STRIPE_WEBHOOK_SECRETS),
        url=settings.STRIPE_URL,
    )
