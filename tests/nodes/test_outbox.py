"""What is written in the outbox arrives: in real Redis, at the processes of open sockets, in mailboxes and queues."""

import asyncio
import json
import threading
import uuid
from datetime import timedelta

import pytest
import redis
from asgiref.sync import async_to_sync, sync_to_async
from channels.layers import get_channel_layer
from django.core import mail
from django.db import close_old_connections, connection, transaction

from kernel import keyspace
from kernel.clock import utc_now
from nodes import announcements, services, store
from nodes.models import CalendarOverride, FeedSetting, Outbox
from tests.factories import a_node

pytestmark = pytest.mark.whole


@pytest.fixture
def data_redis(settings):
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        yield client


def scope(customer: str, rev: int, max_subs: int = 5) -> dict:
    step = {"from": 0, "max_subs": max_subs, "max_conns": 2, "markets": ["CN"], "levels": ["L1"]}
    return {"sub": customer, "aud": "sh", "rev": rev, "steps": [step]}


def deliver(at=None) -> int:
    return services.deliver_outbox(now=at or utc_now())


@pytest.mark.django_db
class TestEntitlements:
    def test_the_newest_scope_is_where_nodes_look(self, data_redis):
        customer = uuid.uuid4().hex
        announcements.entitlement(scope=scope(customer, 1))

        assert deliver() == 1
        assert json.loads(data_redis.get(keyspace.entitlement(customer, "sh"))) == scope(customer, 1)

    def test_an_older_scope_that_comes_late_does_not_win(self, data_redis):
        customer = uuid.uuid4().hex
        store.write_entitlements([scope(customer, 7, max_subs=20)])
        announcements.entitlement(scope=scope(customer, 6, max_subs=5))

        assert deliver() == 1
        assert json.loads(data_redis.get(keyspace.entitlement(customer, "sh")))["rev"] == 7

    def test_writing_tells_which_scopes_were_news(self):
        customer = uuid.uuid4().hex

        assert len(store.write_entitlements([scope(customer, 1)])) == 1
        assert store.write_entitlements([scope(customer, 1)]) == []
        assert len(store.write_entitlements([scope(customer, 2)])) == 1
        assert store.write_entitlements([scope(customer, 1)]) == []

    def test_garbage_in_the_key_is_replaced(self, data_redis):
        customer = uuid.uuid4().hex
        for garbage in ("", "{", "[]", '{"rev":"9"}'):
            data_redis.set(keyspace.entitlement(customer, "sh"), garbage)

            assert len(store.write_entitlements([scope(customer, 1)])) == 1
            assert json.loads(data_redis.get(keyspace.entitlement(customer, "sh")))["rev"] == 1

    def test_streaming_processes_hear_of_it(self):
        customer = uuid.uuid4().hex
        announcements.entitlement(scope=scope(customer, 1))

        [heard] = hear(deliver, count=1)

        assert heard == {"type": "control", "kind": "entitlement", "customer": customer, "group": "sh"}


def hear(act, *, count):
    """Join the control group as a streaming process does, act in a thread, and return what was heard."""

    async def listen():
        layer = get_channel_layer()
        channel = await layer.new_channel()
        await layer.group_add(keyspace.CONTROL_GROUP, channel)
        # sync_to_async runs on the test's own thread, which holds the database connection.
        await sync_to_async(act)()
        heard = [await asyncio.wait_for(layer.receive(channel), 5) for _ in range(count)]
        await layer.group_discard(keyspace.CONTROL_GROUP, channel)
        return heard

    return async_to_sync(listen)()


