"""Whose number is whose; who may do what to whom: nobody touches a person, or a group, that may do more than they do."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission

from accounts import selectors, services
from accounts.models import Customer, SmsDay
from tests.factories import NOW, a_customer

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def staff(name, *codenames, **flags):
    person = a_customer(name, is_staff=True, **flags)
    person.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return Customer.objects.get(pk=person.pk)  # permissions are remembered by the instance


def test_a_buyer_may_be_touched_and_a_superuser_never():
    support, alice, root = staff("support"), a_customer("alice"), staff("root", is_superuser=True)

    assert selectors.may_touch(support, alice)
    assert not selectors.may_touch(support, root)
    assert selectors.may_touch(root, support)
    assert selectors.may_touch(root, root)


def test_a_colleague_may_be_touched_by_who_may_do_as_much():
    support, finance = staff("support", "view_plan"), staff("finance", "view_plan", "view_purchase")

    assert not selectors.may_touch(support, finance)
    assert selectors.may_touch(finance, support)


def test_a_group_is_edited_by_who_has_all_of_it():
    group = Group.objects.create(name="finance")
    group.permissions.set(Permission.objects.filter(codename__in=["view_plan", "view_purchase"]))

    assert not selectors.may_edit_group(staff("support", "view_plan"), group)
    assert selectors.may_edit_group(staff("finance", "view_plan", "view_purchase"), group)


def test_what_is_given_is_what_one_has_by_oneself_or_by_a_group():
    group = Group.objects.create(name="nodes")
    group.permissions.set(Permission.objects.filter(codename="view_node"))
    support = staff("support", "view_plan")
    support.groups.add(group)

    assert {one.codename for one in selectors.permissions_to_give(support)} == {"view_plan", "view_node"}
    assert selectors.permissions_to_give(staff("root", is_superuser=True)).count() == Permission.objects.count()


@pytest.mark.django_db
def test_who_looks_after_something_is_active_staff_that_may_see_it():
    owner = a_customer("owner", is_staff=True, is_superuser=True)
    finance, former = a_customer("finance", is_staff=True), a_customer("former", is_staff=True, is_active=False)
    a_customer("support", is_staff=True)
    a_customer("alice")
    for person in (finance, former):
        person.user_permissions.add(Permission.objects.get(codename="view_refund"))

    assert selectors.staff_who_may("billing.view_refund") == [owner, finance]


def test_a_number_is_told_of_who_proved_it_and_of_nobody_else():
    alice = a_customer("alice", phone="+8613800138000", phone_verified_at=NOW)
    former = a_customer("bob", phone="+8613900139000", phone_verified_at=NOW, is_active=False)

    assert (selectors.verified_phone(alice), selectors.verified_phone(a_customer("carol"))) == ("+8613800138000", "")
    assert selectors.by_phone("+8613800138000") == alice
    assert selectors.by_phone(former.phone) is None


def test_the_day_is_full_where_one_more_message_would_pass_the_cap(settings):
    settings.SMS_PRICE_FEN, settings.SMS_DAILY_CAP_FEN = 5, 12
    assert (selectors.sms_is_full(NOW), selectors.sms_full_at(NOW)) == (False, None)

    day = SmsDay.objects.create(day=selectors.sms_day(NOW), spent_fen=7)
    assert not selectors.sms_is_full(NOW)
    SmsDay.objects.update(spent_fen=8, full_at=NOW)

    assert (selectors.sms_is_full(NOW), selectors.sms_full_at(NOW)) == (True, NOW)
    assert str(day) == str(selectors.sms_day(NOW))


def test_keys_that_work_are_neither_revoked_nor_over_nor_another_s():
    alice, made = a_customer("alice"), {"name": "n", "scopes": ["read"], "now": NOW}
    first, _ = services.create_api_key(customer=alice, **made)
    second, _ = services.create_api_key(customer=alice, expires_at=NOW + timedelta(days=1), **made)
    revoked, _ = services.create_api_key(customer=alice, **made)
    services.revoke_api_key(key=revoked, now=NOW)
    services.create_api_key(customer=a_customer("bob"), **made)

    assert selectors.api_keys_of(alice, NOW) == [second, first]
    assert selectors.api_keys_of(alice, NOW + timedelta(days=1)) == [first]
