"""docker/compose.yaml as it is named, without Docker: behind a proxy, with TLS and passwords to every store, and late clocks."""

import json
import re
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import quote

import pytest
from websockets.sync.client import ClientConnection

from tests.deployment.compose import OURS, ROOT
from tests.deployment.people import Buyer, sign_in, wait_for
from tests.deployment.stack import IMAGE, MACHINE, SECRETS
from tests.deployment.table import MOUTAI, NORMAL, Listener, ask_everything
from tests.deployment.visitor import Visitor

pytestmark = [pytest.mark.whole, pytest.mark.alone]
RUNNING = ("web", "node", "ingest", "control", "beat")
# What a service may say loudly while a store is away, and of a visitor who asks for another host name.
EXPECTED = re.compile(
    r"django\.security\.DisallowedHost|django\.request Service Unavailable"
    r"|celery\.(worker|beat)\S* .*[Cc]onnect|celery\.app\.trace .*OperationalError"
)
AT_ONCE = """
import threading
from django.db import connection
from kernel.clock import utc_now
from outbox.models import Outbox
from outbox.services.restating import restate

def failures(work, times):
    failed = []
    def again():
        for _ in range(times):
            try:
                work()
            except Exception as error:
                failed.append(f"{type(error).__name__}: {error}"[:200])
        connection.close()
    both = [threading.Thread(target=again) for _ in range(2)]
    for one in both: one.start()
    for one in both: one.join()
    return failed

def read():  # with a server-side cursor, where Django is not told to do without
    list(Outbox.objects.iterator(chunk_size=1))

said = {"read": failures(read, 15), "restate": failures(lambda: restate(now=utc_now()), RESTATED)}
rows = Outbox.objects.all()
# What is written to who has not paid in five minutes is due then.
waiting = rows.filter(delivered_at=None, due_at__lte=utc_now())
said |= {"rows": rows.count(), "undelivered": list(waiting.values_list("kind", "last_error"))}
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def buyer(stack):
    with Buyer(stack, "127.0.0.5") as one:
        one.token = one.buy()
        yield one


def next_of(socket: ClientConnection, kind: str) -> dict:
    while True:
        message = json.loads(socket.recv(timeout=90))
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


def test_the_outbox_is_delivered_and_restated_behind_a_pgbouncer_without_an_error(stack, buyer):
    said = stack.run_in("control", AT_ONCE.replace("RESTATED", "15"))
    assert (said["read"], said["restate"], said["undelivered"]) == ([], [], [])
    assert said["rows"] > 0


def test_without_its_setting_a_pgbouncer_loses_cursors(stack, buyer):
    unsaid = {**stack.environment("control"), "DATABASE_PGBOUNCER": "0"}
    failed = stack.run_in("control", AT_ONCE.replace("RESTATED", "0"), unsaid)["read"]
    assert any("does not exist" in one for one in failed)  # 27 of 30 where it was measured


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
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def test_probes_ask_by_address_and_visitors_by_name(stack):
    node, web = (f"http://127.0.0.1:{stack.port[name]}" for name in ("node", "web"))
    for page in (f"{node}/healthz", f"{node}/readyz", f"{web}/.well-known/jwks.json"):
        assert asked(page)[0] == 200, page
    assert asked(f"{node}/metrics", Authorization=f"Bearer {SECRETS['TICKPACK_METRICS_TOKEN']}")[0] == 200
    assert asked(f"{node}/metrics")[0] == 403
    assert json.loads(asked(f"{node}/healthz")[1])["status"] == "ok"
    assert asked(f"{web}/", **{"X-Forwarded-Proto": "https"})[0] == 400, "no page under a name that is not the shop's"
    with Visitor(stack, "127.0.0.6") as visitor:
        assert visitor.get("/metrics").status_code == 404, "it is the panel's name, and no page of it"


# What is not as it is normally while a store is away, and whether an open socket goes on hearing bars.
AWAY = [
    ("postgres", "stopped", {"page": "503 again"}, True),
    ("pgbouncer", "frozen", {"page": "503 again"}, True),
    ("redis-data", "frozen", {"rest": "503 again", "history": "503 again", "socket": "503", "readyz": "503"}, False),
    ("redis-broker", "stopped", {}, True),
    ("clickhouse", "frozen", {"history": "503 again"}, True),
]


@pytest.mark.parametrize(("name", "how", "changed", "bars"), AWAY, ids=[row[0] for row in AWAY])
def test_a_store_that_is_away_takes_with_it_what_needs_it_and_nothing_else(stack, buyer, name, how, changed, bars):
    wait_for(lambda: ask_everything(stack, buyer) == NORMAL)
    with Listener(buyer) as listener:
        assert listener.hears(60)
        with stack.without(name, how=how):
            if not bars:
                wait_for(lambda: listener.heard("no_feed"))
            assert ask_everything(stack, buyer) == NORMAL | changed
            assert listener.hears(60 if bars else 4) is bars
        wait_for(lambda: ask_everything(stack, buyer) == NORMAL)
        assert listener.hears(60)
        assert listener.is_open


def test_minutes_go_to_history_and_come_back_over_rest(buyer):
    key = {"X-API-Key": buyer.token, "Accept": "application/json"}

    def minutes() -> list:
        answer = buyer.get(f"/v1/market/kline?symbol={MOUTAI}&interval=1m&limit=5", headers=key)
        return answer.json()["data"]["klines"]

    assert wait_for(minutes, 90)


@pytest.mark.parametrize("name", RUNNING)
def test_a_service_has_no_secret_but_its_own_and_can_write_nowhere(stack, name):
    pairs = (stack.inside(name) / "environ").read_text().split("\0")
    found, said = dict(pair.split("=", 1) for pair in pairs if pair), stack.environment(name)
    assert set(found) - IMAGE - MACHINE == set(said)
    in_it, given = ({one for one, value in SECRETS.items() if value in each.values()} for each in (found, said))
    assert in_it == given
    seen = stack.inside(name) / "root"
    for folder in (ROOT, ROOT / "platform" / "config", Path("/etc"), Path("/var/lib"), Path("/srv")):
        with pytest.raises(OSError, match="Read-only"):
            (seen / folder.relative_to("/") / "written").touch()
    assert "CapEff:\t0000000000000000" in (stack.inside(name) / "status").read_text()


def test_logs_are_short_name_no_secret_and_no_error_that_nobody_expects(stack, buyer):
    asked_so = f"/quote-stock-b-api/kline?token={buyer.token}&query=x"  # as another system's clients do
    assert buyer.get(asked_so).status_code not in (401, 502)
    with stack.without("node", how="stopped", seconds=0):
        assert buyer.get(asked_so).status_code == 502
    wait_for(lambda: stack.log("caddy").count("/quote-stock-b-api/kline?") >= 3)  # two answers, one complaint
    for name in stack.children:
        log = stack.log(name)
        told = [one for one, value in SECRETS.items() if value in log or quote(value, safe="") in log]
        assert (name, told, buyer.token in log) == (name, [], False)
        if name in OURS:
            assert len(log) < 200_000, name
            assert "Traceback" not in log, name
            errors = [line for line in log.splitlines() if re.search(r" (ERROR|CRITICAL) ", line)]
            assert [line for line in errors if not EXPECTED.search(line)] == [], name
