"""The admin's home says how the shop, its nodes and its outbox stand."""

import re
from datetime import timedelta

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.utils.timezone import localdate

from accounts.models import Customer, SmsDay
from kernel.clock import utc_now
from nodes.models import ProcessHealth
from ops.home import AREAS
from support.models import Ticket
from tests.factories import a_customer, a_grant, a_group, a_node

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def test_the_front_page_says_how_the_shop_is(client, node):
    a_node("hk-1", group=a_group("hk"), last_seen_at=None, capacity=0)

    client.force_login(a_customer("root", is_staff=True, is_superuser=True))

    page = client.get("/admin/").text

    assert "sockets sold" in page
    assert "not seen" in page
    assert "full" in page


def look(client, *codenames, language="en"):
    """Return the page as somebody with these permissions sees it."""
    person = a_customer(f"staff{Customer.objects.count()}", is_staff=True)
    person.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(person)
    return client.get("/admin/", headers={"accept-language": language}).text


def parts(page):
    return [name for name in ("hands", "markets", "nodes", "money", "areas") if f'data-testid="{name}"' in page]


def test_where_nothing_waits_the_page_says_so_in_one_calm_line(client):
    assert "Nothing waits." in look(client, "view_ticket")
    assert "没有待处理事项。" in look(client, "view_ticket", language="zh-hans")


def test_what_waits_is_a_line_with_its_count_its_beginning_and_a_link(client, alice):
    asked = utc_now() - timedelta(hours=3)
    Ticket.objects.create(number="T1", customer=alice, subject="s", opened_at=asked, moved_at=asked)

    page = look(client, "view_ticket")

    line = page[page.index('data-testid="hand-questions"') :].split("</li>")[0]
    assert 'href="/admin/support/ticket/?state__exact=open"' in line
    assert "<b>1</b>" in line
    assert "for 3\xa0hours, since" in line
    assert "Nothing waits." not in page


def test_what_a_role_may_not_see_is_absent(client, node):
    assert parts(look(client, "view_ticket")) == ["hands", "areas"]
    assert parts(look(client, "view_node")) == ["hands", "nodes", "areas"]
    assert parts(look(client, "view_purchase", "view_revenue")) == ["hands", "money", "areas"]
    assert "Ask an owner to put you into a role." in look(client)


def test_money_and_active_customers_lead_to_what_they_count(client, alice, node):
    a_grant(alice, node, at=utc_now())

    page = look(client, "view_revenue", "view_grant", "view_purchase")

    money = page[page.index('data-testid="money"') :].split("</section>")[0]
    assert "¥10" in money
    assert "/admin/billing/purchase/revenue/?since=" in money
    assert "5 symbols in force" in money


def test_every_table_stands_in_one_area_in_words_of_its_own():
    named = [label for _title, tables in AREAS for label in tables]

    assert len(named) == len(set(named))
    assert set(named) == {model._meta.label_lower for model in admin.site._registry}


def test_tables_are_grouped_by_task_behind_a_fold_and_only_those_of_the_role(client):
    page = look(client, "view_ticket", "view_suspense")

    fold = page[page.index('data-testid="areas"') :].split("</details>")[0]
    assert re.findall("<h3>(.*?)</h3>", fold) == ["Sales and money", "Texts and help"]
    assert "Money that matches nothing" in fold
    assert "<details open" not in page


def test_the_menu_beside_every_page_has_the_same_tables_by_the_same_tasks(client):
    page = look(client, "view_ticket", "view_suspense")

    menu = page[: page.index('data-testid="hands"')]
    assert "Sales and money" in menu
    assert "Questions of customers" in menu
    assert "Authentication and Authorization" not in menu


def test_a_market_that_is_silent_or_late_stands_out_with_the_age_of_its_last_window(client):
    told = {"node": "n", "role": "ingest", "version": "1", "clock_offset_ms": 0, "sockets": 0, "rss_bytes": 1}
    ProcessHealth.objects.create(
        group=a_group(), process="p", lag_ms={"CN": 45_000}, markets={"CN": "open"}, feeds={"CN": "live"},
        reported_at=utc_now(), **told,
    )  # fmt: skip

    page = look(client, "view_processhealth")

    rows = page[page.index('data-testid="markets"') :].split("</section>")[0]
    assert "last window 45.0 s ago" in rows
    assert "ops-bad" in rows


def test_the_day_s_cap_of_messages_is_told_to_who_may_see_them(client):
    SmsDay.objects.create(day=localdate(utc_now()), spent_fen=5000, full_at=utc_now())
    operator, finance = a_customer("operator", is_staff=True), a_customer("finance", is_staff=True)
    operator.user_permissions.add(Permission.objects.get(codename="view_smsmessage"))

    seen = []
    for person in (operator, finance):
        client.force_login(person)
        seen.append('data-testid="hand-sms-full"' in client.get("/admin/").text)

    assert seen == [True, False]
    SmsDay.objects.update(day=localdate(utc_now()) - timedelta(days=1))
    client.force_login(operator)
    assert 'data-testid="hand-sms-full"' not in client.get("/admin/").text
