"""Nodes, feeds and calendars in the admin: every list and form opens, and what is changed is announced."""

import html
from datetime import date

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from kernel.trading_days import PublishedDays
from nodes.models import CalendarHorizon, CalendarOverride, FeedSetting, Node, NodeGroup
from outbox.models import Outbox

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
OURS = sorted((model for model in admin.site._registry if model._meta.app_label == "nodes"), key=lambda m: str(m))


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


def test_a_calendar_override_is_announced_when_it_comes_and_when_it_goes(root):
    form = {"lane": "HK", "day_on": "2027-02-05", "kind": "closed", "note": "typhoon"}

    root.post(address(CalendarOverride, "add"), form)
    root.post(address(CalendarOverride, "delete", CalendarOverride.objects.get(lane="HK").pk), {"post": "yes"})

    assert [row.payload for row in Outbox.objects.filter(kind="calendar_override")] == [
        {"lane": "HK", "day": "2027-02-05", "group": ""}
    ] * 2


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
