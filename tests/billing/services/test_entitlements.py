"""Rights that end early are told at once, and a Redis that has lost them is refilled."""

import json
from datetime import timedelta

import pytest

from billing import selectors
from billing.errors import GrantIsExtended
from billing.models import AccessToken, EntitlementRev
from billing.services.entitlements import close_grant, restated_entitlements
from billing.services.tokens import rotate_token
from kernel import keyspace
from kernel.clock import utc_now
from outbox.services.restating import restate
from outbox.services.sending import deliver_outbox
from tests.factories import FIRST_REV, NOW, a_customer, a_grant

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def test_closing_a_grant_ends_it_now_and_raises_the_rev(alice, node):
    grant = a_grant(alice, node)

    closure = close_grant(grant_id=grant.pk, reason="refund", now=NOW + timedelta(days=1))

    assert close_grant(grant_id=grant.pk, reason="again", now=NOW + timedelta(days=2)) == closure
    assert selectors.entitlement(alice, node.group, NOW + timedelta(days=1)).max_subs == 0
    assert EntitlementRev.objects.get().rev == int((NOW + timedelta(days=1)).timestamp())


def test_a_grant_with_an_extension_is_closed_after_it(alice, node):
    first = a_grant(alice, node)
    second = a_grant(alice, node, kind="extend", extends=first.pk)

    with pytest.raises(GrantIsExtended):
        close_grant(grant_id=first.pk, reason="", now=NOW)
    close_grant(grant_id=second.pk, reason="", now=NOW)
    close_grant(grant_id=first.pk, reason="", now=NOW)

    assert selectors.entitlement(alice, node.group, NOW).max_subs == 0
    assert selectors.chain_tails(alice, now=NOW) == []


def test_a_redis_that_lost_everything_is_refilled(keys_dir, alice, node, data_redis):
    a_grant(alice, node)
    rotate_token(customer=alice, group=node.group, now=NOW)
    old = AccessToken.objects.exclude(works_until_at=None).get()
    data_redis.delete(keyspace.entitlement(alice.public_id, "sh"), keyspace.revoked(old.jti))

    first, second = restate(now=NOW), restate(now=NOW)

    assert (first["entitlement"], first["revocation"]) == (1, 1)
    assert (second["entitlement"], second["revocation"]) == (0, 0)
    assert data_redis.get(keyspace.revoked(old.jti)) == str(int(old.works_until_at.timestamp())).encode()
    assert json.loads(data_redis.get(keyspace.entitlement(alice.public_id, "sh")))["rev"] == FIRST_REV


def test_a_database_that_went_back_to_an_older_copy_counts_again(alice, node, data_redis, caplog):
    """Before, the node stayed at what it knew for as long as the old rev took to catch up, and an end had no effect."""
    grant = a_grant(alice, node)
    key = keyspace.entitlement(alice.public_id, "sh")
    lost = selectors.scope(alice, node.group, NOW).as_json() | {"rev": FIRST_REV + 86_400}  # what happened afterwards
    lost["steps"][0]["max_subs"] = 500
    data_redis.set(key, json.dumps(lost))

    later = NOW + timedelta(days=2)
    restate(now=later)
    deliver_outbox(now=utc_now())

    known = json.loads(data_redis.get(key))
    assert (known["rev"], known["steps"][0]["max_subs"]) == (int(later.timestamp()), 5)
    assert "restored from an older copy" in caplog.text
    close_grant(grant_id=grant.pk, reason="refund", now=later)
    deliver_outbox(now=utc_now())
    assert json.loads(data_redis.get(key))["steps"][0]["max_subs"] == 0


def test_a_change_that_was_announced_meanwhile_is_no_older_copy(alice, node, data_redis, monkeypatch):
    """The sweep reads; somebody buys and nodes are told; the sweep writes what it read, and nobody was restored."""
    a_grant(alice, node)
    read = selectors.scopes

    def then_somebody_buys(revs, now):
        scopes = read(revs, now)
        monkeypatch.setattr(selectors, "scopes", read)
        a_grant(alice, node, plan="pack-15")
        deliver_outbox(now=utc_now())
        return scopes

    monkeypatch.setattr(selectors, "scopes", then_somebody_buys)
    restate(now=NOW)

    assert EntitlementRev.objects.get().rev == FIRST_REV + 1
    assert json.loads(data_redis.get(keyspace.entitlement(alice.public_id, "sh")))["rev"] == FIRST_REV + 1


def test_writing_it_again_costs_few_queries_however_many_customers(alice, node, django_assert_max_num_queries):
    for name in ("bob", "carol", "dave", "erin"):
        a_grant(a_customer(name), node)
    a_grant(alice, node)

    with django_assert_max_num_queries(10):
        assert list(restated_entitlements(NOW))
