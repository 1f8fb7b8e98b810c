"""Tokens for pages that stay open: JSON that nobody keeps, to whoever is logged in; logging out ends them."""

from datetime import timedelta

import jwt
import pytest

from kernel.clock import utc_now
from kernel.problems import MEDIA_TYPE
from tests.factories import a_customer, a_grant, a_group, a_node

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def claims(answer) -> dict:
    return jwt.decode(answer.json()["token"], options={"verify_signature": False})


@pytest.fixture
def address(node) -> str:
    return f"/viewer/token?group={node.group.slug}"


def test_who_is_logged_in_gets_the_next_one_and_nobody_keeps_it(client, alice, node, keys_dir, address):
    a_grant(alice, node, at=utc_now())
    client.force_login(alice)

    answer = client.get(address)

    assert (answer.status_code, set(answer.json())) == (200, {"token", "expires_at"})
    assert (claims(answer)["sub"], claims(answer)["viewer"]) == (alice.public_id, True)
    assert answer.json()["expires_at"] == claims(answer)["exp"]
    assert "no-store" in answer["Cache-Control"]
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_who_has_logged_out_or_was_deactivated_gets_none(client, alice, node, keys_dir, address):
    a_grant(alice, node, at=utc_now())
    client.force_login(alice)
    assert client.get(address).status_code == 200

    client.logout()
    out = client.get(address)
    client.force_login(alice)
    alice.is_active = False
    alice.save()
    off = client.get(address)

    for answer in (out, off):
        assert (answer.status_code, answer["Content-Type"]) == (403, MEDIA_TYPE)
        assert answer.json()["code"] == "permission_denied"
        assert "no-store" in answer["Cache-Control"]


def test_a_group_that_is_not_ones_own_is_not_there(client, alice, node, keys_dir, address):
    a_grant(alice, a_node("sh-2", group=a_group("other")), at=utc_now())
    client.force_login(alice)

    for asked in (address, "/viewer/token", "/viewer/token?group=none"):
        answer = client.get(asked)
        assert (answer.status_code, answer["Content-Type"]) == (404, MEDIA_TYPE), asked
    assert client.get("/viewer/token?group=other").status_code == 200


def test_who_has_nothing_left_is_told_so(client, alice, node, keys_dir, address):
    a_grant(alice, node, at=utc_now() - timedelta(days=90))
    client.force_login(alice)

    answer = client.get(address)

    assert (answer.status_code, answer.json()["code"]) == (403, "no_entitlement")


def test_another_customers_group_with_the_same_session_stays_closed(client, alice, node, keys_dir, address):
    a_grant(alice, node, at=utc_now())
    client.force_login(a_customer("mallory"))

    assert client.get(address).status_code == 404


def test_a_guest_needs_no_account_and_gets_no_customers_token(client, alice, node, keys_dir, settings):
    settings.NODE_GROUP = node.group.slug
    client.force_login(alice)

    for address in ("/viewer/guest", f"/viewer/guest?group={node.group.slug}"):
        answer = client.get(address)
        assert (claims(answer)["sub"], claims(answer)["aud"]) == ("guest", node.group.slug)
        assert "no-store" in answer["Cache-Control"]
    assert client.get("/viewer/guest?group=none").status_code == 404


def test_the_live_page_carries_a_pages_token_and_where_the_next_one_is(client, alice, node, keys_dir):
    node = a_node("sh-3", group=node.group, last_seen_at=utc_now(), realtime=True, reports_realtime=True)
    a_grant(alice, node, at=utc_now())
    client.force_login(alice)

    page = client.get("/live/").text

    token = page.split('data-token="')[1].split('"')[0]
    assert jwt.decode(token, options={"verify_signature": False})["viewer"] is True
    assert f'data-token-url="/viewer/token?group={node.group.slug}"' in page


def test_a_pages_token_makes_and_replaces_no_token(client, alice, node, keys_dir, address):
    a_grant(alice, node, at=utc_now())
    client.force_login(alice)
    token = client.get(address).json()["token"]
    client.logout()
    told = {"HTTP_AUTHORIZATION": f"Bearer {token}", "HTTP_ORIGIN": "http://127.0.0.1:8000"}

    for act in ("rotate", "create", "revoke"):
        assert client.post(f"/tokens/{node.group.slug}/{act}", **told).status_code == 302  # to log in
        shop = client.post(f"/api/v1/shop/tokens/{node.group.slug}/{act}", content_type="application/json", **told)
        assert shop.status_code in (401, 403, 404), (act, shop.status_code)
    assert client.get("/api/v1/shop/tokens/", **told).status_code in (401, 403, 404)
    assert client.get("/viewer/token?group=x", **told).status_code == 403
