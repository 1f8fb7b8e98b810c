"""The front page says what it is, shows a program and what is carried, and whom to ask; the chart's address is a node's."""

import re

import pytest

from kernel.clock import utc_now
from tests.factories import a_node, a_plan

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def look(client, language="en"):
    answer = client.get("/", headers={"accept-language": language})
    assert answer.status_code == 200
    return answer.text


def test_the_chart_comes_from_the_first_node_that_is_up(client):
    a_node("sh-1", last_seen_at=utc_now(), state="draining")
    a_node("sh-2", last_seen_at=utc_now(), reports_realtime=False)
    a_node("sh-3", last_seen_at=None)
    assert "data-url=" not in look(client)

    a_node("sh-4", last_seen_at=utc_now())

    text = look(client)
    assert 'data-url="wss://sh-4.example:8443/ws/stock"' in text
    assert 'data-guest="/viewer/guest?group=sh"' in text
    assert text.count("wss://sh-4.example:8443/ws/stock") == 4  # the chart's, and three of the samples


def test_every_sample_is_there_without_a_script(client):
    text = look(client)

    assert re.findall(r'data-tab="(\w+)"', text) == ["Python", "JavaScript", "Go", "curl"]
    assert "hidden" not in text.split('id="code"')[1].split("</section>")[0]


def test_the_python_sample_compiles(client):
    from html import unescape

    code = re.search(r'id="code-python"[^>]*>(.*?)</code>', look(client), re.DOTALL)[1]

    compile(unescape(code), "sample.py", "exec")


def test_what_is_carried_and_what_not_is_said_with_prices_as_on_the_order_page(client):
    a_plan()
    text = look(client)

    for words in ("STAR Market", "US stocks", "forex", "crypto", "¥10", "Choose this pack", "Are these real prices?"):
        assert words in text, words


def test_chinese_breaks_no_line_inside_its_word_for_bars_and_has_no_english_sentence(client):
    a_plan()
    text = look(client, "zh-hans")

    assert "实时股票 K\u00a0线" in text
    assert "K 线" not in text
    said = re.sub(r"<(pre|code|script|svg)\b.*?</\1>", " ", text, flags=re.DOTALL)
    said = re.sub(r"<[^>]+>", " ", said)
    assert re.findall(r"(?:[a-z]{3,} ){2}[a-z]{3,}", said) == []
