"""Staff in the admin, generated: whatever one may do there, nobody becomes more than they are.

Each role is one permission, or all of them without being a superuser; each is sent through every verb of every page
with a form that asks for everything.
"""

import re
from dataclasses import dataclass
from functools import cache

import pytest
from allauth.account.models import EmailAddress
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.urls import reverse
from django.utils import timezone

from accounts.models import Customer
from billing.models import Plan
from kernel.clock import utc_now
from nodes.models import CalendarOverride, FeedSetting, NodeGroup
from outbox.models import Outbox
from support.services import tickets
from tests.factories import a_customer, a_grant, a_node

pytestmark = [pytest.mark.whole, pytest.mark.django_db]

VERBS = ("view", "add", "change", "delete")


@cache
def pages():
    """Every model of the admin: (its model, its admin)."""
    return sorted(admin.site._registry.items(), key=lambda pair: pair[0]._meta.label)


def labels():
    return [model._meta.label for model, _ in pages()]


@dataclass
class Shop:
    """What a shop has, with a superuser, staff of a role, and a colleague who may do more."""

    root: Customer
    staff: Customer
    colleague: Customer
    group: Group


@pytest.fixture
def shop(keys_dir):
    root = a_customer("root", is_staff=True, is_superuser=True)
    staff, colleague, alice = (
        a_customer("staff", is_staff=True),
        a_customer("colleague", is_staff=True),
        a_customer("alice"),
    )
    group = Group.objects.create(name="finance")
    group.permissions.set(Permission.objects.filter(codename__in=["view_purchase", "view_refund"]))
    colleague.groups.add(group)
    for person in (root, staff, colleague, alice):
        EmailAddress.objects.create(user=person, email=person.email, primary=True, verified=True)
    a_grant(alice, a_node(), at=utc_now())
    FeedSetting.objects.create(lane="CN", feed="none")
    CalendarOverride.objects.create(lane="CN", day_on=timezone.localdate(), kind="closed")
    return Shop(root, staff, colleague, group)


def rows_of(model):
    return list(model._default_manager.order_by("pk")[:6])


def hostile(shop, row):
    """A form that asks for everything that could make somebody more."""
    every = [str(pk) for pk in Permission.objects.values_list("pk", flat=True)]
    return {
        "email": "staff@example.com" if not isinstance(row, EmailAddress) else "evil@example.com",
        "user": str(shop.staff.pk),
        "verified": "on",
        "primary": "on",
        "is_active": "on",
        "is_staff": "on",
        "is_superuser": "on",
        "language": "en",
        "groups": [str(shop.group.pk)],
        "user_permissions": every,
        "permissions": every,
        "name": getattr(row, "name", "evil"),
        "password": "evil",
    }


def standing(shop):
    """What must not change: everything about the superuser, and what everybody may do."""
    people = {}
    for person in Customer.objects.order_by("pk"):
        people[person.email] = (
            person.is_staff,
            person.is_superuser,
            person.password,
            frozenset(person.get_all_permissions()),
        )
    addresses = frozenset(
        EmailAddress.objects.filter(user__in=[shop.root, shop.colleague]).values_list(
            "pk", "user", "email", "verified", "primary"
        )
    )
    root = Customer.objects.filter(pk=shop.root.pk).values()[0]
    colleague = Customer.objects.filter(pk=shop.colleague.pk).values()[0]
    return people, addresses, {**root, "last_login": None}, {**colleague, "last_login": None}


def verbs(model, row):
    label = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    yield "add", reverse(f"{label}_add"), "add"
    yield "view", reverse(f"{label}_changelist"), "list"
    yield "change", reverse(f"{label}_change", args=[row.pk]), "change"
    yield "delete", reverse(f"{label}_delete", args=[row.pk]), "delete"
    yield "view", reverse(f"{label}_history", args=[row.pk]), "history"


def walk(client, shop, model, site):
    """Send every verb of a model's pages; yield (what, status of the form that was sent)."""
    for row in rows_of(model):
        for _right, address, verb in verbs(model, row):
            client.get(address)
            body = {"post": "yes"} if verb == "delete" else hostile(shop, row)
            yield verb, client.post(address, body).status_code
    actions = set(getattr(site, "actions", None) or ()) | {"delete_selected"}
    for name in sorted(map(str, actions)):
        body = {"action": name, "_selected_action": [str(row.pk) for row in rows_of(model)], "post": "yes"}
        label = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
        yield name, client.post(reverse(label), body).status_code


