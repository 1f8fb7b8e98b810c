"""Tokens: what billing signs a node can verify; they are replaced, revoked and outlive their grants."""

import os
import stat
from datetime import timedelta

import jwt
import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from billing import selectors
from billing.errors import NoEntitlement, TokenGone
from billing.models import AccessToken
from billing.services import keys
from billing.services.entitlements import refresh_entitlements
from billing.services.tokens import issue_token, revoke_token, revoke_tokens, rotate_token
from kernel import keyspace, tokens
from outbox.models import Outbox
from tests.factories import NOW, a_customer, a_grant, a_group, a_node

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def verify(text, *, at=NOW, audience="sh"):
    """Do what a node does, with the published keys alone."""
    published = {key["kid"]: tokens.VerifyKey("EdDSA", jwt.PyJWK(key).key) for key in keys.jwks()["keys"]}
    return tokens.verify(text, keys=published, issuer="tickpack", audience=audience, now_s=at.timestamp())


def test_a_node_reads_from_a_token_what_was_bought(keys_dir, alice, node):
    grant = a_grant(alice, node)

    claims = verify(issue_token(customer=alice, group=node.group, now=NOW))

    assert (claims.scope.customer, claims.scope.group, claims.scope.rev) == (alice.public_id, "sh", 1)
    assert [step.max_subs for step in claims.scope.steps] == [5, 0]
    assert claims.scope.ends_at_s == grant.ends_at.timestamp()
    assert claims.expires_at_s == (grant.ends_at + timedelta(days=400)).timestamp()


def test_a_renewal_keeps_the_token_and_moves_what_it_says(keys_dir, alice, node):
    a_grant(alice, node)
    before = verify(issue_token(customer=alice, group=node.group, now=NOW))
    a_grant(alice, node, plan="pack-15")

    after = verify(issue_token(customer=alice, group=node.group, now=NOW))

    assert after.jti == before.jti
    assert (before.scope.rev, after.scope.rev) == (1, 2)
    assert after.scope.at(NOW.timestamp()).max_subs == 20


def test_who_never_bought_gets_no_token(keys_dir, node):
    with pytest.raises(NoEntitlement):
        issue_token(customer=a_customer("mallory"), group=node.group, now=NOW)


def test_a_rotated_token_works_for_a_day_more(keys_dir, alice, node):
    a_grant(alice, node)
    old = verify(issue_token(customer=alice, group=node.group, now=NOW))

    new = verify(rotate_token(customer=alice, group=node.group, now=NOW))

    assert new.jti != old.jti
    told = Outbox.objects.get(kind="revocation").payload
    assert (told["jti"], told["works_until_s"]) == (old.jti, int((NOW + timedelta(hours=24)).timestamp()))
    assert {one.jti for one in selectors.working_tokens(alice, node.group, NOW)} == {old.jti, new.jti}
    assert [one.jti for one in selectors.working_tokens(alice, node.group, NOW + timedelta(hours=25))] == [new.jti]


def test_a_revoked_token_ends_at_once_and_the_next_one_is_another(keys_dir, alice, node):
    a_grant(alice, node)
    old = verify(issue_token(customer=alice, group=node.group, now=NOW))

    revoke_token(customer=alice, jti=old.jti, now=NOW)
    revoke_token(customer=alice, jti=old.jti, now=NOW + timedelta(hours=1))

    assert Outbox.objects.get(kind="revocation").payload["works_until_s"] == int(NOW.timestamp())
    assert selectors.current_token(alice, node.group) is None
    assert verify(issue_token(customer=alice, group=node.group, now=NOW)).jti != old.jti


def test_nobody_revokes_another_ones_token(keys_dir, alice, node):
    a_grant(alice, node)
    jti = selectors.current_token(alice, node.group).jti

    with pytest.raises(TokenGone):
        revoke_token(customer=a_customer("mallory"), jti=jti, now=NOW)


def test_the_database_itself_keeps_one_current_token_a_group(alice, node):
    a_grant(alice, node)

    with pytest.raises(IntegrityError, match="one_current_token_a_group"), transaction.atomic():
        AccessToken.objects.create(customer=alice, group=node.group, issued_at=NOW, expires_at=NOW)


def test_revoking_a_groups_tokens_ends_the_rotated_ones_too_and_no_other_groups(keys_dir, alice, node):
    a_grant(alice, node)
    other = a_node("hk-1", group=a_group("hk"))
    a_grant(alice, other)
    rotate_token(customer=alice, group=node.group, now=NOW)

    assert revoke_tokens(customer=alice, group=node.group, now=NOW) == 2
    assert selectors.working_tokens(alice, node.group, NOW) == []
    assert len(selectors.working_tokens(alice, other.group, NOW)) == 1


def test_no_text_of_a_token_is_at_rest(keys_dir, alice, node):
    a_grant(alice, node)
    text = issue_token(customer=alice, group=node.group, now=NOW)

    stored = str([list(AccessToken.objects.values()), list(Outbox.objects.values())])

    assert text not in stored
    assert text.split(".")[2] not in stored


