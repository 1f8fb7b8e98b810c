"""A Redis that lost its data, or went back to an older copy, has what the admin says again."""

import json

import pytest

from kernel import keyspace
from nodes.models import CalendarHorizon, CalendarOverride, FeedSetting
from nodes.services.states import drain_node
from outbox.services.restating import restate
from outbox.services.sending import deliver_outbox
from tests.factories import NOW, a_node

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
KINDS = ("drain", "feed_setting", "calendar_override", "calendar_horizon")
KEYS = [
    keyspace.feed_setting("CN"),
    keyspace.calendar_overrides("CN"),
    keyspace.draining("sh-1"),
    keyspace.draining("sh-2"),
    keyspace.calendar_horizon("CN"),
]


@pytest.fixture(autouse=True)
def nothing_is_left(data_redis):
    yield
    data_redis.delete(*KEYS)


@pytest.fixture
def shop(data_redis):
    node = a_node()
    a_node("sh-2")
    drain_node(node_id=node.pk)
    FeedSetting.objects.create(lane="CN", feed="none")
    CalendarOverride.objects.create(lane="CN", day_on="2027-02-05", kind="closed", note="typhoon")
    CalendarOverride.objects.create(lane="CN", day_on="2027-07-20", kind="full", opens_at="13:30", closes_at="14:15")
    CalendarHorizon.objects.create(lane="CN", until_on="2027-12-31")
    deliver_outbox(now=NOW)
    restate(now=NOW)
    return data_redis


def held(client):
    setting, draining, other = client.get(KEYS[0]), client.get(KEYS[2]), client.get(KEYS[3])
    days = {day.decode(): json.loads(value) for day, value in client.hgetall(KEYS[1]).items()}
    return json.loads(setting)["feed"], days, draining, other, client.get(KEYS[4])


DAYS = {
    "2027-02-05": {"kind": "closed", "note": "typhoon"},
    "2027-07-20": {"kind": "full", "opens": "13:30", "closes": "14:15", "note": ""},
}
TRUTH = ("none", DAYS, b"1", None, b"2027-12-31")


def test_a_market_that_was_set_to_none_runs_no_made_up_feed_after_a_loss(shop):
    assert held(shop) == TRUTH
    shop.delete(*KEYS)

    changed = restate(now=NOW)

    assert held(shop) == TRUTH
    assert {name: changed[name] for name in KINDS} == {
        "drain": 1, "feed_setting": 1, "calendar_override": 2, "calendar_horizon": 1,
    }  # fmt: skip


def test_an_older_copy_is_brought_up_to_date(shop):
    shop.set(KEYS[0], json.dumps({"feed": "simulated"}))
    shop.hset(KEYS[1], mapping={"2027-02-05": json.dumps({"kind": "half", "note": ""}), "2027-02-06": "{}"})
    shop.delete(KEYS[2])
    shop.set(KEYS[3], "1")
    shop.set(KEYS[4], "2026-12-31")

    restate(now=NOW)

    assert held(shop) == TRUTH


def test_what_is_as_it_should_be_is_nobodys_news(shop):
    changed = restate(now=NOW)
    assert {name: changed[name] for name in KINDS} == dict.fromkeys(KINDS, 0)


def test_a_horizon_that_was_taken_back_is_gone_everywhere(shop):
    CalendarHorizon.objects.all().delete()

    assert restate(now=NOW)["calendar_horizon"] == 1
    assert shop.get(KEYS[4]) is None
