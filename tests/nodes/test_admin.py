"""Nodes, feeds and calendars in the admin: every list and form opens, and what is changed is announced."""

import html
import json
from datetime import date

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from kernel import keyspace
from kernel.clock import utc_now
from kernel.trading_days import PublishedDays
from nodes.models import CalendarHorizon, CalendarOverride, FeedSetting, LineSwitch, Node, NodeGroup
from outbox.models import Outbox
from tests.factories import NOW, a_customer, a_group, a_node

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


def act(client, model, action, *rows, **more):
    form = {"action": action, "_selected_action": [row.pk for row in rows], **more}
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


def test_a_group_s_last_ready_node_is_drained_only_after_a_yes(root, node):
    second = a_node("sh-2", group=node.group)  # active, and seen by nobody
    Node.objects.filter(pk=node.pk).update(last_seen_at=utc_now(), connections=7)

    for action in ("drain", "retire"):
        asked = act(root, Node, action, node)
        assert "left without a node that takes anybody: 7 open connections" in html.unescape(asked.text)
        assert "/readyz answers 503" in asked.text
    node.refresh_from_db()
    assert node.state == "active"

    Node.objects.filter(pk=second.pk).update(last_seen_at=utc_now())
    act(root, Node, "drain", second)  # the first one goes on
    second.refresh_from_db()
    assert second.state == "draining"
    act(root, Node, "drain", node, sure="yes")
    node.refresh_from_db()
    assert node.state == "draining"


def test_the_last_active_node_is_not_asked_for_but_refused(root, node):
    Node.objects.filter(pk=node.pk).update(last_seen_at=utc_now())

    assert "last node" in act(root, Node, "retire", node).text


def test_a_live_market_is_saved_only_with_a_line_that_counts(root):
    setting = FeedSetting.objects.get()
    form = {"lane": "CN", "feed": "live", "speed": "1", "seed": 7}
    line = {"lines-0-name": "north", "lines-0-source": "push", "lines-0-rank": "1", "lines-0-weight": "1"}
    one = {"lines-TOTAL_FORMS": "1", "lines-INITIAL_FORMS": "0", **line}

    for lines in (no_lines(), {**one, "lines-0-mode": "drain"}):
        answer = root.post(address(FeedSetting, "change", setting.pk), {**form, **lines})
        assert answer.status_code == 200
        said = "a live market without a line that counts falls silent"
        assert answer.text.count(said) == 2  # by the lines, and at the top, where one looks
    setting.refresh_from_db()
    assert (setting.feed, Outbox.objects.filter(kind="feed_setting").count()) == ("replay", 0)

    assert (
        root.post(address(FeedSetting, "change", setting.pk), {**form, **one, "lines-0-mode": "auto"}).status_code
        == 302
    )
    counted = setting.lines.get()
    gone = {**one, "lines-INITIAL_FORMS": "1", "lines-0-id": counted.pk, "lines-0-setting": setting.pk,
            "lines-0-mode": "auto", "lines-0-DELETE": "on"}  # fmt: skip
    assert root.post(address(FeedSetting, "change", setting.pk), {**form, **gone}).status_code == 200
    assert setting.lines.count() == 1
    assert (
        root.post(address(FeedSetting, "change", setting.pk), {**form, **no_lines(), "feed": "none"}).status_code == 302
    )


def test_markets_without_a_setting_say_what_they_run_and_how_to_change_it(root, data_redis):
    data_redis.hset(keyspace.feed_state("HK"), "feed", "simulated")
    try:
        page = root.get(address(FeedSetting, "changelist")).text
    finally:
        data_redis.delete(keyspace.feed_state("HK"))

    assert "<li><strong>HK</strong>: simulated</li>" in page
    assert "<strong>CN</strong>" not in page  # has one
    assert "TICKPACK_FEED" in page
    FeedSetting.objects.create(lane="HK", feed="none")
    assert "TICKPACK_FEED" not in root.get(address(FeedSetting, "changelist")).text


def no_lines(**more):
    return {"lines-TOTAL_FORMS": "0", "lines-INITIAL_FORMS": "0", **more}


def test_lines_are_chosen_on_the_page_of_their_feed_and_announced(root):
    setting = FeedSetting.objects.get()
    line = {"name": "north", "source": "push", "rank": "1", "weight": "2", "mode": "prefer"}
    form = {"lane": "CN", "feed": "live", "speed": "1", "seed": 7, "close_delay_ms": "250"}
    one = {f"lines-0-{name}": value for name, value in line.items()}
    counts = {"lines-TOTAL_FORMS": "1", "lines-INITIAL_FORMS": "0"}

    wrong = root.post(address(FeedSetting, "change", setting.pk), {**form, **one, **counts, "lines-0-name": "No good"})
    assert wrong.status_code == 200
    assert "Lower-case letters" in wrong.text
    assert root.post(address(FeedSetting, "change", setting.pk), {**form, **one, **counts}).status_code == 302

    setting.refresh_from_db()
    assert setting.as_json()["lines"] == [{**line, "rank": 1, "weight": 2}]
    assert (setting.feed, setting.close_delay_ms) == ("live", 250)
    assert Outbox.objects.filter(kind="feed_setting").count() == 1


