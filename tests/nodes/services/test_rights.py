"""Rights are written again to each group, and only what was news there is told."""

import json
import uuid

import pytest

from kernel import keyspace
from kernel.clock import utc_now
from nodes.services.rights import write_entitlements, write_revocations
from tests.factories import a_group
from tests.nodes.services.test_deliveries import hear, scope

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def group():
    return a_group("sh")


def test_writing_tells_which_scopes_were_news():
    customer = uuid.uuid4().hex

    assert len(write_entitlements([scope(customer, 1)])) == 1
    assert write_entitlements([scope(customer, 1)]) == []
    assert len(write_entitlements([scope(customer, 2)])) == 1
    assert write_entitlements([scope(customer, 1)]) == []


def test_open_sockets_hear_of_what_was_news_alone():
    old, new = uuid.uuid4().hex, uuid.uuid4().hex
    write_entitlements([scope(old, 1)])

    [heard] = hear(lambda: write_entitlements([scope(old, 1), scope(new, 1)]), count=1)

    assert heard == {"type": "control", "kind": "entitlement", "customer": new, "group": "sh"}


def test_one_of_a_group_that_nobody_knows_keeps_no_other_from_being_written(data_redis):
    customer, now = uuid.uuid4().hex, int(utc_now().timestamp())
    revoked = {"jti": customer, "works_until_s": now, "expires_at_s": now + 100, "now_s": now}

    news = write_entitlements([scope(customer, 1, group="atlantis"), scope(customer, 1)])
    write_revocations([{"group": "atlantis", **revoked}, {"group": "sh", **revoked}])

    assert [one["aud"] for one in news] == ["sh"]
    assert json.loads(data_redis.get(keyspace.entitlement(customer, "sh")))["rev"] == 1
    assert data_redis.get(keyspace.revoked(customer)) == str(now).encode()
