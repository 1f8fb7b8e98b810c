"""The newest use of a token is kept, in whatever order reports come."""

from datetime import timedelta

import pytest

from billing.models import AccessToken
from billing.services.token_uses import record_uses
from outbox.errors import UnreadableReport
from outbox.report_kinds import Report, find
from tests.factories import NOW, a_grant, a_group, a_node

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
MS = int(NOW.timestamp() * 1000)


@pytest.fixture
def token(alice, node, keys_dir):
    a_grant(alice, node)
    return AccessToken.objects.get()


def told(uses, *, group="sh", entry_ms=MS + 3_600_000):
    record_uses(Report(group=group, kind="token_uses", version="1", body={"uses": uses}, entry_ms=entry_ms))


def used(token):
    token.refresh_from_db()
    return token.last_used_at


def test_the_newest_use_is_kept(token):
    assert used(token) is None
    told({token.jti: MS + 60_000, "somebody's": MS})
    told({token.jti: MS})

    assert used(token) == NOW + timedelta(minutes=1)


def test_a_use_is_never_later_than_its_report(token):
    told({token.jti: MS + 999_999_999}, entry_ms=MS)

    assert used(token) == NOW


def test_a_group_tells_nothing_of_another_groups_tokens(token):
    a_node("hk-1", group=a_group("hk"))
    told({token.jti: MS}, group="hk")

    assert used(token) is None


@pytest.mark.parametrize("uses", [None, [], {"x": "1"}, {"x": True}, {"x": 0}, {"x": 2**60}, {"x" * 65: 1}])
def test_what_cannot_be_read_is_refused(token, uses):
    with pytest.raises(UnreadableReport):
        told(uses)


def test_the_kind_is_registered():
    assert find("token_uses").handler == record_uses
