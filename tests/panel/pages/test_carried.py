"""Anybody may read what is carried: counts of the list in force, in both languages, and what feeds the markets."""

import re

import pytest
from django.urls import reverse

from kernel.clock import utc_now
from nodes.models import Instrument, ProcessHealth
from nodes.services.instruments import enter_committed
from tests.factories import a_group

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def page(client, language="en"):
    answer = client.get(reverse("carried"), headers={"accept-language": language})
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def test_the_committed_list_is_counted_by_board_and_kind(client):
    text = page(client)

    assert re.search(r"5\d\d\d products can be followed by their symbols", text)
    for row in (
        "Main board stocks",
        "STAR Market stocks",
        "ChiNext stocks",
        "Beijing stocks",
        "Funds ETFs",
        "Hong Kong stocks",
    ):
        assert re.search(rf"{row} \d+", text), row
    assert re.search(r"\d+ delisted products are found by name and code", text)


def test_it_speaks_chinese(client):
    text = page(client, "zh-hans")

    for word in ("收录范围", "科创板", "创业板", "股票", "香港"):
        assert word in text


def test_what_operators_keep_is_what_is_counted(client, settings):
    settings.COMMITTED_INSTRUMENTS = "tests.nodes.few.few_rows"
    enter_committed(by="Lin")
    Instrument.objects.filter(symbol="600519.SH").update(state="suspended")
    Instrument.objects.filter(symbol="00700.HK").update(state="delisted")

    text = page(client)

    assert "3 products can be followed" in text
    assert "Main board stocks 2 (1 suspended)" in text
    assert "1 delisted product is found by name and code" in text
    assert "The list was changed last on" in text


def test_what_feeds_the_markets_is_said_as_it_is(client):
    group = a_group()
    assert "Its nodes have not said so within the last minute." in page(client)

    ProcessHealth.objects.create(
        group=group, process="p", node="n", role="node", version="1", clock_offset_ms=0, sockets=0, lag_ms={},
        markets={}, feeds={"CN": "simulated", "HK": "live"}, rss_bytes=1, reported_at=utc_now(),
    )  # fmt: skip

    text = page(client)
    assert "A-shares · made up: real names, invented prices" in text
    assert "Hong Kong stocks · live, of real sources" in text


def test_markets_and_groups_have_their_names_in_the_readers_language(client):
    group = a_group()
    type(group).objects.update(name_zh="上海机房")
    ProcessHealth.objects.create(
        group=group, process="p", node="n", role="node", version="1", clock_offset_ms=0, sockets=0, lag_ms={},
        markets={}, feeds={"CN": "simulated", "HK": "live", "TEST": "test"}, rss_bytes=1, reported_at=utc_now(),
    )  # fmt: skip

    text = page(client, "zh-hans").split("收录范围", 1)[1]

    for words in ("上海机房", "A 股 ·", "港股 ·", "测试 ·"):
        assert words in text.replace("\u00a0", " ")


def test_every_page_leads_there(client):
    assert f'href="{reverse("carried")}"' in client.get(reverse("home")).content.decode()