@pytest.mark.django_db
class TestOtherKinds:
    def test_a_revocation_stands_until_the_token_has_expired(self, data_redis):
        jti, now = uuid.uuid4().hex, int(utc_now().timestamp())
        announcements.revocation(
            jti=jti, customer="c", group="sh", works_until_s=now + 86400, expires_at_s=now + 90 * 86400
        )

        deliver()

        assert data_redis.get(keyspace.revoked(jti)) == str(now + 86400).encode()
        assert 90 * 86400 - 60 < data_redis.ttl(keyspace.revoked(jti)) <= 90 * 86400

    def test_a_revocation_is_kept_500_days_at_most(self, data_redis):
        jti, now = uuid.uuid4().hex, 1_800_000_000
        store.write_revocation(jti=jti, works_until_s=now, expires_at_s=now + 10**9, now_s=now)

        assert data_redis.ttl(keyspace.revoked(jti)) <= 500 * 86400

    def test_a_drain_order_is_set_and_taken_back(self, data_redis):
        node, other = a_node(uuid.uuid4().hex[:12]), a_node("hk-1")
        services.drain_node(node_id=node.pk)
        deliver()
        assert data_redis.exists(keyspace.draining(node.slug))
        assert not data_redis.exists(keyspace.draining(other.slug))

        services.undrain_node(node_id=node.pk)
        deliver()
        assert not data_redis.exists(keyspace.draining(node.slug))

    def test_two_drain_orders_delivered_late_leave_the_present_state(self, data_redis):
        node = a_node(uuid.uuid4().hex[:12])
        services.drain_node(node_id=node.pk)
        services.undrain_node(node_id=node.pk)

        assert deliver() == 2
        assert not data_redis.exists(keyspace.draining(node.slug))

    def test_a_feed_setting_reaches_ingest_and_a_restart_raises_its_run(self, data_redis):
        setting = FeedSetting.objects.create(lane="HK", feed="replay", data="sets/a", speed="max")
        try:
            services.restart_replay(setting_id=setting.pk)
            deliver()

            stored = json.loads(data_redis.get(keyspace.feed_setting("HK")))
            assert stored == {"feed": "replay", "data": "sets/a", "speed": "max", "seed": 7, "run": 2}
        finally:
            data_redis.delete(keyspace.feed_setting("HK"))

    def test_a_calendar_override_comes_and_goes(self, data_redis):
        override = CalendarOverride.objects.create(lane="CN", day_on="2027-02-05", kind="half", note="eve")
        announcements.calendar_override(lane="CN", day="2027-02-05")
        deliver()
        stored = data_redis.hget(keyspace.calendar_overrides("CN"), "2027-02-05")
        assert json.loads(stored) == {"kind": "half", "note": "eve"}

        override.delete()
        announcements.calendar_override(lane="CN", day="2027-02-05")
        deliver()
        assert data_redis.hget(keyspace.calendar_overrides("CN"), "2027-02-05") is None

    def test_mail_is_sent(self):
        announcements.mail(to="alice@example.com", subject="Pack 5 is ready", body="...")

        deliver()

        [sent] = mail.outbox
        assert (sent.to, sent.subject) == (["alice@example.com"], "Pack 5 is ready")

    def test_a_task_waits_for_its_delay_and_then_stands_in_the_queue(self, settings):
        with redis.Redis.from_url(settings.CELERY_BROKER_URL) as broker:
            broker.delete("control")
            announcements.task(name="billing.nothing", kwargs={"n": 1}, delay=timedelta(seconds=30))

            assert deliver() == 0
            assert deliver(utc_now() + timedelta(seconds=31)) == 1
            [queued] = broker.lrange("control", 0, -1)
            assert json.loads(queued)["headers"]["task"] == "billing.nothing"
            broker.delete("control")


@pytest.mark.django_db
class TestTrouble:
    @pytest.fixture
    def redis_is_away(self, settings):
        settings.REDIS_URL = "redis://127.0.0.1:1/0"
        store.client.cache_clear()
        yield
        store.client.cache_clear()

    def test_what_cannot_be_delivered_waits_longer_each_time_and_says_why(self, redis_is_away):
        announcements.entitlement(scope=scope(uuid.uuid4().hex, 1))
        row, now = Outbox.objects.get(), utc_now()

        waits = []
        for _ in range(12):
            assert deliver(now) == 0
            row.refresh_from_db()
            waits.append((row.due_at - now).total_seconds())
            now = row.due_at

        assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300]
        assert (row.attempts, row.delivered_at) == (12, None)
        assert "ConnectionError" in row.last_error

    def test_one_that_waits_does_not_hold_up_the_others(self, redis_is_away):
        announcements.entitlement(scope=scope(uuid.uuid4().hex, 1))
        announcements.mail(to="bob@example.com", subject="hello", body="")

        assert deliver() == 1
        assert Outbox.objects.get(delivered_at=None).kind == "entitlement"

    def test_it_arrives_once_redis_is_back(self, settings, data_redis):
        customer, good = uuid.uuid4().hex, settings.REDIS_URL
        announcements.entitlement(scope=scope(customer, 1))
        settings.REDIS_URL = "redis://127.0.0.1:1/0"
        store.client.cache_clear()
        deliver()
        settings.REDIS_URL = good
        store.client.cache_clear()

        assert deliver(utc_now() + timedelta(seconds=3)) == 1
        assert data_redis.exists(keyspace.entitlement(customer, "sh"))
        assert Outbox.objects.get().last_error == ""

    def test_a_broker_that_is_away_costs_the_buyer_nothing(self, monkeypatch, django_capture_on_commit_callbacks):
        def away(*_args, **_kwargs):
            raise ConnectionRefusedError

        monkeypatch.setattr(announcements.current_app, "send_task", away)

        with django_capture_on_commit_callbacks(execute=True) as callbacks:
            announcements.mail(to="bob@example.com", subject="hello", body="")

        assert len(callbacks) == 1
        assert deliver() == 1

    def test_what_was_delivered_is_forgotten_after_a_week(self):
        announcements.mail(to="a@example.com", subject="", body="")
        announcements.mail(to="b@example.com", subject="", body="")
        now = utc_now()
        services.deliver_outbox(now=now, limit=1)

        assert services.purge_outbox(now=now + timedelta(days=7)) == 0
        assert services.purge_outbox(now=now + timedelta(days=7, seconds=1)) == 1
        assert Outbox.objects.get().delivered_at is None


@pytest.mark.django_db(transaction=True)
def test_a_row_of_a_transaction_that_failed_never_was():
    def say_and_fail():
        with transaction.atomic():
            announcements.mail(to="a@example.com", subject="", body="")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        say_and_fail()

    assert not Outbox.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_four_workers_at_once_send_each_mail_once():
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer")
    with transaction.atomic():
        for number in range(40):
            announcements.mail(to=f"{number}@example.com", subject="", body="")
    start, counts = threading.Barrier(4), []

    def work():
        close_old_connections()
        start.wait(5)
        counts.append(deliver())
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sum(counts) == 40
    assert sorted(int(sent.to[0].split("@")[0]) for sent in mail.outbox) == list(range(40))
