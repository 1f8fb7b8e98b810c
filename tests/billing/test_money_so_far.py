"""A shop that sold before there was a ledger is carried over: every notice is a fact, every fen is booked once."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from django.db import connection

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.whole

BEFORE = """
import datetime
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
executor = MigrationExecutor(connection)
apps = executor.loader.project_state([("billing", "0003_plan_intervals")]).apps
now = datetime.datetime(2026, 11, 21, tzinfo=datetime.timezone.utc)
get = apps.get_model
customer = get("accounts", "Customer").objects.create(email="alice@example.com", password="x")
group = get("nodes", "NodeGroup").objects.create(slug="sh", name="SH")
node = get("nodes", "Node").objects.create(slug="sh-1", group=group, region="x", ws_url="wss://x/ws", health_url="http://x")
plan = get("billing", "Plan").objects.create(slug="pack-5", name_en="5", name_zh="5", symbols=5, price_fen=1000, max_connections=2)
def purchase(key, state, price=1000, **more):
    paid = {"settled_at": now, "paid_fen": price} if state == "settled" else {}
    made = get("billing", "Purchase").objects.create(customer=customer, idempotency_key=key, body_hash="h", kind="stack",
        plan=plan, node=node, group=group, months=1, price_fen=price, due_fen=price, gateway="sandbox", state=state,
        symbols=5, max_connections=2, markets=["CN"], levels=["L1"], types=["kline"], intervals=["1m"],
        public_id=key * 8, placed_at=now, price_until_at=now + datetime.timedelta(minutes=15), **paid, **more)
    if state == "settled":
        get("billing", "Grant").objects.create(customer=customer, group=group, purchase=made, starts_at=now,
            ends_at=now + datetime.timedelta(days=30), symbols=5, max_connections=2, markets=["CN"], levels=["L1"],
            types=["kline"], intervals=["1m"])
    return made
def notice(event, outcome, purchase=None, fen=1000, currency="CNY"):
    get("billing", "GatewayNotice").objects.create(provider="sandbox", event_id=event, purchase=purchase,
        order_id=purchase.public_id if purchase else "nobody", amount_fen=fen, currency=currency, paid_at=now,
        received_at=now, outcome=outcome)
settled, dearer, waiting = purchase("aaaa", "settled"), purchase("bbbb", "settled", 1200), purchase("cccc", "pending")
notice("e1", "settled", settled)
notice("e2", "settled", dearer, 1200)
notice("e3", "already_settled", settled)
notice("e4", "amount_mismatch", waiting, 900)
notice("e5", "amount_mismatch", waiting, 1000, "USD")
notice("e6", "unknown_purchase", None, 700)
notice("e7", "declined", waiting)
"""
AFTER = """
import json
from billing.models import *
from billing.services import books
from django.db.models import Sum
from kernel.clock import utc_now
print(json.dumps({
    "facts": sorted(PaymentFact.objects.values_list("reference", "kind", "outcome")),
    "suspense": sorted(Suspense.objects.values_list("fact__reference", "reason", "state")),
    "versions": sorted(PlanVersion.objects.values_list("number", "price_fen")),
    "named": sorted(Purchase.objects.values_list("public_id", "plan_version__price_fen")),
    "attempts": sorted(PaymentAttempt.objects.values_list("order_no", "state")),
    "balances": sorted(LedgerLine.objects.values_list("account__code").annotate(total=Sum("amount_fen"))),
    "differences": [one for one in books.differences(now=utc_now()) if " since " not in one],
}))
"""


@pytest.fixture
def database():
    """An empty database of its own on the tests' server."""
    if connection.vendor != "postgresql":
        pytest.skip("the tests run on SQLite here")
    parameters = connection.get_connection_params()
    parameters = {name: parameters[name] for name in ("user", "password", "host", "port") if parameters.get(name)}
    with psycopg.connect(dbname="postgres", autocommit=True, **parameters) as server:
        server.execute("DROP DATABASE IF EXISTS carried_over")
        server.execute("CREATE DATABASE carried_over")
        base = os.environ["DATABASE_URL"].rsplit("/", 1)[0]
        yield f"{base}/carried_over"
        server.execute("DROP DATABASE carried_over WITH (FORCE)")


def test_every_notice_becomes_a_fact_and_every_fen_is_booked_once(database):
    def run(*words, given=None):
        env = {**os.environ, "DATABASE_URL": database}
        done = subprocess.run(
            [sys.executable, "manage.py", *words], cwd=ROOT, env=env, input=given, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    run("migrate", "billing", "0003", "-v0")
    run("migrate", "nodes", "0007", "-v0")
    run("migrate", "accounts", "-v0")
    run("shell", "-v0", given=BEFORE)
    run("migrate", "-v0")
    told = json.loads(run("shell", "-v0", given=AFTER).splitlines()[-1])

    assert told["facts"] == [
        ["e1", "paid", "settled"], ["e2", "paid", "settled"], ["e3", "paid", "suspense"], ["e4", "paid", "suspense"],
        ["e5", "paid", "suspense"], ["e6", "paid", "suspense"], ["e7", "declined", "noted"],
    ]  # fmt: skip
    assert told["suspense"] == [
        ["e3", "second_payment", "open"], ["e4", "wrong_amount", "open"], ["e5", "wrong_currency", "open"],
        ["e6", "unknown_order", "open"],
    ]  # fmt: skip
    assert told["versions"] == [[1, 1000], [2, 1200]]
    assert told["named"] == [["aaaa" * 8, 1000], ["bbbb" * 8, 1200], ["cccc" * 8, 1000]]
    assert told["attempts"] == [["aaaa" * 8, "paid"], ["bbbb" * 8, "paid"], ["cccc" * 8, "closed"]]
    assert told["balances"] == [
        ["deferred", -2200], ["gateway:sandbox", 4800], ["gateway:sandbox/USD", 1000], ["suspense:sandbox", -2600],
        ["suspense:sandbox/USD", -1000],
    ]  # fmt: skip
    assert told["differences"] == []
