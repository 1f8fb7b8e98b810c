"""Tokens: what billing signs a node can verify; they are replaced, revoked and outlive their grants."""

from datetime import timedelta

import jwt
import pytest

from billing import selectors
from billing.errors import NoEntitlement, TokenGone
from billing.models import AccessToken
from billing.services import keys
from billing.services.tokens import issue_token, revoke_token, revoke_tokens, rotate_token
from kernel import tokens
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
