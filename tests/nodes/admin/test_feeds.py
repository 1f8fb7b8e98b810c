"""Which feed a market runs is chosen, shown and announced; what would silence a market is refused."""

import json

import pytest

from kernel import keyspace
from nodes.models import FeedSetting, LineSwitch
from outbox.models import Outbox
from tests.factories import NOW, a_customer, a_group
from tests.nodes.test_admin import act, address

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def test_a_feed_is_shown_of_every_redis(root):
    hong_kong = a_group("hk")
    hong_kong.address = "redis://127.0.0.1:1/0"
    hong_kong.save()

    assert "hk: the Redis of the node group does not answer" in root.get(address(FeedSetting, "changelist")).text


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

    assert "<li><strong>Hong Kong stocks</strong>: made up</li>" in page
    assert "<strong>A-shares</strong>" not in page  # has one
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
