"""Rights that end early are told at once, and a Redis that has lost them is refilled."""

from datetime import timedelta

import pytest

from billing import selectors
from billing.errors import GrantIsExtended
from billing.models import AccessToken, EntitlementRev
from billing.services.entitlements import close_grant, refresh_entitlements
from billing.services.tokens import rotate_token
from kernel import keyspace
from tests.factories import NOW, a_customer, a_grant

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def test_closing_a_grant_ends_it_now_and_raises_the_rev(alice, node):
    grant = a_grant(alice, node)

    closure = close_grant(grant_id=grant.pk, reason="refund", now=NOW + timedelta(days=1))

    assert close_grant(grant_id=grant.pk, reason="again", now=NOW + timedelta(days=2)) == closure
    assert selectors.entitlement(alice, node.group, NOW + timedelta(days=1)).max_subs == 0
    assert EntitlementRev.objects.get().rev == 2


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
