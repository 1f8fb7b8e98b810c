"""Pages say that prices are made up by what the markets run, not by what the panel was started with."""

from datetime import timedelta

import pytest

from kernel.clock import utc_now
from nodes.models import ProcessHealth
from nodes.selectors import runs_made_up
from tests.factories import a_customer, a_grant, a_node

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
WARNINGS = {"/live": "these markets are simulated", "/subscribe": "market data is simulated here"}


def a_report(group, *, feeds, ago_s=1):
    return ProcessHealth.objects.create(
        group=group, process=f"p{ProcessHealth.objects.count()}", node="n1", role="node", version="1",
        clock_offset_ms=0, sockets=0, lag_ms={}, markets={}, feeds=feeds, rss_bytes=1,
        reported_at=utc_now() - timedelta(seconds=ago_s),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("feeds", "made_up"),
    [
        ({"CN": "live", "HK": "replay", "TEST": "test"}, False),
        ({"CN": "live", "HK": "simulated"}, True),
        ({"TEST": "test"}, None),
        ({}, None),
    ],
)
def test_a_group_is_made_up_where_one_of_its_markets_is(feeds, made_up):
    node = a_node()
    a_report(node.group, feeds=feeds)
    assert runs_made_up(node.group, utc_now()) is made_up


def test_what_was_said_long_ago_says_nothing():
    node = a_node()
    a_report(node.group, feeds={"CN": "simulated"}, ago_s=90)
    assert runs_made_up(node.group, utc_now()) is None


@pytest.mark.parametrize(
    ("runs", "started_with", "warned"), [("live", "simulated", False), ("simulated", "none", True)]
)
def test_the_live_page_and_the_shop_follow_what_runs(client, keys_dir, settings, runs, started_with, warned):
    settings.FEED = started_with
    node, alice = a_node(), a_customer("alice")
    a_grant(alice, node, at=utc_now())
    a_report(node.group, feeds={"CN": runs, "HK": "live"})
    client.force_login(alice)
    for page in ("/live", "/subscribe"):
        answer = client.get(page, follow=True)
        assert answer.status_code == 200
        if page == "/live" or node.slug in answer.text:
            assert (WARNINGS[page] in answer.text) is warned, page


def test_before_anything_was_reported_the_start_decides(client, settings, keys_dir):
    settings.FEED = "simulated"
    a_node()
    assert WARNINGS["/subscribe"] in client.get("/subscribe", follow=True).text
