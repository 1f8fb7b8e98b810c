"""What holds for every address: who gets in and with which scope, how errors look, and that nobody sees another's."""

import json
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.urls import get_resolver, reverse
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from accounts.models import ApiKey
from accounts.services import revoke_api_key
from billing.models import GiftCode, Prepayment
from billing.services import customers, gift_codes, prepayments, renewals
from kernel.clock import utc_now
from nodes.models import Node
from tests.billing.api.programs import SHOP, Program
from tests.factories import a_customer, a_grant, a_group, a_node, a_purchase, pay, topped_up

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
# Each method of each address, by hand: the scope that it needs.
SCOPES = {
    ("GET", "shop-plans"): "read",
    ("POST", "shop-preview"): "read",
    ("GET", "shop-purchases"): "read",
    ("POST", "shop-purchases"): "orders",
    ("GET", "shop-purchase"): "read",
    ("POST", "shop-cancel"): "orders",
    ("POST", "shop-trials"): "orders",
    ("GET", "shop-receipts"): "read",
    ("GET", "shop-receipt"): "read",
    ("GET", "shop-top-ups"): "read",
    ("POST", "shop-top-ups"): "orders",
    ("GET", "shop-top-up"): "read",
    ("GET", "shop-balance"): "read",
    ("GET", "shop-gift-codes"): "read",
    ("POST", "shop-gift-codes"): "orders",
    ("POST", "shop-redeem"): "orders",
    ("GET", "shop-gift-code"): "read",
    ("GET", "shop-timeline"): "read",
    ("GET", "shop-tokens"): "read",
    ("POST", "shop-token-rotate"): "tokens",
    ("POST", "shop-token-revoke"): "tokens",
    ("POST", "shop-token-create"): "tokens",
    ("GET", "shop-usage"): "read",
    ("GET", "shop-renewals"): "read",
    ("PUT", "shop-renewal"): "orders",
}
OPEN = {"shop-problems", "shop-nothing"}


def routes():
    """Every named address below the API, with what it takes."""
    for part in get_resolver().url_patterns:
        for one in getattr(part, "url_patterns", ()):
            if str(one.pattern).startswith("api/v1/shop/") and one.name is not None:
                yield one.name, one.callback.cls, tuple(one.pattern.converters)


def address(name, takes, **known):
    usual = {"order_id": "none", "group": "sh", "grant": 1}
    return reverse(name, kwargs={one: known.get(one, usual[one]) for one in takes}).removeprefix(SHOP)


def test_the_table_of_scopes_has_every_method_of_every_address():
    found = {
        (method, name)
        for name, view, _ in routes()
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
        if hasattr(view, method.lower()) and name not in OPEN
    }

    assert found == set(SCOPES)


@pytest.mark.parametrize("scope", ["read", "orders", "tokens"])
def test_a_key_may_what_its_scope_says_and_nothing_else(shop, alice, scope):
    program = Program(alice, [scope])
    for name, _, takes in routes():
        for method in ("GET", "POST", "PUT"):
            needed = SCOPES.get((method, name))
            if needed is None:
                continue
            ask = getattr(program, method.lower())
            answer = ask(address(name, takes))
            refused = (answer.status_code, answer.json().get("code")) == (403, "scope_missing")
            assert refused == (needed != scope), (method, name, answer.content)
            if refused:
                assert (answer.json()["scope"], answer.json()["scopes"]) == (needed, [scope])


def test_who_shows_no_key_or_a_wrong_one_is_told_which(shop, alice):
    program = Program(alice)
    good = program.text
    for shown, code in (
        ("", "not_authenticated"),
        ("tpk_" + "x" * 40, "api_key_unknown"),
        (good[:-1], "api_key_unknown"),
        (good + "x", "api_key_unknown"),
        (good.lower(), "api_key_unknown"),
        ("eyJhbGciOiJFZERTQSJ9.e30.x", "api_key_unknown"),
        ("ключ", "api_key_unknown"),
    ):
        headers = {"Authorization": f"Bearer {shown}".encode().decode("latin-1")} if shown else {}
        answer = program.raw("get", "/plans", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, code), shown
        assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    for header in (f"Basic {good}", good, "Bearer", "Bearer "):
        answer = program.raw("get", "/plans", headers={"Authorization": header})
        assert answer.json()["code"] == "not_authenticated"
    assert program.raw("get", "/plans", headers={"Authorization": f"bearer  {good}"}).status_code == 200


