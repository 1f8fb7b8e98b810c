"""Tokens on the dashboard: several by name, each replaced and stopped alone, and why one was not made."""

import re

import pytest

from billing import selectors
from billing.models import AccessToken
from kernel.clock import utc_now
from tests.factories import a_customer, a_grant

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture
def shop(client, alice, node, keys_dir):
    a_grant(alice, node, at=utc_now())
    client.force_login(alice)
    return client


def names(alice, node):
    return [one.name for one in selectors.current_tokens(alice, node.group)]


def test_a_token_is_made_beside_the_main_one_and_both_are_shown(shop, alice, node):
    answer = shop.post("/tokens/sh/create", {"name": "laptop", "only": "600519.SH，700.HK、 000001.SZ"}, follow=True)

    assert names(alice, node) == ["", "laptop"]
    assert selectors.current_tokens(alice, node.group)[1].symbols == ["000001.SZ", "00700.HK", "600519.SH"]
    assert answer.text.count('data-testid="token-row"') == 2
    assert answer.text.count('data-testid="token"') == 1
    assert "only 3 symbols" in answer.text


def test_one_is_replaced_and_stopped_alone(shop, alice, node):
    shop.post("/tokens/sh/create", {"name": "laptop"})
    main, laptop = selectors.current_tokens(alice, node.group)

    shop.post("/tokens/sh/rotate", {"jti": laptop.jti})
    again = selectors.current_tokens(alice, node.group)[1]
    shop.post("/tokens/sh/revoke", {"jti": again.jti})

    assert again.name == "laptop"
    assert again != laptop
    assert selectors.current_tokens(alice, node.group) == [main]


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"name": "laptop"}, "You have a token of that name."),
        ({"name": "x" * 41}, "at most 40 characters"),
        ({"name": "", "only": "600519.SH"}, "at most 40 characters"),
        ({"name": "new", "only": "Moutai"}, "“Moutai” is no symbol."),
        ({"name": "new", "only": " ".join(f"{n:06d}.SZ" for n in range(51))}, "at most 50 symbols"),
    ],
)
def test_what_is_no_token_is_refused_with_a_sentence(shop, alice, node, form, said):
    shop.post("/tokens/sh/create", {"name": "laptop"})

    assert said in shop.post("/tokens/sh/create", form, follow=True).text
    assert names(alice, node) == ["", "laptop"]


def test_a_replaced_one_is_stopped_before_its_day_is_over_and_all_at_once(shop, alice, node):
    shop.post("/tokens/sh/rotate")
    page = shop.get("/dashboard/").text
    [old] = [one for one in selectors.working_tokens(alice, node.group, utc_now()) if one.works_until_at]

    assert page.count('data-testid="stop-old"') == page.count('data-testid="revoke-all"') == 1
    shop.post("/tokens/sh/revoke", {"jti": old.jti})
    assert selectors.working_tokens(alice, node.group, utc_now()) == selectors.current_tokens(alice, node.group)
    shop.post("/tokens/sh/create", {"name": "laptop"})
    shop.post("/tokens/sh/revoke")
    assert selectors.working_tokens(alice, node.group, utc_now()) == []


@pytest.mark.parametrize("verb", ["rotate", "revoke"])
def test_a_token_of_somebody_else_is_not_touched(shop, alice, node, verb):
    bob = a_customer("bob")
    a_grant(bob, node, at=utc_now())
    theirs = selectors.current_token(bob, node.group)

    answer = shop.post(f"/tokens/sh/{verb}", {"jti": theirs.jti}, follow=True)

    assert "was replaced or stopped already" in answer.text
    assert AccessToken.objects.filter(revoked_at=None, works_until_at=None).count() == 2


@pytest.mark.parametrize("address", ["/dashboard/", "/connect/"])
def test_a_token_is_known_again_by_the_beginning_of_its_id(shop, alice, node, address):
    """Its text is signed anew for each page, so that its end says nothing."""
    (main,) = selectors.current_tokens(alice, node.group)

    shown = [re.search(r'<code class="short"[^>]*>([^<]+)</code>', shop.get(address).text)[1] for _ in range(2)]

    assert shown == [f"{main.jti[:8]}…"] * 2
