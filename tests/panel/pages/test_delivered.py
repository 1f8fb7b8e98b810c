"""Anybody may read which share of due bars was delivered; a month without any says so, and what is counted is said."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils.timezone import localdate

from kernel.clock import utc_now
from nodes.models import DeliveredMonth
from tests.factories import a_group

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def page(client, language="en"):
    answer = client.get(reverse("delivered"), headers={"accept-language": language})
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def a_month(lane="CN", *, due=0, sent=0, late=0, back=0) -> str:
    """Make a month that was so many months ago and return its name."""
    month = localdate(utc_now()).replace(day=1)
    for _ in range(back):
        month = (month - timedelta(days=1)).replace(day=1)
    DeliveredMonth.objects.create(group=a_group(), lane=lane, month_on=month, due=due, sent=sent, late=late)
    return f"{month:%Y-%m}"


def test_months_are_shown_by_group_and_market_with_what_was_due(client):
    now = a_month(due=10_000, sent=9_990, late=40)
    before = a_month("HK", due=10_000, sent=9_989, back=1)

    text = page(client)

    assert f"{now} (so far) SH A-shares 10000 99.90 % 99.50 % reached" in text
    assert f"{before} SH Hong Kong stocks 10000 99.89 % 99.89 % not reached" in text
    assert text.index(now) < text.index(before)


def test_what_is_no_month_of_a_market_is_not_shown(client):
    a_month("TEST", due=5, sent=5)
    a_month("HK", due=5, sent=5, back=12)
    a_month("CN", back=1)

    assert "No bars were due within the last twelve months" in page(client)


def test_what_is_counted_and_what_is_not_stands_below(client):
    text = page(client)

    for words in (
        "once for every such socket",
        "read too slowly",
        "Not in it: bars that never reached a node",
        "99.9 %",
    ):
        assert words in text


def test_it_speaks_chinese(client):
    a_month(due=3, sent=3)

    text = page(client, "zh-hans")

    for words in ("送达情况", "应送 K 线", "达标", "99.9 %"):
        assert words in text


def test_every_page_leads_there(client):
    assert f'href="{reverse("delivered")}"' in client.get(reverse("home")).content.decode()