def test_a_revoked_key_ends_with_the_next_request(program):
    assert program.get("/plans").status_code == 200
    revoke_api_key(key=program.key, now=utc_now())

    answer = program.get("/plans")

    assert (answer.status_code, answer.json()["code"]) == (401, "api_key_revoked")


def test_a_key_ends_when_it_says(shop, alice):
    program = Program(alice, expires_at=utc_now() + timedelta(days=1))
    assert program.get("/plans").status_code == 200
    now = utc_now()
    ApiKey.objects.update(created_at=now - timedelta(days=2), expires_at=now)

    answer = program.get("/plans")

    assert (answer.status_code, answer.json()["code"]) == (401, "api_key_expired")


def test_the_keys_of_a_deactivated_customer_open_nothing_until_they_are_active_again(program, alice):
    customers.set_active(customer=alice, active=False, now=utc_now())
    answer = program.get("/plans")
    assert (answer.status_code, answer.json()["code"]) == (401, "account_inactive")

    customers.set_active(customer=alice, active=True, now=utc_now())

    assert program.get("/plans").status_code == 200


def test_a_browser_s_session_may_all_and_sends_its_csrf_token(shop, alice):
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(alice)
    browser = Program(client=client)

    assert browser.get("/plans").status_code == 200
    refused = browser.post("/top-ups", "k", amount_fen=5000)
    assert (refused.status_code, refused.json()["code"]) == (403, "csrf_failed")
    client.get("/account/keys/")
    token = client.cookies["csrftoken"].value
    answer = browser.raw("post", "/top-ups", {"amount_fen": 5000}, {"X-CSRFToken": token, "Idempotency-Key": "k"})
    assert answer.status_code == 201


