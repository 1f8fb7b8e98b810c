"""Tokens of pages: of what the customer has now, for twelve hours, without a row, and no business of the others."""

from datetime import timedelta

import jwt
import pytest

from billing.errors import NoEntitlement
from billing.models import AccessToken
from billing.services import keys, tokens
from billing.services.viewers import guest_token, viewer_token
from kernel import tokens as kernel_tokens
from kernel.clock import utc_now
from nodes.models import Node
from tests.factories import a_customer, a_grant

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def read(token: str, group: str) -> kernel_tokens.Claims:
    ring = {kid: kernel_tokens.VerifyKey("EdDSA", keys.load_key(kid).public_key()) for kid in keys.key_ids(keys.EDDSA)}
    return kernel_tokens.verify(
        token, keys=ring, issuer="tickpack", audience=group, now_s=utc_now().timestamp()
    )  # fmt: skip


def test_it_says_what_holds_now_and_lives_twelve_hours_and_is_no_row(alice, node, keys_dir):
    now = utc_now()
    a_grant(alice, node, at=now)
    rows = list(AccessToken.objects.values_list("jti", flat=True))

    token, expires_at_s = viewer_token(customer=alice, group=node.group, now=now)

    claims = read(token, node.group.slug)
    assert (claims.viewer, claims.guest, claims.scope.customer) == (True, False, alice.public_id)
    assert claims.scope.at(now.timestamp()).max_subs == 5
    assert expires_at_s == claims.expires_at_s == int((now + timedelta(hours=12)).timestamp())
    assert list(AccessToken.objects.values_list("jti", flat=True)) == rows
    assert claims.jti not in rows


def test_each_has_an_id_of_its_own_and_working_tokens_are_neither_counted_nor_ended(alice, node, keys_dir):
    now = utc_now()
    a_grant(alice, node, at=now)
    tokens.ensure_token(customer=alice, group=node.group, now=now)
    ids = {read(viewer_token(customer=alice, group=node.group, now=now)[0], node.group.slug).jti for _ in range(8)}

    for _ in range(4):
        tokens.rotate_token(customer=alice, group=node.group, now=now)
    tokens.revoke_tokens(customer=alice, group=node.group, now=now)

    assert len(ids) == 8
    assert viewer_token(customer=alice, group=node.group, now=now)


def test_a_node_that_wants_other_tokens_of_programs_gets_ours_of_pages(alice, node, keys_dir):
    Node.objects.filter(pk=node.pk).update(token_kind=Node.TokenKind.RT_RECEIVER)
    a_grant(alice, node, at=utc_now())

    token, _ = viewer_token(customer=alice, group=node.group, now=utc_now())

    assert jwt.get_unverified_header(token)["alg"] == "EdDSA"
    assert read(token, node.group.slug).viewer


def test_who_has_nothing_any_more_and_who_is_deactivated_get_none(alice, node, keys_dir):
    now = utc_now()
    for customer in (alice, a_customer("mallory")):
        with pytest.raises(NoEntitlement):
            viewer_token(customer=customer, group=node.group, now=now)
    a_grant(alice, node, at=now)
    with pytest.raises(NoEntitlement):
        viewer_token(customer=alice, group=node.group, now=now + timedelta(days=400))
    alice.is_active = False
    alice.save()
    with pytest.raises(NoEntitlement):
        viewer_token(customer=alice, group=node.group, now=now)


def test_a_guests_token_is_nobodys_and_has_nothing(node, keys_dir):
    now = utc_now()

    token, expires_at_s = guest_token(group=node.group.slug, now=now)

    claims = read(token, node.group.slug)
    assert (claims.viewer, claims.guest, claims.expires_at_s) == (True, True, expires_at_s)
    assert [(step.max_subs, step.max_conns, step.markets) for step in claims.scope.steps] == [(0, 0, frozenset())]
