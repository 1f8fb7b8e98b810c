"""What is said of rights, nodes, feeds and days arrives in the Redis of the group that it is for."""

import asyncio
import json
import uuid

import pytest
import redis
from asgiref.sync import async_to_sync, sync_to_async
from channels.layers import get_channel_layer

from kernel import keyspace
from kernel.clock import utc_now
from nodes import announcements, store
from nodes.models import CalendarOverride, FeedSetting
from nodes.services import states
from nodes.services.feeds import restart_replay
from outbox.models import Outbox
from outbox.services.sending import deliver_outbox
from outbox.transports.redis import RedisLink
from streaming.domain.lines import LineSetting
from streaming.ingest.choice import choice_for, close_delay_ms_for, lines_for
from tests.factories import a_group, a_node

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def group():
    return a_group("sh")


def scope(customer: str, rev: int, max_subs: int = 5, group: str = "sh") -> dict:
    step = {"from": 0, "max_subs": max_subs, "max_conns": 2, "markets": ["CN"], "levels": ["L1"]}
    return {"sub": customer, "aud": group, "rev": rev, "steps": [step]}


def deliver() -> int:
    return deliver_outbox(now=utc_now())


class TestEntitlements:
    def test_the_newest_scope_is_where_nodes_look(self, data_redis):
        customer = uuid.uuid4().hex
        announcements.entitlement(scope=scope(customer, 1))

        assert deliver() == 1
        assert json.loads(data_redis.get(keyspace.entitlement(customer, "sh"))) == scope(customer, 1)

    def test_an_older_scope_that_comes_late_does_not_win(self, data_redis):
        customer = uuid.uuid4().hex
        RedisLink().apply([store.entitlement(scope(customer, 7, max_subs=20))])
        announcements.entitlement(scope=scope(customer, 6, max_subs=5))

        assert deliver() == 1
        assert json.loads(data_redis.get(keyspace.entitlement(customer, "sh")))["rev"] == 7

    def test_streaming_processes_hear_of_it(self):
        customer = uuid.uuid4().hex
        announcements.entitlement(scope=scope(customer, 1))

        [heard] = hear(deliver, count=1)

        assert heard == {"type": "control", "kind": "entitlement", "customer": customer, "group": "sh"}

    def test_one_for_a_group_that_nobody_knows_waits_and_says_so(self):
        announcements.entitlement(scope=scope("c", 1, group="atlantis"))

        assert deliver() == 0
        assert "NoSuchGroup" in Outbox.objects.get().last_error


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


class TestTwoGroups:
    """Nothing assumes that all groups share one Redis."""

    @pytest.fixture
    def hong_kong(self, second_redis_url):
        group = a_group("hk")
        group.address = second_redis_url
        group.save()
        with redis.Redis.from_url(second_redis_url) as client:
            client.flushall()
            yield client
            client.flushall()

    def test_an_entitlement_goes_to_its_groups_redis_and_not_to_the_others(self, data_redis, hong_kong):
        ours, theirs = uuid.uuid4().hex, uuid.uuid4().hex
        announcements.entitlement(scope=scope(ours, 1, group="sh"))
        announcements.entitlement(scope=scope(theirs, 1, group="hk"))

        assert deliver() == 2
        assert (data_redis.exists(keyspace.entitlement(ours, "sh")), hong_kong.dbsize()) == (1, 1)
        assert hong_kong.exists(keyspace.entitlement(theirs, "hk"))
        assert not data_redis.exists(keyspace.entitlement(theirs, "hk"))

    def test_so_do_revocations_and_drain_orders(self, data_redis, hong_kong):
        jti, now = uuid.uuid4().hex, int(utc_now().timestamp())
        node = a_node(uuid.uuid4().hex[:12], group=a_group("hk"))
        announcements.revocation(jti=jti, customer="c", group="hk", works_until_s=now, expires_at_s=now + 100)
        states.drain_node(node_id=node.pk)

        assert deliver() == 2
        assert hong_kong.exists(keyspace.revoked(jti), keyspace.draining(node.slug)) == 2
        assert data_redis.exists(keyspace.revoked(jti), keyspace.draining(node.slug)) == 0

    def test_feeds_and_days_go_to_every_redis_once(self, data_redis, hong_kong):
        a_group("sz")  # shares the panel's own with sh
        CalendarOverride.objects.create(lane="HK", day_on="2027-02-05", kind="half")
        announcements.calendar_override(lane="HK", day="2027-02-05")

        assert deliver() == 2
        assert data_redis.hdel(keyspace.calendar_overrides("HK"), "2027-02-05") == 1
        assert hong_kong.hexists(keyspace.calendar_overrides("HK"), "2027-02-05")

    def test_a_group_whose_redis_is_away_keeps_no_other_waiting(self, data_redis, hong_kong):
        far = a_group("far")
        far.address = "redis://127.0.0.1:1/0"
        far.save()
        customer = uuid.uuid4().hex
        announcements.entitlement(scope=scope(customer, 1, group="far"))
        announcements.entitlement(scope=scope(customer, 1, group="hk"))

        assert deliver() == 1
        assert "ConnectionError" in Outbox.objects.get(delivered_at=None).last_error
        assert hong_kong.exists(keyspace.entitlement(customer, "hk"))