def test_a_key_is_limited_by_the_minute_and_its_neighbour_is_not(shop, alice, settings):
    settings.API_CALLS_A_MINUTE = 3
    program, other = Program(alice), Program(alice)
    for _ in range(8):  # a minute may begin in between
        answer = program.get("/plans")

    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_requests")
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert other.get("/plans").status_code == 200
    cache.clear()
    assert program.get("/plans").status_code == 200


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ({"data": "{", "content_type": "application/json"}, 400, "body_unreadable"),
        ({"data": "[]", "content_type": "application/json"}, 400, "body_unreadable"),
        ({"data": "7", "content_type": "application/json"}, 400, "body_unreadable"),
        ({"data": "[" * 100_000, "content_type": "application/json"}, 400, "body_unreadable"),
        ({"data": '{"a":' * 50_000, "content_type": "application/json"}, 400, "body_unreadable"),
        ({"data": b"\xff\xfe", "content_type": "application/json"}, 400, "body_unreadable"),
        ({"data": '{"months": NaN}', "content_type": "application/json"}, 400, "body_unreadable"),
        ({"data": '{"months": ' + "9" * 5000 + "}", "content_type": "application/json"}, 400, "body_unreadable"),
        ({"data": "", "content_type": "application/json"}, 400, "fields_invalid"),
        ({"data": "plan=pack-5", "content_type": "application/x-www-form-urlencoded"}, 415, "unsupported_media_type"),
        ({"data": "{}", "content_type": "text/plain"}, 415, "unsupported_media_type"),
    ],
)
def test_a_body_that_cannot_be_read_says_so(program, more, status, code):
    headers = {"Authorization": f"Bearer {program.text}"}

    answer = program.client.post(f"{SHOP}/preview", more["data"], content_type=more["content_type"], headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


def test_what_an_address_does_not_know_is_405_and_what_nobody_reads_406(program):
    answer = program.raw("post", "/plans", {}, {"Authorization": f"Bearer {program.text}"})
    assert (answer.status_code, answer.json()["code"], answer.headers["Allow"]) == (
        405,
        "method_not_allowed",
        "GET, HEAD",
    )
    headers = {"Authorization": f"Bearer {program.text}", "Accept": "text/html"}
    answer = program.raw("get", "/plans", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")
    answer = program.client.options(f"{SHOP}/plans", headers={"Authorization": f"Bearer {program.text}"})
    assert answer.status_code == 405


def test_half_a_character_in_a_request_is_quoted_as_it_was_sent(program):
    told = program.post("/preview", **{"\ud800": 1})

    assert told.json()["errors"][0]["field"] == "\ud800"


def test_nothing_of_it_is_kept_by_caches(program):
    for path in ("/plans", "/tokens", "/purchases/none"):
        assert program.get(path).headers["Cache-Control"] == "no-store"


def test_what_was_never_logged_in_stays_out_of_every_address(shop):
    for name, _, takes in routes():
        if name not in OPEN:
            answer = APIClient().get(f"{SHOP}{address(name, takes)}")
            assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated"), name


def do(what, who, node):
    """One thing that a customer may have."""
    now = utc_now()
    if what == "grant":
        grant = a_grant(who, node, at=now)
        renewals.switch(customer=who, grant=grant.pk, on=True, now=now)
    elif what == "waiting":
        a_purchase(who, node, at=now)
    elif what == "balance":
        topped_up(who, 2000, at=now)
    elif what == "from balance":
        topped_up(who, 2000, at=now)
        a_purchase(who, node, at=now, use_balance=True)
    elif what == "gift":
        order = prepayments.place_gift(customer=who, plan="pack-5", months=1, idempotency_key=f"g{now}", now=now)
        pay(order, at=now)
    elif what == "redeemed":
        order = prepayments.place_gift(customer=who, plan="pack-5", months=1, idempotency_key=f"r{now}", now=now)
        pay(order, at=now)
        gift_codes.redeem(customer=who, code=order.gift.code, node=node.slug, now=now)


def names_of(who):
    """Every text that stands for something of a customer, and the keys of its rows."""
    texts = {who.email, who.public_id}
    for rows, field in ((who.purchases, "public_id"), (who.prepayments, "public_id"), (who.tokens, "jti")):
        texts |= set(rows.values_list(field, flat=True))
    texts |= set(GiftCode.objects.filter(bought_with__customer=who).values_list("code", flat=True))
    return texts


def seen_by(program, of):
    """What a program gets of every address, asked for another's things too."""
    for name, view, takes in routes():
        if not hasattr(view, "get") or name in OPEN:
            continue
        numbers = [
            *of.purchases.values_list("public_id", flat=True),
            *of.prepayments.values_list("public_id", flat=True),
        ]
        for number in numbers if "order_id" in takes else ["none"]:
            answer = program.get(address(name, takes, order_id=number))
            if "order_id" in takes:
                assert (answer.status_code, answer.json()["code"]) == (404, "no_such_order")
                continue
            yield json.dumps(answer.json())


THINGS = ("grant", "waiting", "balance", "from balance", "gift", "redeemed")


@hypothesis_settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.booleans(), st.sampled_from(THINGS)), min_size=3, max_size=8))
def test_nobody_ever_sees_anything_of_another(shop, settings, keys_dir, things):
    settings.API_CALLS_A_MINUTE = 10**6
    Node.objects.update(capacity=10**6)
    mine, other = a_customer(f"m{utc_now():%f%S}"), a_customer(f"o{utc_now():%f%S}")
    for is_mine, what in things:
        do(what, mine if is_mine else other, shop)

    texts = list(seen_by(Program(mine), other))

    assert len(texts) > 8
    assert [name for name in names_of(other) for text in texts if name in text] == []
    own = [*mine.purchases.values_list("public_id", flat=True), *mine.prepayments.values_list("public_id", flat=True)]
    assert [name for name in own if not any(name in text for text in texts)] == []  # so it would have been seen


def test_nobody_changes_anything_of_another(shop, alice):
    now, bob = utc_now(), Program(a_customer("bob"))
    grant, waiting = a_grant(alice, shop, at=now), a_purchase(alice, shop, at=now)
    a_node("hk-1", group=a_group("hk"), last_seen_at=now)
    body = {"plan": "pack-5", "node": "sh-1", "months": 1}

    for got, code in (
        (bob.post(f"/purchases/{waiting.public_id}/cancel"), "no_such_order"),
        (bob.post("/tokens/sh/rotate"), "no_such_group"),
        (bob.post("/tokens/sh/revoke"), "no_such_group"),
        (bob.post("/tokens/sh/create"), "no_such_group"),
        (bob.put(f"/renewals/{grant.pk}", on=True), "not_that_grant"),
        (bob.post("/purchases", "k", **body, kind="extend", extends=grant.pk), "not_that_grant"),
        (bob.post("/preview", **body, kind="extend", extends=grant.pk), "not_that_grant"),
        (
            bob.post("/preview", **{**body, "plan": "pack-15", "months": 0}, kind="upgrade", replaces=grant.pk),
            "not_that_grant",
        ),
    ):
        assert (got.status_code, got.json()["code"]) == (404, code)
    waiting.refresh_from_db()
    assert (waiting.state, alice.tokens.count(), Prepayment.objects.count()) == ("pending", 1, 0)
