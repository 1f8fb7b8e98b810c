"""The page that shows how to add a gateway is run: its package sells, is asked, refuses forgeries and pays back."""

import hashlib
import hmac
import json
import re
import sys
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from urllib.parse import parse_qs, urlsplit

import pytest

from billing import gateways
from billing.gateways.protocol import Redirect
from billing.models import PaymentFact, Purchase, Refund
from billing.services import asking, attempts, books, payments, refunds
from tests.factories import NOW, a_purchase, an_attempt

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
PAGE = Path(__file__).resolve().parents[3] / "docs" / "adding-a-gateway.md"
KEY = "the-key-of-teapay"


class Provider:
    """Teapay: what was paid by order number, and what it gave back by refund number."""

    def __init__(self):
        self.paid, self.given_back = {}, {}

    def answer(self, path):
        parts = urlsplit(path)
        number = parts.path.rsplit("/", 1)[1]
        if parts.path.startswith("/orders/"):
            return self.paid.get(number, {"state": "open"})
        asked = parse_qs(parts.query)
        self.given_back[number] = int(asked["fen"][0])
        return {"id": f"tea-{number}"}

    def pay(self, start):
        asked = {name: values[0] for name, values in parse_qs(urlsplit(start.url).query).items()}
        told = {"state": "paid", "payment": f"pay-{asked['no']}", "no": asked["no"], "fen": int(asked["fen"]),
                "at": int(NOW.timestamp())}  # fmt: skip
        self.paid[asked["no"]] = told
        body = json.dumps(told).encode()
        return {"Teapay-Signature": hmac.new(KEY.encode(), body, hashlib.sha256).hexdigest()}, body


@pytest.fixture
def teapay():
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_GET(self):
            body = json.dumps(provider.answer(self.path)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    provider.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield provider
    server.shutdown()
    server.server_close()


@pytest.fixture
def package(settings, teapay, keys_dir, monkeypatch):
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    made = ModuleType("billing.gateways.teapay")
    exec(compile(code, str(PAGE), "exec"), made.__dict__)
    monkeypatch.setitem(sys.modules, "billing.gateways.teapay", made)
    gateways._package.cache_clear()
    settings.PAYMENT_GATEWAYS, settings.ONE_PERSON_SHOP = ["teapay"], True
    settings.TEAPAY_URL, settings.TEAPAY_KEY = teapay.url, KEY
    yield made
    gateways._package.cache_clear()


def begin(alice, node):
    purchase = a_purchase(alice, node)
    _, start = attempts.start_attempt(order=purchase, gateway_name="teapay", method="page", now=NOW)
    assert isinstance(start, Redirect)
    return start


def notify(headers, body):
    return payments.take_notice(provider="teapay", headers=headers, body=body, now=NOW)


def test_a_notice_settles_and_a_refund_goes_back(package, teapay, alice, node):
    headers, body = teapay.pay(begin(alice, node))
    assert (notify(headers, body).body, notify(headers, body).body) == (b"ok", b"ok")
    assert Purchase.objects.get().state == "settled"

    payment = PaymentFact.objects.get()
    refunds.ask_refund(payment_id=payment.pk, amount_fen=400, reason="wish", fault="buyer", effect="keep", by=alice,
                       now=NOW)  # fmt: skip
    asking.send_refunds(now=NOW)

    assert teapay.given_back == {Refund.objects.get().refund_no: 400}
    assert books.differences(now=NOW) == []


def test_a_lost_notice_is_asked_for(package, teapay, alice, node):
    teapay.pay(begin(alice, node))

    asking.ask_attempts(now=NOW + timedelta(seconds=5))

    assert Purchase.objects.get().state == "settled"


def test_a_forged_one_is_answered_400(package, teapay, alice, node):
    headers, body = teapay.pay(begin(alice, node))

    assert notify(headers, body.replace(b"1000", b"1001")).status == 400
    assert not PaymentFact.objects.exists()


def test_half_of_it_is_off_and_says_why(package, settings, alice, node):
    settings.TEAPAY_KEY = ""

    assert gateways.missing("teapay") == ["Teapay needs TEAPAY_KEY, which signs its notices"]
    with pytest.raises(gateways.PaymentsOff):
        gateways.gateway("teapay")
    an_attempt(a_purchase(alice, node), gateway="teapay", next_ask_at=NOW)
    assert asking.ask_attempts(now=NOW) == 1  # and is asked again later, when it is on again
