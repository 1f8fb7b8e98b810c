"""What every verb has: its own address, a permission, a sentence for what is refused."""

from decimal import Decimal

import pytest
from django.contrib import admin
from django.urls import reverse

from billing.admin.verbs import Office, fen, sentence
from billing.errors import AlreadyDecided, NotThatMoney, PaymentsOff
from billing.models import Refund

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
OFFICES = [one for one in admin.site._registry.values() if isinstance(one, Office)]


def test_a_refusal_is_a_sentence_in_the_readers_language_with_the_service_s_own_words():
    assert sentence(AlreadyDecided(state="used")) == "Somebody has decided this already."
    assert sentence(NotThatMoney("there is no order 'x'")).endswith("there is no order 'x'")
    assert sentence(PaymentsOff()) == "No payment gateway is set up here"


@pytest.mark.parametrize(("amount", "expected"), [("0.01", 1), ("0.29", 29), ("1234567.89", 123456789)])
def test_a_sum_of_yuan_is_a_whole_number_of_fen(amount, expected):
    assert fen(Decimal(amount)) == expected


@pytest.mark.parametrize("office", OFFICES, ids=lambda one: one.model._meta.model_name)
def test_rows_of_money_and_rights_are_never_added_edited_or_deleted_whoever_asks(office, rf):
    request = rf.get("/")
    request.user = type("Everybody", (), {"has_perm": lambda self, *_: True, "is_active": True, "is_staff": True})()

    assert not office.has_add_permission(request)
    assert not office.has_change_permission(request)
    assert not office.has_delete_permission(request)


@pytest.mark.parametrize("office", OFFICES, ids=lambda one: one.model._meta.model_name)
def test_every_verb_asks_for_a_permission_that_there_is(office):
    from django.contrib.auth.models import Permission

    known = {
        f"{one.content_type.app_label}.{one.codename}" for one in Permission.objects.select_related("content_type")
    }

    for verb in office.verbs:
        assert verb.permissions
        assert set(verb.permissions) <= known, verb.name


def test_an_unknown_verb_and_an_unknown_row_are_not_found(desk_of):
    desk = desk_of("owner", "view_refund", "decide_refund")

    assert desk.client.get(reverse("admin:billing_refund_verb", args=["decide"])).status_code == 404
    assert desk.client.get(reverse("admin:billing_refund_row_verb", args=[9999, "decide"])).status_code == 404
    assert desk.client.get(reverse("admin:billing_refund_row_verb", args=[9999, "nonsense"])).status_code == 404
    assert not Refund.objects.exists()


@pytest.mark.parametrize("office", OFFICES, ids=lambda one: one.model._meta.model_name)
def test_a_row_s_page_shows_no_column_with_a_label_which_unfold_draws_in_lists_alone(office):
    shown = [*(office.fields or ()), *office.readonly_fields]
    labelled = [name for name in shown if hasattr(getattr(office, name, None), "label")]

    assert labelled == []
