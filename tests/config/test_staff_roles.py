"""The groups of staff: made once, kept as people made them, and nobody's reach longer than meant."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command

from config.staff_roles import ROLES, permissions, prepare_roles

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
MONEY = {
    "ask_refund", "decide_refund", "pay_refund_by_hand", "decide_suspense", "note_transfer", "confirm_transfer", "give_comp",
    "compensate", "close_grant", "cancel_purchase", "export_ledger", "check_books", "view_revenue",
}  # fmt: skip


def held(name):
    return set(Group.objects.get(name=name).permissions.values_list("codename", flat=True))


def test_each_role_is_made_and_may_what_its_name_says():
    assert prepare_roles() == ["support", "finance", "operator", "owner"]

    assert {name for name in held("support") if not name.startswith("view_")} == {
        "revoke_apikey",
        "answer_ticket",
    }
    assert held("support") & MONEY == set()
    assert held("finance") >= MONEY | held("support")
    assert held("operator") & (MONEY | {"give_roles", "view_purchase", "view_customer"}) == set()
    assert {"change_node", "change_feedsetting", "change_calendaroverride", "view_outbox"} <= held("operator")
    assert held("owner") >= held("finance") | held("operator") | {"give_roles", "change_group", "delete_authenticator"}
    assert not Permission.objects.filter(content_type__app_label="admin", group__isnull=False).exists()


def test_a_second_time_changes_nothing_that_people_changed():
    prepare_roles()
    Group.objects.get(name="support").permissions.clear()
    Group.objects.get(name="operator").delete()

    assert prepare_roles() == ["operator"]

    assert held("support") == set()
    assert prepare_roles(again="support") == ["support"]
    assert held("support") == {one.codename for one in permissions(ROLES["support"])}


def test_a_permission_that_is_none_is_an_error():
    with pytest.raises(ValueError, match=r"no permission billing\.view_nothing"):
        permissions(("billing.view_nothing",))


def test_preparing_the_database_makes_them(capsys):
    call_command("prepare_database")
    assert set(ROLES) <= set(Group.objects.values_list("name", flat=True))

    call_command("prepare_roles")
    assert "nothing was changed" in capsys.readouterr().out
    call_command("prepare_roles", again="owner")
    assert "made: owner" in capsys.readouterr().out
