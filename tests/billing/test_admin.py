"""The admin: every list and form opens, money cannot be edited, and the verbs do what they say."""

import pytest
from django.contrib import admin
from django.urls import reverse

from billing.models import Grant, Plan, Purchase
from tests.factories import a_customer, a_grant, a_plan, a_purchase

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
OURS = sorted((model for model in admin.site._registry if model._meta.app_label == "billing"), key=lambda m: str(m))


@pytest.fixture
def root(client, alice, node):
    a_grant(alice, node)
    a_purchase(alice, node)
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


@pytest.mark.parametrize("model", [Purchase, Grant], ids=["purchase", "grant"])
def test_money_is_shown_and_never_edited(root, model):
    row = model.objects.first()

    assert root.get(address(model, "add")).status_code == 403
    assert root.post(address(model, "change", row.pk), {"symbols": 500}).status_code == 403
    assert root.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403


def test_a_new_plan_has_what_the_model_gives_it_ticked(root):
    form, fresh = root.get(address(Plan, "add")).context["adminform"].form, Plan()
    for name in ("markets", "levels", "types", "intervals"):
        assert form[name].value() == getattr(fresh, name) != [], name


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


def test_ending_a_grant_and_its_extension_together_works(root, alice, node):
    first = Grant.objects.get()
    second = a_grant(alice, node, kind="extend", extends=first.pk)

    assert "No money goes back" in act(root, Grant, "close", first, second).text
    assert Grant.objects.filter(closure=None).count() == 2
    act(root, Grant, "close", first, second, sure="yes")

    assert Grant.objects.filter(closure=None).count() == 0


def test_staff_without_permissions_see_and_do_nothing(client, alice, node):
    a_grant(alice, node)
    client.force_login(a_customer("helper", is_staff=True))

    for model in OURS:
        assert client.get(address(model, "changelist")).status_code == 403
