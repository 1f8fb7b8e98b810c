"""The JSON entrances: purchases, notices, public keys."""

import json

import pytest
from rest_framework.test import APIClient

from billing import selectors
from billing.gateways.sandbox.gateway import SandboxGateway
from billing.models import Grant, Purchase, Suspense
from kernel.clock import utc_now
from nodes.models import Node
from tests.factories import a_customer, a_node, a_plan

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
BODY = {"plan": "pack-5", "node": "sh-1", "months": 1}


@pytest.fixture
def api(settings):
    settings.PAYMENT_GATEWAYS = ["sandbox"]
    settings.SANDBOX_KEY = "key"
    a_plan()
    Node.objects.filter(pk=a_node().pk).update(last_seen_at=utc_now())
    client = APIClient()
    client.force_authenticate(a_customer())
    return client


def buy(api, key="k", **changes):
    return api.post("/api/purchases", {**BODY, **changes}, format="json", headers={"Idempotency-Key": key})


def notify(message, *, key="key"):
    headers, body = SandboxGateway(key=key).sign_notice(message, utc_now())
    content_type = headers.pop("Content-Type")
    return APIClient().post("/payments/sandbox/notify", body, content_type=content_type, headers=headers)


def test_a_purchase_is_placed_once_a_key(api):
    first, again = buy(api), buy(api)

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    assert (first.json()["state"], first.json()["due_fen"]) == ("pending", 1000)
    assert first.json()["pay_url"].startswith("/sandbox/pay/")


def test_the_same_key_with_another_body_is_422(api):
    buy(api)

    answer = buy(api, months=2)

    assert answer.status_code == 422
    assert answer.json()["code"] == "idempotency_key_reused"


def test_a_key_is_required(api):
    assert api.post("/api/purchases", BODY, format="json").json()["code"] == "bad_purchase"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"plan": "pack-6"}, 409),
        ({"node": "nowhere"}, 409),
        ({"months": 13}, 400),
        ({"months": "many"}, 400),
        ({"kind": "gift"}, 400),
        ({"kind": "extend", "extends": 999}, 404),
        ({"kind": "extend"}, 400),
    ],
)
def test_what_cannot_be_bought_is_refused(api, change, status):
    assert buy(api, **change).status_code == status
    assert not Purchase.objects.exists()


def test_the_price_never_comes_from_outside(api):
    answer = buy(api, due_fen=1, price_fen=1, symbols=5000, state="settled", customer=1)

    assert (answer.json()["due_fen"], answer.json()["symbols"], answer.json()["state"]) == (1000, 5, "pending")


def test_strangers_are_not_let_in():
    client = APIClient()

    assert client.get("/api/purchases").status_code == 403
    assert client.post("/api/purchases", BODY, format="json").status_code == 403


def test_buyers_see_their_own_purchases_only(api):
    buy(api)
    other = APIClient()
    other.force_authenticate(a_customer("bob"))

    assert len(api.get("/api/purchases").json()["purchases"]) == 1
    assert other.get("/api/purchases").json() == {"purchases": [], "older": ""}


def test_purchases_come_in_pages_and_none_is_missing_or_twice(api, monkeypatch):
    monkeypatch.setattr(selectors, "PURCHASES_LISTED", 2)
    placed = [buy(api, key=f"key-{nth}").json()["id"] for nth in range(5)]

    pages, before = [], ""
    while True:
        told = api.get("/api/purchases", {"before": before}).json()
        pages.append([one["id"] for one in told["purchases"]])
        before = told["older"]
        if not before:
            break

    assert [len(page) for page in pages] == [2, 2, 1]
    assert sorted(number for page in pages for number in page) == sorted(placed)
    assert [one["id"] for one in api.get("/api/purchases?before=nobody's").json()["purchases"]] == pages[0]


def test_a_notice_over_http_settles(api):
    purchase = Purchase.objects.get(public_id=buy(api).json()["id"])
    message = {
        "event_id": "e",
        "order_id": purchase.attempts.get().order_no,
        "transaction_id": "t-1",
        "amount_fen": 1000,
        "currency": "CNY",
        "paid_at": int(utc_now().timestamp()),
        "status": "paid",
    }

    assert notify(message, key="forged").status_code == 400
    odd = notify({**message, "event_id": "f", "transaction_id": "t-0", "amount_fen": 1})
    assert (odd.status_code, Suspense.objects.get().reason) == (200, "wrong_amount")  # stored: it need not come again
    assert not Grant.objects.exists()
    assert notify(message).json() == {"taken": True}
    assert notify(message).json() == {"taken": True}
    assert Grant.objects.count() == 1
    listed = api.get("/api/purchases").json()["purchases"][0]
    assert (listed["state"], listed["grant"]["id"]) == ("settled", Grant.objects.get().pk)


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 100_000, b"\xff\xfe", b"{}" * 20_000])
def test_a_notice_of_garbage_is_400_even_when_it_is_signed(api, body):
    gateway = SandboxGateway(key="key")
    stamp = str(int(utc_now().timestamp()))
    headers = {"Sandbox-Timestamp": stamp, "Sandbox-Signature": gateway._signature(stamp, body)}

    answer = APIClient().post("/payments/sandbox/notify", body, content_type="application/json", headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_notice")


def test_an_unknown_gateway_is_refused(api):
    answer = APIClient().post("/payments/paypal/notify", b"{}", content_type="application/json")

    assert answer.json()["code"] == "payments_off"


def test_public_keys_are_answered_once_and_then_by_their_etag(keys_dir, client):
    first = client.get("/.well-known/jwks.json")

    again = client.get("/.well-known/jwks.json", headers={"If-None-Match": first["ETag"]})

    assert json.loads(first.content) == json.loads((keys_dir / "jwks.json").read_text())
    assert (again.status_code, again.content) == (304, b"")