class TestOtherKinds:
    def test_a_revocation_stands_until_the_token_has_expired(self, data_redis):
        jti, now = uuid.uuid4().hex, int(utc_now().timestamp())
        announcements.revocation(
            jti=jti, customer="c", group="sh", works_until_s=now + 86400, expires_at_s=now + 90 * 86400
        )

        deliver()

        assert data_redis.get(keyspace.revoked(jti)) == str(now + 86400).encode()
        assert 90 * 86400 - 60 < data_redis.ttl(keyspace.revoked(jti)) <= 90 * 86400

    def test_a_drain_order_is_set_and_taken_back(self, data_redis):
        node, other = a_node(uuid.uuid4().hex[:12]), a_node("hk-1")
        states.drain_node(node_id=node.pk)
        deliver()
        assert data_redis.exists(keyspace.draining(node.slug))
        assert not data_redis.exists(keyspace.draining(other.slug))

        states.undrain_node(node_id=node.pk)
        deliver()
        assert not data_redis.exists(keyspace.draining(node.slug))

    def test_two_drain_orders_delivered_late_leave_the_present_state(self, data_redis):
        node = a_node(uuid.uuid4().hex[:12])
        states.drain_node(node_id=node.pk)
        states.undrain_node(node_id=node.pk)

        assert deliver() == 2
        assert not data_redis.exists(keyspace.draining(node.slug))

    def test_a_feed_setting_reaches_ingest_and_a_restart_raises_its_run(self, data_redis):
        setting = FeedSetting.objects.create(lane="HK", feed="replay", data="sets/a", speed="max")
        try:
            restart_replay(setting_id=setting.pk)
            deliver()

            stored = json.loads(data_redis.get(keyspace.feed_setting("HK")))
            assert stored == {"feed": "replay", "data": "sets/a", "speed": "max", "seed": 7, "run": 2, "lines": []}
        finally:
            data_redis.delete(keyspace.feed_setting("HK"))

    def test_a_live_feed_s_lines_and_its_delay_reach_ingest(self, data_redis):
        setting = FeedSetting.objects.create(lane="HK", feed="live", close_delay_ms=250)
        setting.lines.create(name="b", rank=2, weight=3, mode="prefer")
        setting.lines.create(name="a")
        announcements.feed_setting(lane="HK")
        try:
            deliver()
            stored = json.loads(data_redis.get(keyspace.feed_setting("HK")))
            assert lines_for(stored) == (LineSetting("a"), LineSetting("b", "push", 2, 3, "prefer"))
            assert close_delay_ms_for(choice_for("HK", stored), stored) == 250
        finally:
            data_redis.delete(keyspace.feed_setting("HK"))

    def test_a_setting_that_is_gone_gives_the_choice_back(self, data_redis):
        data_redis.set(keyspace.feed_setting("HK"), "{}")
        announcements.feed_setting(lane="HK")

        deliver()

        assert not data_redis.exists(keyspace.feed_setting("HK"))

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

    def test_rows_of_an_older_version_name_no_group_and_mean_the_panels_own(self, data_redis):
        CalendarOverride.objects.create(lane="CN", day_on="2027-02-08", kind="half")
        now = utc_now()
        payload = {"lane": "CN", "day": "2027-02-08"}
        Outbox.objects.create(kind="calendar_override", payload=payload, created_at=now, due_at=now)

        assert deliver() == 1
        assert data_redis.hdel(keyspace.calendar_overrides("CN"), "2027-02-08") == 1
