"""Stripe's API as far as a shop needs it: checkout sessions, refunds, balance transactions, webhooks.

State is in memory; `taken` and `given_back` are what really happened to money. It imports nothing of the shop.
"""

import hashlib
import hmac
import json
import secrets
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import HTTPError, URLError
from urllib.parse import parse_qsl, urlsplit

VERSION = "2026-10-28.endive"


class Refused(Exception):
    """An error as the API answers it."""

    def __init__(self, message: str, *, status: int = 400, kind: str = "invalid_request_error", code: str = "") -> None:
        super().__init__(message)
        self.status, self.body = status, {"error": {"type": kind, "message": message, "code": code}}


class Stripe:
    """An account with one webhook.

    Args:
        webhook_url: where events are posted; None keeps them in `events` alone.
        now: returns epoch seconds.
    """

    def __init__(self, *, key: str = "sk_test_emulated", webhook_url: str | None = None, now=time.time) -> None:
        self.key, self.webhook_url, self.now = key, webhook_url, now
        self.secret = f"whsec_{secrets.token_hex(16)}"
        self.sessions: dict[str, dict] = {}
        self.refunds: dict[str, dict] = {}
        self.transactions: list[dict] = []
        self.events: list[dict] = []
        self.answers: list[int] = []  # of the webhook
        self.requests: list[tuple[str, str, dict]] = []
        self.taken: dict[str, int] = {}  # payment intent -> amount
        self.given_back: dict[str, int] = {}  # refund -> amount
        self.replies: dict[str, tuple[str, dict]] = {}  # idempotency key -> (parameters, answer)
        self.lose_answers = 0  # so many answers are lost after the work was done
        self.away = False
        self.refund_status = "succeeded"
        self.url = ""

    # -- what a person does ------------------------------------------------------------------------------------
    def pay(self, session_id: str, *, amount: int | None = None, currency: str | None = None) -> dict:
        """Pay an open session with a card; post its event."""
        session = self.sessions[session_id]
        if session["status"] != "open":
            raise Refused("This Checkout Session is not open")
        intent = f"pi_{secrets.token_hex(12)}"
        session |= {"status": "complete", "payment_status": "paid", "payment_intent": intent}
        if amount is not None:
            session["amount_total"] = amount
        if currency is not None:
            session["currency"] = currency
        self.taken[intent] = session["amount_total"]
        self._transact("charge", session["amount_total"], {"id": f"ch_{intent}", "payment_intent": intent,
                       "metadata": session["payment_intent_data"]["metadata"]})  # fmt: skip
        return self.emit("checkout.session.completed", session)

    def dispute(self, intent: str, kind: str, *, status: str = "needs_response") -> dict:
        """Tell of a dispute of a payment; `kind` is what stands behind charge.dispute."""
        told = {"id": f"dp_{intent}", "object": "dispute", "payment_intent": intent, "amount": self.taken[intent],
                "currency": "cny", "status": status}  # fmt: skip
        return self.emit(f"charge.dispute.{kind}", told)

    def refund_in_console(self, intent: str, amount: int) -> dict:
        """Pay back without the shop."""
        return self.emit("refund.created", self._refund(intent, amount, {}))

    # -- webhooks ----------------------------------------------------------------------------------------------
    def emit(self, kind: str, told: dict, **changes: object) -> dict:
        """Keep an event, and post it where a webhook is set."""
        event = {
            "id": f"evt_{secrets.token_hex(12)}", "object": "event", "api_version": VERSION, "livemode": False,
            "created": int(self.now()), "type": kind, "data": {"object": json.loads(json.dumps(told))}, **changes,
        }  # fmt: skip
        self.events.append(event)
        if self.webhook_url:
            self.answers.append(self.post(event))
        return event

    def signed(self, event: dict, *, secret: str | None = None, age: int = 0) -> tuple[dict, bytes]:
        """Return headers and body of a webhook call."""
        body = json.dumps(event, separators=(",", ":")).encode()
        stamp = int(self.now()) - age
        signature = hmac.new((secret or self.secret).encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
        return {"Stripe-Signature": f"t={stamp},v1={signature}", "Content-Type": "application/json"}, body

    def post(self, event: dict, **how: object) -> int:
        """Post an event; return the status that was answered, 0 where nobody answered."""
        headers, body = self.signed(event, **how)
        request = urllib.request.Request(self.webhook_url, data=body, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status
        except HTTPError as error:
            return error.code
        except (URLError, OSError):
            return 0

    # -- the API -----------------------------------------------------------------------------------------------
    def answer(self, method: str, path: str, given: dict, headers: dict) -> dict:
        """Do what a request asks and return its answer."""
        if headers.get("authorization") != f"Bearer {self.key}":
            raise Refused("Invalid API Key provided", status=401)
        if headers.get("stripe-version") != VERSION:
            raise Refused(f"version {headers.get('stripe-version')}")
        key = headers.get("idempotency-key", "")
        if method == "POST" and key in self.replies:
            before, reply = self.replies[key]
            if before != json.dumps([path, given], sort_keys=True):
                raise Refused("Keys for idempotent requests can only be used with the same parameters", code="idempotency_key_in_use", kind="idempotency_error")  # fmt: skip
            return reply
        reply = self._do(method, path.removeprefix("/v1/"), given)
        if method == "POST" and key:
            self.replies[key] = (json.dumps([path, given], sort_keys=True), reply)
        return reply

    def _do(self, method: str, path: str, given: dict) -> dict:
        if (method, path) == ("POST", "checkout/sessions"):
            return self._open(given)
        if path.startswith("checkout/sessions/"):
            session = self._session(path.split("/")[2])
            if method == "POST" and path.endswith("/expire"):
                if session["status"] != "open":
                    raise Refused("Only Checkout Sessions with a status of open can be expired")
                session["status"] = "expired"
                self.emit("checkout.session.expired", session)
            return session
        if (method, path) == ("POST", "refunds"):
            return self._refund(given["payment_intent"], int(given["amount"]), given.get("metadata", {}))
        if path == "refunds":
            data = [one for one in self.refunds.values() if one["payment_intent"] == given["payment_intent"]]
            return {"object": "list", "data": data, "has_more": False, "url": "/v1/refunds"}
        if path == "balance_transactions":
            return self._bill(given)
        raise Refused(f"Unrecognized request URL ({method}: /v1/{path})", status=404)

    def _open(self, given: dict) -> dict:
        item = given["line_items"]["0"]
        amount = int(item["price_data"]["unit_amount"]) * int(item["quantity"])
        if item["price_data"]["currency"] != "cny" or amount < 400:
            raise Refused("amount_too_small", code="amount_too_small")
        if not 1800 <= int(given["expires_at"]) - self.now() <= 86_400:
            raise Refused("The `expires_at` timestamp must be between 30 minutes and 24 hours from now")
        assert given["mode"] == "payment", given
        assert given["success_url"].startswith("http"), given
        name = f"cs_test_{secrets.token_hex(16)}"
        self.sessions[name] = {
            "id": name, "object": "checkout.session", "mode": "payment", "status": "open", "payment_status": "unpaid",
            "client_reference_id": given["client_reference_id"], "amount_total": amount, "currency": "cny",
            "payment_intent": None, "metadata": given["metadata"], "url": f"{self.url}/pay/{name}",
            "payment_intent_data": given["payment_intent_data"], "success_url": given["success_url"],
            "expires_at": int(given["expires_at"]),
        }  # fmt: skip
        return self.sessions[name]

    def _session(self, name: str) -> dict:
        if name not in self.sessions:
            raise Refused(f"No such checkout.session: '{name}'", status=404, code="resource_missing")
        return self.sessions[name]

    def _refund(self, intent: str, amount: int, metadata: dict) -> dict:
        left = self.taken.get(intent, 0) - sum(
            one["amount"] for one in self.refunds.values() if one["payment_intent"] == intent and one["status"] != "failed"
        )  # fmt: skip
        if amount > left:
            raise Refused(f"Refund amount ({amount}) is greater than unrefunded amount ({left})")
        made = {"id": f"re_{secrets.token_hex(12)}", "object": "refund", "payment_intent": intent, "amount": amount,
                "currency": "cny", "metadata": metadata, "status": self.refund_status,
                "created": int(self.now())}  # fmt: skip
        self.refunds[made["id"]] = made
        if made["status"] == "succeeded":
            self.given_back[made["id"]] = amount
            self._transact("refund", -amount, made)
        return made

    def _transact(self, kind: str, amount: int, source: dict) -> None:
        fee = amount * 34 // 1000 if amount > 0 else 0
        self.transactions.append({"id": f"txn_{len(self.transactions)}", "object": "balance_transaction", "type": kind,
                                  "amount": amount, "currency": "cny", "fee": fee, "created": int(self.now()),
                                  "source": source})  # fmt: skip

    def _bill(self, given: dict) -> dict:
        bounds = {name: int(value) for name, value in given["created"].items()}
        data = [one for one in self.transactions if bounds["gte"] <= one["created"] < bounds["lt"]]
        after = given.get("starting_after")
        if after:
            data = data[[one["id"] for one in data].index(after) + 1 :]
        limit = int(given.get("limit", 10))
        return {
            "object": "list",
            "data": data[:limit],
            "has_more": len(data) > limit,
            "url": "/v1/balance_transactions",
        }


def nested(text: str) -> dict:
    """Return a form whose names are like a[b][0] as dictionaries in each other."""
    found: dict = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        first, *rest = name.replace("]", "").split("[")
        place = found
        for part in (first, *rest)[:-1]:
            place = place.setdefault(part, {})
        place[(first, *rest)[-1]] = value
    return found


@contextmanager
def serving(stripe: Stripe, port: int = 0) -> Iterator[Stripe]:
    """Serve an account on loopback; `stripe.url` is where."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path.startswith("/pay/"):
                session = stripe.sessions[parts.path.split("/")[2]]
                self._page(f"<form method=post><button id=pay>Pay {session['amount_total']}</button></form>")
                return
            self._answer("GET", parts.path, nested(parts.query))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            path = urlsplit(self.path).path
            if path.startswith("/pay/"):
                name = path.split("/")[2]
                stripe.pay(name)
                self.send_response(303)
                self.send_header("Location", stripe.sessions[name]["success_url"])
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self._answer("POST", path, nested(body))

        def _answer(self, method: str, path: str, given: dict) -> None:
            stripe.requests.append((method, path, given))
            if stripe.away:
                self.close_connection = True
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            try:
                status, told = 200, stripe.answer(method, path, given, headers)
            except Refused as error:
                status, told = error.status, error.body
            if stripe.lose_answers:
                stripe.lose_answers -= 1
                self.close_connection = True
                return
            self._send(status, json.dumps(told).encode(), "application/json")

        def _page(self, text: str) -> None:
            self._send(200, f"<!doctype html><title>Stripe</title>{text}".encode(), "text/html")

        def _send(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    stripe.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield stripe
    finally:
        server.shutdown()
        server.server_close()
