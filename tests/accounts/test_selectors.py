"""Who may do what to whom: nobody touches a person, or a group, that may do more than they do."""

import pytest
from django.contrib.auth.models import Group, Permission

from accounts import selectors
from accounts.models import Customer
from tests.factories import a_customer

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
