"""People in the admin: nobody makes themselves more than they are, and nobody is removed."""

import pytest
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.urls import reverse

from accounts.models import SmsMessage
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


def give(client, person, **form):
    return client.post(
        reverse("admin:accounts_customer_change", args=[person.pk]), {"language": "en", "is_active": "on", **form}
    )


def test_who_gives_roles_gives_what_they_may_do_themselves_and_makes_no_superuser(client, db):
    alice, owner = a_customer("alice"), a_customer("owner", is_staff=True)
    lesser, greater = Group.objects.create(name="lesser"), Group.objects.create(name="greater")
    rights = {one.codename: one for one in Permission.objects.all()}
    lesser.permissions.add(rights["view_purchase"])
    greater.permissions.add(rights["decide_refund"])
    owner.user_permissions.add(
        *(rights[name] for name in ("give_roles", "view_customer", "change_customer", "view_purchase"))
    )
    client.force_login(owner)

    assert give(client, alice, is_staff="on", is_superuser="on", groups=[lesser.pk]).status_code == 302
    assert give(client, alice, is_staff="on", groups=[greater.pk]).status_code == 200  # no such choice

    alice.refresh_from_db()
    assert (alice.is_staff, alice.is_superuser, list(alice.groups.all())) == (True, False, [lesser])


def test_who_may_not_give_roles_makes_nobody_staff(client, db):
    alice, helper = a_customer("alice"), a_customer("helper", is_staff=True)
    helper.user_permissions.add(*Permission.objects.filter(codename__in=["view_customer", "change_customer"]))
    client.force_login(helper)

    give(client, alice, is_staff="on")

    alice.refresh_from_db()
    assert not alice.is_staff


def test_a_second_factor_is_removed_by_who_may_and_never_ones_own_or_a_superusers(client, db):
    owner, root, alice = a_customer("owner", is_staff=True), a_customer("root", is_superuser=True), a_customer("alice")
    owner.user_permissions.add(*Permission.objects.filter(codename__in=["view_authenticator", "delete_authenticator"]))
    made = {
        person: Authenticator.objects.create(user=person, type="totp", data={"secret": "s3cr3tseed"})
        for person in (owner, root, alice)
    }
    client.force_login(owner)

    pages = [client.get(reverse("admin:mfa_authenticator_change", args=[one.pk])) for one in made.values()]
    for one in made.values():
        client.post(reverse("admin:mfa_authenticator_delete", args=[one.pk]), {"post": "yes"})

    assert all(page.status_code == 200 and "s3cr3tseed" not in page.text for page in pages)
    assert set(Authenticator.objects.values_list("user", flat=True)) == {owner.pk, root.pk}


def test_numbers_are_masked_for_staff_and_messages_are_read_only(client, db):
    alice = a_customer("alice", phone="+8613800138000", phone_verified_at="2026-11-28T00:00Z")
    row = SmsMessage.objects.create(
        customer=alice,
        number="138****8000",
        provider="aliyun",
        purpose="login",
        cost_fen=5,
        sent_at="2026-11-28T00:00Z",
    )
    client.force_login(a_customer("root", is_staff=True, is_superuser=True))
    messages = reverse("admin:accounts_smsmessage_changelist")
    one = reverse("admin:accounts_smsmessage_change", args=[row.pk])

    pages = [client.get(address("change", alice.pk)).text, client.get(messages).text, client.get(one).text]

    assert all("138****8000" in page and "13800138000" not in page for page in pages)
    assert "aliyun" in pages[1]
    assert client.post(one, {"cost_fen": 0}).status_code == 403
    client.post(address("change", alice.pk), {"language": "en", "is_active": "on", "phone": "+8613900139000"})
    alice.refresh_from_db()
    assert alice.phone == "+8613800138000"


@pytest.mark.parametrize("model", [SocialApp, SocialToken, SocialAccount])
def test_nothing_of_wechat_is_in_the_admin(model):
    assert model not in admin.site._registry
