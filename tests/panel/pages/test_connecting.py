"""Connect shows what can be connected with; where nothing can, it says which of the reasons it is."""

import re
from datetime import timedelta

import pytest

from billing.services import tokens
from kernel.clock import utc_now
from nodes.models import Node
from panel.pages.languages import languages
from tests.factories import a_grant, a_plan

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture
def shop(client, alice, node, keys_dir):
    a_plan()
    client.force_login(alice)
    return client


def connect(shop, **query):
    return shop.get("/connect/", query).text


def state(page):
    found = re.search(r'data-testid="standing" data-state="(\w+)"', page)
    return found[1] if found else None


def test_a_buyer_sees_programs_with_address_and_token(shop, alice, node):
    a_grant(alice, node, at=utc_now())

    page = connect(shop)

    assert state(page) is None
    assert 'data-testid="snippet"' in page
    assert 'href="/docs/protocol/"' in page


def test_each_reason_not_to_connect_has_its_own_sentence(shop, alice, node):
    assert state(connect(shop)) == "never_had"
    a_grant(alice, node, at=utc_now() - timedelta(days=40))
    assert state(connect(shop)) == "ended"
    a_grant(alice, node, at=utc_now())
    assert state(connect(shop)) is None
    Node.objects.update(state=Node.State.DRAINING)
    assert state(connect(shop)) == "draining"
    tokens.revoke_tokens(customer=alice, group=node.group, now=utc_now())
    assert state(connect(shop)) == "revoked"
    assert "Buy a pack" not in connect(shop)


def test_another_token_can_be_chosen_and_a_strangers_cannot(shop, alice, node):
    a_grant(alice, node, at=utc_now())
    laptop = tokens.add_token(customer=alice, group=node.group, name="laptop", now=utc_now())

    assert '<span class="fine">Token · Main token</span>' in connect(shop)
    assert '<span class="fine">Token · laptop</span>' in connect(shop, token=laptop.jti)
    assert '<span class="fine">Token · Main token</span>' in connect(shop, token="x" * 32)


def test_the_title_has_the_colon_of_the_readers_language(shop, alice, node):
    assert "<title>Connect: Tickpack</title>" in connect(shop)
    assert "<title>接入：Tickpack</title>" in shop.get("/connect/", headers={"accept-language": "zh-hans"}).text


@pytest.mark.parametrize("language", languages())
def test_samples_show_the_tokens_beginning_and_keep_the_whole_one_to_be_copied(shop, alice, node, language):
    a_grant(alice, node, at=utc_now())

    page = shop.get(f"/connect/{language}/").text

    shown = re.findall(r'data-testid="snippet-shown">(.*?)</code>', page, re.DOTALL)
    copied = re.findall(r'data-testid="snippet"[^>]*>(.*?)</code>', page, re.DOTALL)
    assert len(shown) == len(copied) > 0
    assert [one for one in shown if "eyJ" in one or "…" not in one] == []
    assert [one for one in copied if "eyJ" not in one or "…" in one] == []
