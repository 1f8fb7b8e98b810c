"""Signing keys: published before they sign, kept from others, never all removed."""

import os
import stat
from datetime import timedelta

import pytest

from billing.services import keys
from billing.services.tokens import issue_token
from kernel import tokens
from tests.billing.services.test_tokens import verify
from tests.factories import NOW, a_grant

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def test_private_keys_are_for_the_owner_alone_and_public_ones_hold_no_secret(keys_dir):
    [kid] = keys.key_ids()

    assert stat.S_IMODE(os.stat(keys_dir / f"{kid}.pem").st_mode) == 0o600
    assert "d" not in keys.jwks()["keys"][0]
    assert keys.jwks()["keys"][0]["alg"] == "EdDSA"


def test_ensuring_a_key_twice_makes_one(keys_dir):
    assert keys.ensure_key(now=NOW) == keys.ensure_key(now=NOW + timedelta(days=1))


def test_a_new_key_signs_once_every_node_has_had_time_to_fetch_it(keys_dir):
    [old] = keys.key_ids()
    later = NOW + timedelta(days=30)
    new = keys.create_key(now=later)

    assert keys.signing_key_id(now=later + timedelta(seconds=119)) == old
    assert keys.signing_key_id(now=later + timedelta(seconds=120)) == new
    assert {key["kid"] for key in keys.jwks()["keys"]} == {old, new}


def test_tokens_of_the_old_key_work_until_it_is_removed(keys_dir, alice, node):
    a_grant(alice, node)
    text = issue_token(customer=alice, group=node.group, now=NOW)
    [old] = keys.key_ids()
    keys.create_key(now=NOW + timedelta(days=1))

    assert verify(text).jti
    keys.remove_key(kid=old)
    with pytest.raises(tokens.UnknownKey):
        verify(text)


def test_the_only_key_is_not_removed(keys_dir):
    with pytest.raises(ValueError, match="only key"):
        keys.remove_key(kid=keys.key_ids()[0])