@pytest.mark.parametrize("label", labels())
@pytest.mark.parametrize("verb", [*VERBS, "all of them"])
def test_no_right_is_a_way_up(client, shop, label, verb):
    """With one right on one model, or with every right there is, over every page of that model."""
    model, site = next(pair for pair in pages() if pair[0]._meta.label == label)
    rights = Permission.objects.exclude(codename__in=["add_logentry"])
    if verb != "all of them":
        rights = rights.filter(
            content_type__app_label=model._meta.app_label, codename=f"{verb}_{model._meta.model_name}"
        )
        shop.colleague.user_permissions.add(*Permission.objects.filter(codename="view_customer"))
    shop.staff.user_permissions.set(rights)
    client.force_login(shop.staff)
    before = standing(shop)

    answers = list(walk(client, shop, model, site))

    assert [one for one in answers if one[1] >= 500] == []
    people, addresses, root, colleague = standing(shop)
    assert {email for email, one in people.items() if one[1]} == {"root@example.com"}
    if verb == "all of them":
        # Whoever may do all that a colleague may do may change the colleague's rows; never the superuser's, and nobody
        # has more in the end than who gave it.
        assert root == before[2]
        assert {row for row in addresses if row[1] == shop.root.pk} == {
            row for row in before[1] if row[1] == shop.root.pk
        }
        assert people.pop("root@example.com") == before[0].pop("root@example.com")
        assert people["staff@example.com"] == before[0]["staff@example.com"]
        for email, given in people.items():  # who may give roles makes staff, of groups that can do no more than they
            assert given[2] == before[0][email][2]
            assert given[3] <= people["staff@example.com"][3]
        return
    assert people == before[0]  # nobody's rights, nobody's password, nobody gone
    assert (addresses, root, colleague) == before[1:]


@pytest.mark.parametrize("label", labels())
@pytest.mark.parametrize("held", ["nothing", *VERBS])
def test_a_page_opens_to_its_right_and_to_no_other(client, shop, label, held):
    model, _site = next(pair for pair in pages() if pair[0]._meta.label == label)
    other = Plan if model is not Plan else NodeGroup
    shop.staff.user_permissions.set(
        Permission.objects.filter(
            content_type__app_label=other._meta.app_label, content_type__model=other._meta.model_name
        )
    )
    if held != "nothing":
        shop.staff.user_permissions.add(
            Permission.objects.get(
                content_type__app_label=model._meta.app_label, codename=f"{held}_{model._meta.model_name}"
            )
        )
    client.force_login(shop.staff)
    for row in rows_of(model)[:1]:
        for right, address, verb in verbs(model, row):
            allowed = held == right or (right == "view" and held == "change")
            status = client.get(address).status_code
            if not allowed and not (verb == "change" and held == "view"):
                assert status in (302, 403), (verb, address)


@pytest.mark.parametrize("path", ["/admin/", "/admin/billing/purchase/", "/admin/auth/group/add/"])
def test_a_buyer_has_no_admin_at_all(client, path):
    client.force_login(a_customer("alice"))
    assert client.get(path).status_code == 302


def test_figures_are_seen_by_whom_they_are_for(client, shop):
    Outbox.objects.all().delete()
    client.force_login(shop.staff)
    page = client.get("/admin/").text
    assert 'data-testid="money"' not in page
    assert "sockets sold" not in page

    shop.staff.user_permissions.set(Permission.objects.filter(codename="view_revenue"))
    client.force_login(Customer.objects.get(pk=shop.staff.pk))
    page = client.get("/admin/").text
    assert "Last 7 days" in page
    assert "Active customers" not in page
    assert "sockets sold" not in page


