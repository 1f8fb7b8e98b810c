"""Nodes, feeds and calendars in the admin: every list and form opens, and what is changed is announced."""

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from kernel import keyspace
from nodes.models import CalendarOverride, FeedSetting, Node, NodeGroup
from outbox.models import Outbox
from tests.factories import a_customer, a_group

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
OURS = sorted((model for model in admin.site._registry if model._meta.app_label == "nodes"), key=lambda m: str(m))


@pytest.fixture
def root(client, node):
    FeedSetting.objects.create(lane="CN", feed="replay")
    CalendarOverride.objects.create(lane="CN", day_on="2027-02-05", kind="half")
    client.force_login(a_customer("root", is_staff=True, is_superuser=True))
    return client


def address(model, page, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def act(client, model, action, *rows):
    form = {"action": action, "_selected_action": [row.pk for row in rows]}
    return client.post(address(model, "changelist"), form, follow=True)


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.model_name)
def test_every_list_and_every_row_opens(root, model):
    assert root.get(address(model, "changelist")).status_code == 200
    for row in model.objects.all()[:1]:
        assert root.get(address(model, "change", row.pk)).status_code == 200


def test_a_new_node_has_what_the_model_gives_it_ticked(root):
    form = root.get(address(Node, "add")).context["adminform"].form
    assert form["markets"].value() == ["CN", "HK"]
    assert form["levels"].value() == ["L1"]


def test_a_group_elsewhere_has_an_address_that_can_be_one(root):
    form = {"slug": "hk", "name": "Hong Kong", "transport": "redis", "address": "hk.example"}

    assert root.post(address(NodeGroup, "add"), form).status_code == 200
    assert root.post(address(NodeGroup, "add"), {**form, "address": "redis://127.0.0.1:1/0"}).status_code == 302

    assert NodeGroup.objects.get(slug="hk").address == "redis://127.0.0.1:1/0"


def test_a_feed_is_shown_of_every_redis(root):
    hong_kong = a_group("hk")
    hong_kong.address = "redis://127.0.0.1:1/0"
    hong_kong.save()

    assert "hk: the Redis of the node group does not answer" in root.get(address(FeedSetting, "changelist")).text


def test_a_node_is_added_drained_put_back_and_retired(root, node):
    form = {
        "slug": "sh-2",
        "group": node.group_id,
        "region": "Shanghai",
        "ws_url": "wss://sh-2.example:8443/ws/stock",
        "health_url": "https://sh-2.example/healthz",
        "markets": ["CN", "HK"],
        "levels": ["L1"],
        "realtime": "on",
        "token_kind": "tickpack",
        "capacity": 10,
    }
    assert root.post(address(Node, "add"), {**form, "ws_url": "https://wrong.example/"}).status_code == 200
    assert root.post(address(Node, "add"), form).status_code == 302
    second = Node.objects.get(slug="sh-2")

    for action, state in (("drain", "draining"), ("undrain", "active"), ("retire", "retired")):
        act(root, Node, action, second)
        second.refresh_from_db()
        assert second.state == state

    assert Outbox.objects.filter(kind="drain").count() == 3
    assert LogEntry.objects.filter(object_id=str(second.pk), change_message__contains="retired").exists()
    assert "last node" in act(root, Node, "retire", node).text
    node.refresh_from_db()
    assert node.state == "active"


def test_a_feed_setting_is_announced_and_its_replay_starts_again(root):
    setting = FeedSetting.objects.get()
    form = {"lane": "CN", "feed": "replay", "data": "sets/a", "speed": "600", "seed": 7}

    assert root.post(address(FeedSetting, "change", setting.pk), {**form, "speed": "fast"}).status_code == 200
    root.post(address(FeedSetting, "change", setting.pk), form)
    act(root, FeedSetting, "restart", setting)

    setting.refresh_from_db()
    assert (setting.speed, setting.run) == ("600", 2)
    assert Outbox.objects.filter(kind="feed_setting").count() == 2


def test_a_calendar_override_is_announced_when_it_comes_and_when_it_goes(root):
    form = {"lane": "HK", "day_on": "2027-02-05", "kind": "closed", "note": "typhoon"}

    root.post(address(CalendarOverride, "add"), form)
    root.post(address(CalendarOverride, "delete", CalendarOverride.objects.get(lane="HK").pk), {"post": "yes"})

    assert [row.payload for row in Outbox.objects.filter(kind="calendar_override")] == [
        {"lane": "HK", "day": "2027-02-05", "group": ""}
    ] * 2


def test_a_feed_s_page_shows_the_rows_that_did_not_count(client, data_redis):
    setting = FeedSetting.objects.create(lane="HK", feed="push")
    data_redis.hset(keyspace.refusals("HK"), "push|unit", 12)
    data_redis.xadd(keyspace.refused_rows("HK"), {"line": "push", "reason": "unit", "row": "00700.HK <b> at 1"})
    client.force_login(a_customer("looker", is_staff=True, is_superuser=True))
    try:
        page = client.get(f"/admin/nodes/feedsetting/{setting.pk}/change/").text
    finally:
        data_redis.delete(keyspace.refusals("HK"), keyspace.refused_rows("HK"))

    assert "push unit 12" in page
    assert "00700.HK &lt;b&gt; at 1" in page
