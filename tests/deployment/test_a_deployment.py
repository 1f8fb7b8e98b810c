"""docker/compose.yaml as it is named, without Docker: behind a proxy, with TLS and passwords to every store, and late clocks."""

import json
import ssl
import time
import urllib.error
import urllib.request

import pytest
from websockets.sync.client import ClientConnection

from tests.deployment.people import PASSWORD, Buyer, sign_in, wait_for
from tests.deployment.stack import Stack
from tests.deployment.visitor import Visitor

pytestmark = [pytest.mark.whole, pytest.mark.alone]
MOUTAI = "600519.SH"
RESTATE = """
import threading
from django.db import connection
from kernel.clock import utc_now
from outbox.services.restating import restate
failed = []
def again():
    for _ in range(15):
        try:
            restate(now=utc_now())
        except Exception as error:
            failed.append(f"{type(error).__name__}: {error}"[:200])
    connection.close()
both = [threading.Thread(target=again) for _ in range(2)]
for one in both: one.start()
for one in both: one.join()
print(json.dumps(failed))
"""
WAITING = """
from outbox.models import Outbox
rows = Outbox.objects.all()
print(json.dumps({"rows": rows.count(), "waiting": list(rows.filter(delivered_at=None).values_list("kind", "last_error"))}))
"""


@pytest.fixture(scope="module")
def buyer(stack):
    with Buyer(stack, "127.0.0.5") as one:
        one.token = one.buy()
        yield one


def next_of(socket: ClientConnection, kind: str) -> dict:
    while True:
        message = json.loads(socket.recv(timeout=15))
        if message["type"] == kind:
            return message


def follow(socket: ClientConnection) -> None:
    next_of(socket, "welcome")
    socket.send(json.dumps({"action": "subscribe", "symbols": [MOUTAI]}))


def test_a_stranger_buys_through_the_proxy_and_hears_a_bar(buyer):
    with buyer.socket(buyer.token) as socket:
        follow(socket)
        assert next_of(socket, "subscribed")["quota"] == {"used": 1, "max_subs": 5}
        assert next_of(socket, "kline")["symbol"] == MOUTAI


def test_what_is_sold_while_a_socket_is_open_reaches_it(buyer):
    with buyer.socket(buyer.token) as socket:
        follow(socket)
        buyer.buy("pack-15")
        assert next_of(socket, "quota_changed")["max_subs"] == 20


def test_the_outbox_delivers_and_restating_never_fails_behind_a_pgbouncer(stack, buyer):
    assert stack.run_in("control", RESTATE) == []
    wait_for(lambda: stack.run_in("control", WAITING)["waiting"] == [])
    assert stack.run_in("control", WAITING)["rows"] > 0


def test_without_its_setting_restating_fails_behind_a_pgbouncer(stack, buyer):
    unsaid = {**stack.environment("control"), "DATABASE_PGBOUNCER": "0"}
    assert any("repared" in error for error in stack.run_in("control", RESTATE, unsaid))


def test_bad_logins_of_one_visitor_lock_no_other_one_out(stack, buyer):
    with Visitor(stack, "127.0.0.6") as bad, Visitor(stack, "127.0.0.7") as good:
        answers = [sign_in(bad, buyer.email, "no-such-password") for _ in range(12)]
        assert all(one.status_code in (200, 429) for one in answers)
        assert sign_in(bad, buyer.email).status_code != 302, "the limit counts"
        assert sign_in(good, buyer.email).status_code == 302
    with Visitor(stack, "127.0.0.8") as other:
        assert sign_in(other, "admin@shop.example").status_code == 302


def asked(url: str, **headers: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=5) as answer:  # noqa: S310
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def test_probes_ask_by_address_and_visitors_by_name(stack):
    node, web = (f"http://127.0.0.1:{stack.port[name]}" for name in ("node", "web"))
    for page in (f"{node}/healthz", f"{node}/readyz", f"{node}/metrics", f"{web}/.well-known/jwks.json"):
        assert asked(page)[0] == 200, page
    assert json.loads(asked(f"{node}/healthz")[1])["status"] == "ok"
    assert asked(f"{web}/", **{"X-Forwarded-Proto": "https"})[0] == 400, "no page under a name that is not the shop's"
    with Visitor(stack, "127.0.0.6") as visitor:
        assert visitor.get("/metrics").status_code == 404, "it is the panel's name, and no page of it"