def test_a_group_s_redis_password_is_never_shown(client, shop):
    group = NodeGroup.objects.create(slug="hk", name="HK", address="redis://:hunter2secret@10.0.0.9:6379/0")
    address = reverse("admin:nodes_nodegroup_change", args=[group.pk])
    client.force_login(shop.root)
    assert "hunter2secret" not in client.get(address).text

    client.post(address, {"name": "Hong Kong", "transport": "redis", "address": ""})
    group.refresh_from_db()
    assert (group.name, group.address) == ("Hong Kong", "redis://:hunter2secret@10.0.0.9:6379/0")

    client.post(address, {"name": "Hong Kong", "transport": "redis", "address": "", "own_redis": "on"})
    group.refresh_from_db()
    assert group.address == ""

    shop.staff.user_permissions.set(Permission.objects.filter(codename="view_nodegroup"))
    NodeGroup.objects.filter(pk=group.pk).update(address="redis://:hunter2secret@10.0.0.9:6379/0")
    client.force_login(shop.staff)
    page = client.get(address)
    assert page.status_code == 200
    assert "hunter2secret" not in page.text


def test_staff_gives_a_group_what_they_have_and_no_more(client, shop):
    own = Permission.objects.filter(codename__in=["add_group", "change_group", "view_plan"])
    shop.staff.user_permissions.set(own)
    client.force_login(shop.staff)

    client.post(reverse("admin:auth_group_add"), {"name": "ours", "permissions": [str(one.pk) for one in own]})
    client.post(
        reverse("admin:auth_group_add"),
        {"name": "more", "permissions": [str(Permission.objects.get(codename="change_customer").pk)]},
    )

    assert {one.codename for one in Group.objects.get(name="ours").permissions.all()} == {
        "add_group",
        "change_group",
        "view_plan",
    }
    assert not Group.objects.filter(name="more").exists()


def test_support_may_change_a_buyer_s_address_and_a_superuser_s_never(client, shop):
    shop.staff.user_permissions.set(Permission.objects.filter(codename__in=["change_emailaddress", "add_emailaddress"]))
    client.force_login(shop.staff)
    alice = EmailAddress.objects.get(email="alice@example.com")
    roots = EmailAddress.objects.get(user=shop.root)

    client.post(
        reverse("admin:account_emailaddress_change", args=[alice.pk]),
        {"email": "alice@new.example", "primary": "on", "verified": "on"},
    )
    refused = client.post(
        reverse("admin:account_emailaddress_change", args=[roots.pk]),
        {"email": "evil@example.com", "primary": "on", "verified": "on"},
    )
    client.post(
        reverse("admin:account_emailaddress_add"), {"user": shop.root.pk, "email": "evil@example.com", "verified": "on"}
    )
    client.post(
        reverse("admin:account_emailaddress_add"),
        {"user": shop.staff.pk, "email": "root@example.com", "verified": "on"},
    )

    alice.refresh_from_db()
    assert (alice.email, alice.user.email) == ("alice@new.example", "alice@example.com")
    assert refused.status_code == 403
    assert set(EmailAddress.objects.values_list("email", flat=True)) == {
        "alice@new.example",
        "colleague@example.com",
        "root@example.com",
        "staff@example.com",
    }


def test_a_customer_s_page_leads_to_what_they_have_as_far_as_one_may_see_it(client, shop):
    alice = Customer.objects.get(email="alice@example.com")
    tickets.open_ticket(customer=alice, subject="Gap", text="where?", now=utc_now())
    tickets.open_ticket(customer=alice, subject="Gap", text="and there?", now=utc_now())
    tickets.open_ticket(customer=shop.colleague, subject="Gap", text="mine", now=utc_now())
    shop.staff.user_permissions.set(
        Permission.objects.filter(codename__in=["view_customer", "view_ticket", "view_grant", "view_purchase"])
    )
    client.force_login(shop.staff)

    page = client.get(reverse("admin:accounts_customer_change", args=[alice.pk]))

    things = {str(label): (count, address) for label, count, address in page.context["things"]}
    assert {label: count for label, (count, _) in things.items()} == {
        "purchases": alice.purchases.count(), "grants": alice.grants.count(), "questions": 2,
    }  # fmt: skip
    for count, address in things.values():
        assert f'href="{address}"' in page.text
        assert client.get(address).context["cl"].result_count == count


def test_a_page_that_only_shows_says_where_its_button_leads(client, shop):
    asked = tickets.open_ticket(customer=shop.colleague, subject="Gap", text="where?", now=utc_now())
    client.force_login(shop.root)

    page = client.get(reverse("admin:support_ticket_change", args=[asked.pk])).text

    assert "Close without an answer" in page
    assert "Back to the list" in page
    assert not re.search(r">\s*Close\s*<", page)
    assert 'name="_save"' in client.get(reverse("admin:billing_plan_add")).text
