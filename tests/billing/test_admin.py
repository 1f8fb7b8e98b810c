"""The admin: every list and form opens, money cannot be edited, and the verbs do what they say."""

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.core.cache import cache
from django.urls import reverse

from billing.models import Grant, Plan, Purchase
from nodes.models import CalendarOverride, FeedSetting, Node
from outbox.models import Outbox
from tests.factories import a_customer, a_grant, a_group, a_node, a_plan, a_purchase

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
OURS = sorted(
    (model for model in admin.site._registry if model._meta.app_label in ("billing", "nodes")), key=lambda m: str(m)
)


@pytest.fixture
def root(client, alice, node):
    a_grant(alice, node)
    a_purchase(alice, node)
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


def test_the_front_page_says_how_the_shop_is(root, node):
    a_node("hk-1", group=a_group("hk"), last_seen_at=None, capacity=0)

    page = root.get("/admin/").text

    assert "sockets sold" in page
    assert "not seen" in page
    assert "full" in page


@pytest.mark.parametrize("model", [Purchase, Grant], ids=["purchase", "grant"])
def test_money_is_shown_and_never_edited(root, model):
    row = model.objects.first()

    assert root.get(address(model, "add")).status_code == 403
    assert root.post(address(model, "change", row.pk), {"symbols": 500}).status_code == 403
    assert root.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403


def test_a_plan_is_edited_in_place(root):
    plan = a_plan()
    form = {
        "slug": "pack-5",
        "name_en": "Pack 5",
        "name_zh": "5",
        "symbols": 6,
        "price_fen": 1100,
        "max_connections": 2,
        "on_sale": "on",
        "markets": ["CN"],
        "levels": ["L1"],
        "types": ["kline"],
        "intervals": ["1.5s"],
    }

    assert root.post(address(Plan, "change", plan.pk), {**form, "markets": ["US"]}).status_code == 200
    assert root.post(address(Plan, "change", plan.pk), form).status_code == 302

    plan.refresh_from_db()
    assert (plan.symbols, plan.price_fen, plan.markets, plan.types) == (6, 1100, ["CN"], ["kline"])


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


def test_ending_a_grant_and_its_extension_together_works(root, alice, node):
    first = Grant.objects.get()
    second = a_grant(alice, node, kind="extend", extends=first.pk)

    act(root, Grant, "close", first, second)

    assert Grant.objects.filter(closure=None).count() == 0


def test_staff_without_permissions_see_and_do_nothing(client, alice, node):
    a_grant(alice, node)
    client.force_login(a_customer("helper", is_staff=True))

    for model in OURS:
        assert client.get(address(model, "changelist")).status_code == 403


def test_buyers_do_not_get_into_the_admin(client, alice):
    client.force_login(alice)

    answer = client.get("/admin/", follow=True)

    assert answer.status_code == 403
    assert "not for your account" in answer.content.decode()


def test_the_admins_door_is_everybodys_and_does_not_stay_open_for_guessing(client, db):
    """It had a form of its own, at which passwords could be tried without a limit."""
    cache.clear()
    door = client.get("/admin/", follow=True)
    assert door.redirect_chain[-1][0].startswith("/accounts/login/?next=")

    guesses = [
        client.post("/accounts/login/", {"login": "root@example.com", "password": f"wrong {nth}"}).content.decode()
        for nth in range(8)
    ]

    assert "Too many failed login attempts" in guesses[-1]
    assert "Too many failed login attempts" not in guesses[0]
    cache.clear()
