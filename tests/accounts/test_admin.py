"""People in the admin: nobody makes themselves more than they are, and nobody is removed."""

import pytest
from django.urls import reverse

from tests.factories import a_customer

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def address(page, *args):
    return reverse(f"admin:accounts_customer_{page}", args=args)


def test_a_persons_language_is_changed_and_their_address_is_not(client):
    alice = a_customer("alice")
    client.force_login(a_customer("root", is_staff=True, is_superuser=True))

    client.post(address("change", alice.pk), {"language": "zh-hans", "is_active": "on", "email": "x@example.com"})

    alice.refresh_from_db()
    assert (alice.language, alice.email) == ("zh-hans", "alice@example.com")


def test_nobody_is_added_or_removed_here(client):
    alice = a_customer("alice")
    client.force_login(a_customer("root", is_staff=True, is_superuser=True))

    assert client.get(address("add")).status_code == 403
    assert client.post(address("delete", alice.pk), {"post": "yes"}).status_code == 403


def test_an_admin_who_may_edit_customers_cannot_become_more(client):
    from django.contrib.auth.models import Permission

    helper = a_customer("helper", is_staff=True)
    helper.user_permissions.set(Permission.objects.filter(codename__in=["change_customer", "view_customer"]))
    client.force_login(helper)

    client.post(address("change", helper.pk), {"is_active": "on", "is_staff": "on", "is_superuser": "on"})

    helper.refresh_from_db()
    assert not helper.is_superuser
