"""The live page says why there is nothing to show, each reason in its own sentence; its scripts speak the language."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings

from billing.services import tokens
from kernel.clock import utc_now
from nodes.models import Node
from panel.pages.terminal import words
from tests.factories import a_grant, a_node

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture
def browser(client, alice, keys_dir):
    client.force_login(alice)
    return client


@pytest.fixture
def serving(db):
    return a_node(last_seen_at=utc_now(), realtime=True, reports_realtime=True)


def standing(browser):
    found = re.findall(r'data-testid="standing-(\w+)"', browser.get("/live/").text)
    return found[0] if found else ""


def test_who_never_had_a_pack_is_invited(browser, serving):
    assert standing(browser) == "never_had"
    assert 'data-token-url="/viewer/guest?group=sh"' in browser.get("/live/").text  # TEST.CN moves all the same


def test_who_has_a_pack_gets_the_terminal(browser, alice, serving):
    a_grant(alice, serving, at=utc_now())

    page = browser.get("/live/").text

    assert standing(browser) == ""
    assert 'id="terminal"' in page
    assert f'data-url="{serving.ws_url}"' in page


def test_a_pack_that_has_ended_says_when_and_offers_renewal(browser, alice, serving):
    a_grant(alice, serving, at=utc_now() - timedelta(days=90))

    assert standing(browser) == "ended"
    assert "Renew" in browser.get("/live/").text


def test_a_draining_node_is_no_reason_to_buy(browser, alice, serving):
    a_grant(alice, serving, at=utc_now())
    Node.objects.update(state="draining")

    assert standing(browser) == "draining"
    assert "Buy a pack" not in browser.get("/live/").text


def test_a_node_without_a_feed_is_no_reason_to_buy(browser, alice, serving):
    a_grant(alice, serving, at=utc_now())
    Node.objects.update(realtime=False)

    assert standing(browser) == "draining"


def test_revoking_the_programs_tokens_leaves_the_page_alone(browser, alice, serving):
    a_grant(alice, serving, at=utc_now())
    tokens.revoke_tokens(customer=alice, group=serving.group, now=utc_now())

    assert standing(browser) == ""


def test_the_scripts_texts_are_chinese_on_a_chinese_page(browser, alice, serving):
    a_grant(alice, serving, at=utc_now())

    page = browser.get("/live/", headers={"accept-language": "zh-hans"}).text
    told = json.loads(re.search(r'<script id="words" type="application/json">(.*?)</script>', page)[1])

    same_in_both = {"announcement", "kind_etf", "kind_lof", "kind_reit"}
    assert {key for key, text in told.items() if not re.search("[一-鿿]", text)} == same_in_both
    assert told["taken"] == "您的程序正在使用 {symbols}，本页已停止显示。"


def test_each_text_that_the_scripts_ask_for_is_there():
    scripts = "".join(file.read_text() for file in Path(settings.BASE_DIR / "static" / "terminal").glob("*.js"))
    asked = set(re.findall(r"""(?:\bsay\(|\.set\((?:"[\w-]+"|`[^`]+`), )"(\w+)"[,)]""", scripts))

    assert len(asked) > 30
    assert sorted(asked - set(words())) == []