def test_a_feeds_page_shows_how_its_lines_stand_and_who_led(root, data_redis):
    setting = FeedSetting.objects.get()
    standing = {
        "name": "north", "state": "leading", "lag_ms": 120, "lag_p99_ms": None, "rows_per_s": 7.25, "symbols": 300,
        "first": 0.75, "reasons": {"unit": 3, "late_copy": 9}, "of a newer release": 1,
        "connection": {"state": "refused", "problem": "It does not know the key.", "remark": "3 of 9 are asked for."},
    }  # fmt: skip
    data_redis.hset(keyspace.feed_state("CN"), "lines", json.dumps([standing, {"name": "odd"}, 7]))
    LineSwitch.objects.create(
        group=a_group("sh"), lane="CN", at=NOW, before="north", after="south", reason="mute"
    )  # fmt: skip
    try:
        page = root.get(address(FeedSetting, "change", setting.pk)).text
        listed = root.get(address(FeedSetting, "changelist")).text
    finally:
        data_redis.delete(keyspace.feed_state("CN"))
    for said in (
        "north",
        "leads",
        "120 ms",
        "?",
        "7.2",
        "75%",
        "a late copy 9 · units that do not fit 3",
        "north → south (silent)",
    ):
        assert said in page
    assert "odd" not in page
    assert "refused by the provider · It does not know the key. · 3 of 9 are asked for." in page
    assert "north: It does not know the key." in listed


def test_a_feed_setting_is_announced_and_its_replay_starts_again(root):
    setting = FeedSetting.objects.get()
    form = {"lane": "CN", "feed": "replay", "data": "sets/a", "speed": "600", "seed": 7, **no_lines()}

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
    setting = FeedSetting.objects.create(lane="HK", feed="live")
    data_redis.hset(keyspace.refusals("HK"), "push|unit", 12)
    data_redis.xadd(keyspace.refused_rows("HK"), {"line": "push", "reason": "unit", "row": "00700.HK <b> at 1"})
    client.force_login(a_customer("looker", is_staff=True, is_superuser=True))
    try:
        page = client.get(f"/admin/nodes/feedsetting/{setting.pk}/change/").text
    finally:
        data_redis.delete(keyspace.refusals("HK"), keyspace.refused_rows("HK"))

    assert "push units that do not fit 12" in page
    assert "00700.HK &lt;b&gt; at 1" in page


DAY = {"lane": "HK", "day_on": "2027-07-20", "kind": "full", "note": "typhoon"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"opens_at": "12:30"},
            "It must lie inside trading, 09:30-12:00 or 13:00-16:00; at the usual time leave it empty.",
        ),
        ({"closes_at": "16:00"}, "It must lie inside trading"),
        ({"kind": "half", "opens_at": "13:30"}, "It must lie inside trading, 09:30-12:00;"),
        ({"kind": "closed", "opens_at": "13:30"}, "A closed day has no times"),
        ({"opens_at": "14:00", "closes_at": "13:30"}, "It closes before it opens."),
        ({"opens_at": "13:30:30"}, "write it like 13:30"),
        ({"opens_at": "half past one"}, "Enter a valid time"),
    ],
)
def test_times_that_cannot_be_are_refused_with_what_to_write(root, change, said):
    page = root.post(address(CalendarOverride, "add"), {**DAY, **change})

    assert page.status_code == 200
    assert said in html.unescape(page.text)
    assert not CalendarOverride.objects.filter(lane="HK").exists()


def test_a_day_that_opens_late_and_closes_early_is_entered_and_announced_with_who_did_it(root):
    form = {**DAY, "opens_at": "13:30", "closes_at": "14:15"}

    assert root.post(address(CalendarOverride, "add"), form).status_code == 302

    row = CalendarOverride.objects.get(lane="HK")
    assert str(row) == "Hong Kong stocks 2027-07-20: full day 13:30 – 14:15"
    assert row.entered_by
    assert Outbox.objects.filter(kind="calendar_override", payload__day="2027-07-20").exists()


def days_that_ended_long_ago(market):
    return PublishedDays(date(2015, 1, 1), date(2020, 12, 31), frozenset(), frozenset())


def test_lists_and_the_home_page_warn_of_days_that_end_soon_until_they_are_known(root, settings):
    settings.PUBLISHED_DAYS = f"{__name__}.days_that_ended_long_ago"
    pages = [
        address(CalendarOverride, "changelist"), address(CalendarHorizon, "changelist"),
        address(FeedSetting, "changelist"), reverse("admin:index"),
    ]  # fmt: skip
    warning = "Trading days of A-shares are known until 2020-12-31"
    for page in pages:
        assert warning in root.get(page).text
        assert "manage.py import_calendar FILE" in root.get(page).text

    form = {"lane": "CN", "until_on": "2099-12-31"}
    assert root.post(address(CalendarHorizon, "add"), form).status_code == 302

    assert Outbox.objects.filter(kind="calendar_horizon").exists()
    for page in pages:
        assert warning not in root.get(page).text
    act(root, CalendarHorizon, "delete_selected", CalendarHorizon.objects.get())
