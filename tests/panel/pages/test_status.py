"""The status page tells how markets and nodes last said they were, what is wrong now, and what was wrong; so does Atom."""

import re
from datetime import timedelta
from xml.etree import ElementTree

import pytest

from content.services import announcing
from kernel.clock import utc_now
from nodes.models import DeliveredMonth, ProcessHealth
from tests.factories import a_customer, a_group, a_node

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
SAID = {"text_en": "We look into it.", "text_zh": "正在排查。", "title_en": "Late", "title_zh": "延迟"}


def look(client, language="en"):
    answer = client.get("/status/", headers={"accept-language": language})
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text.split("<main")[1]))  # below the notices


def heard(markets, *, ago_s=1, name="p"):
    ProcessHealth.objects.create(
        group=a_group(), process=name, node="sh-1", role="node", version="1", clock_offset_ms=0, sockets=0, lag_ms={},
        markets=markets, feeds={"CN": "live", "HK": "simulated"}, rss_bytes=1,
        reported_at=utc_now() - timedelta(seconds=ago_s),
    )  # fmt: skip


def announce(kind="incident", **more):
    by = a_customer(f"operator{announce.__name__}{kind}{len(more)}", is_staff=True)
    return announcing.announce(kind=kind, by=by, now=more.pop("now", utc_now()), **{**SAID, **more}).announcement


def test_a_chinese_page_has_the_chinese_names_of_groups_and_places(client):
    node = a_node(last_seen_at=utc_now(), region_zh="上海")
    type(node.group).objects.update(name_zh="上海机房")

    text = look(client, "zh-hans")

    assert "上海机房" in text
    assert "节点 sh-1 上海 " in text
    assert "Shanghai" not in text


def test_all_is_well_where_every_node_and_market_says_so(client):
    a_node(last_seen_at=utc_now())
    heard({"CN": "open", "HK": "lunch_break", "TEST": "open"})

    text = look(client)

    assert "Everything works." in text
    assert "A-shares live, of real sources open" in text
    assert "Hong Kong stocks made up: real names, invented prices lunch break" in text
    assert "Node sh-1 Shanghai works" in text
    assert "No incident and no planned work." in text


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"last_seen_at": None}, "not reachable"), ({"reports_realtime": False}, "answers, without real-time data")],
)
def test_a_node_that_is_not_well_is_said(client, changes, said):
    a_node(**{"last_seen_at": utc_now(), **changes})
    heard({"CN": "open"})

    text = look(client)

    assert "A part does not answer." in text
    assert said in text


def test_the_newest_word_of_a_market_counts_and_old_ones_do_not(client):
    a_node(last_seen_at=utc_now())
    heard({"CN": "open", "HK": "open"}, ago_s=90, name="gone")
    heard({"CN": "open"}, ago_s=9, name="a")
    heard({"CN": "no_feed"}, ago_s=2, name="b")

    text = look(client)

    assert "A-shares live, of real sources no feed" in text
    assert "Hong Kong stocks" not in text
    assert "A part does not answer." in text


def test_an_incident_is_now_until_it_is_over_and_then_among_the_last_ninety_days(client):
    row = announce()
    text = look(client)
    assert "Something is wrong, and we are at it." in text
    assert text.index("Late") < text.index("The last 90 days")

    over = {"text_en": "Over.", "text_zh": "已恢复。", "by": row.by, "now": utc_now()}
    announcing.update(announcement=row, resolves=True, **over)

    text = look(client)
    assert "Something is wrong" not in text
    assert text.index("The last 90 days") < text.index("Late") < text.index("Over.") < text.index("We look into it.")


def test_planned_work_counts_when_it_has_begun(client):
    now = utc_now()
    announce("planned", starts_at=now + timedelta(hours=1), ends_at=now + timedelta(hours=2))
    assert "Everything works." in look(client)

    announce("planned", title_en="Now", starts_at=now, ends_at=now + timedelta(hours=2))

    assert "Planned work is under way." in look(client)


def test_it_speaks_chinese_and_shows_what_was_delivered(client):
    announce()
    month = utc_now().date().replace(day=1)
    DeliveredMonth.objects.create(group=a_group(), lane="CN", month_on=month, due=1000, sent=999, late=0)

    text = look(client, "zh-hans")

    for words in ("服务状态", "出现故障，正在处理。", "正在排查。", "99.90 %"):
        assert words in text, words


def test_the_feed_has_every_announcement_with_what_was_said(client):
    row = announce(title_en="Late & <b>")

    answer = client.get("/status/feed.atom")

    assert answer["Content-Type"] == "application/atom+xml; charset=utf-8"
    names = {"a": "http://www.w3.org/2005/Atom"}
    [entry] = ElementTree.fromstring(answer.content).findall("a:entry", names)
    assert entry.findtext("a:title", namespaces=names) == "Late & <b>"
    assert entry.findtext("a:summary", namespaces=names) == "We look into it."
    assert entry.findtext("a:id", namespaces=names).endswith(f"/status/#announcement-{row.pk}")