def test_a_redis_that_lost_everything_is_refilled(keys_dir, alice, node, data_redis):
    a_grant(alice, node)
    rotate_token(customer=alice, group=node.group, now=NOW)
    old = AccessToken.objects.exclude(works_until_at=None).get()
    data_redis.delete(keyspace.entitlement(alice.public_id, "sh"), keyspace.revoked(old.jti))

    assert refresh_entitlements(now=NOW) == 1
    assert refresh_entitlements(now=NOW) == 0
    assert data_redis.get(keyspace.revoked(old.jti)) == str(int(old.works_until_at.timestamp())).encode()
    assert b'"rev": 1' in data_redis.get(keyspace.entitlement(alice.public_id, "sh"))


def test_a_refresh_costs_few_queries_however_many_customers(alice, node, django_assert_max_num_queries):
    for name in ("bob", "carol", "dave", "erin"):
        a_grant(a_customer(name), node)
    a_grant(alice, node)

    with django_assert_max_num_queries(4):
        assert refresh_entitlements(now=NOW) == 5


class TestKeys:
    def test_private_keys_are_for_the_owner_alone_and_public_ones_hold_no_secret(self, keys_dir):
        [kid] = keys.key_ids()

        assert stat.S_IMODE(os.stat(keys_dir / f"{kid}.pem").st_mode) == 0o600
        assert "d" not in keys.jwks()["keys"][0]
        assert keys.jwks()["keys"][0]["alg"] == "EdDSA"

    def test_ensuring_a_key_twice_makes_one(self, keys_dir):
        assert keys.ensure_key(now=NOW) == keys.ensure_key(now=NOW + timedelta(days=1))

    def test_a_new_key_signs_once_every_node_has_had_time_to_fetch_it(self, keys_dir):
        [old] = keys.key_ids()
        later = NOW + timedelta(days=30)
        new = keys.create_key(now=later)

        assert keys.signing_key_id(now=later + timedelta(seconds=119)) == old
        assert keys.signing_key_id(now=later + timedelta(seconds=120)) == new
        assert {key["kid"] for key in keys.jwks()["keys"]} == {old, new}

    def test_tokens_of_the_old_key_work_until_it_is_removed(self, keys_dir, alice, node):
        a_grant(alice, node)
        text = issue_token(customer=alice, group=node.group, now=NOW)
        [old] = keys.key_ids()
        keys.create_key(now=NOW + timedelta(days=1))

        assert verify(text).jti
        keys.remove_key(kid=old)
        with pytest.raises(tokens.UnknownKey):
            verify(text)

    def test_the_only_key_is_not_removed(self, keys_dir):
        with pytest.raises(ValueError, match="only key"):
            keys.remove_key(kid=keys.key_ids()[0])

    def test_the_command_lists_rotates_and_removes(self, keys_dir, capsys):
        [old] = keys.key_ids()

        call_command("token_keys", "rotate")
        call_command("token_keys", "list")
        call_command("token_keys", "remove", old)

        listed = [line for line in capsys.readouterr().out.splitlines() if line.endswith("signs")]
        assert len(listed) == 1
        assert old not in keys.key_ids()
        with pytest.raises(CommandError):
            call_command("token_keys", "create")


def test_a_group_with_an_rt_receiver_gets_tokens_of_its_shape(keys_dir, alice, node):
    a_grant(alice, node)
    flat = verify(issue_token(customer=alice, group=node.group, now=NOW))
    node.token_kind = node.TokenKind.RT_RECEIVER
    node.save()

    text = issue_token(customer=alice, group=node.group, now=NOW)

    published = {key["kid"]: key["alg"] for key in keys.jwks()["keys"]}
    header, claims = jwt.get_unverified_header(text), jwt.decode(text, options={"verify_signature": False})
    assert (header["alg"], published[header["kid"]]) == ("RS256", "RS256")
    assert (claims["node_id"], claims["scope"]["type"]) == (node.slug, "realtime_stock")
    verify_keys = {
        key["kid"]: tokens.VerifyKey(key["alg"], jwt.PyJWK(key, algorithm=key["alg"]).key)
        for key in keys.jwks()["keys"]
    }
    nested = tokens.verify(text, keys=verify_keys, issuer="tickpack", audience="sh", now_s=NOW.timestamp())
    assert nested == flat  # the same jti, the same steps: nothing is lost


def test_each_algorithm_has_its_own_signing_key(keys_dir, capsys):
    call_command("token_keys", "create", "--algorithm", "RS256")
    call_command("token_keys", "list")

    lines = capsys.readouterr().out.splitlines()[1:]
    assert sorted(line.split()[1] for line in lines) == ["EdDSA", "RS256"]
    assert all(line.endswith("signs") for line in lines)
    with pytest.raises(CommandError):
        call_command("token_keys", "create", "--algorithm", "RS256")
    (rsa,) = keys.key_ids("RS256")
    with pytest.raises(CommandError):
        call_command("token_keys", "remove", rsa)
