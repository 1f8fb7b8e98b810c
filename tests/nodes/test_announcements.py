"""What is announced stands in the outbox in the transaction that causes it, once a Redis."""

import pytest

from nodes import announcements
from outbox.models import Outbox
from tests.factories import a_group

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def said() -> list[tuple[str, dict]]:
    return list(Outbox.objects.order_by("id").values_list("kind", "payload"))


def test_rights_are_said_to_their_group_alone():
    scope = {"sub": "c", "aud": "sh", "rev": 1, "steps": []}
    revoked = {"jti": "j", "customer": "c", "group": "sh", "works_until_s": 1, "expires_at_s": 2}

    announcements.entitlement(scope=scope)
    announcements.revocation(**revoked)
    announcements.drain(node="sh-1")

    assert said() == [("entitlement", {"scope": scope}), ("revocation", revoked), ("drain", {"node": "sh-1"})]


def test_feeds_and_days_are_said_to_every_redis_once():
    for slug, address in (("sh", ""), ("hk", "redis://hk.example"), ("hk-2", "redis://hk.example")):
        group = a_group(slug)
        group.address = address
        group.save()

    announcements.feed_setting(lane="HK")
    announcements.calendar_override(lane="HK", day="2027-02-05")

    day = {"lane": "HK", "day": "2027-02-05"}
    assert said() == [
        ("feed_setting", {"lane": "HK", "group": ""}),
        ("feed_setting", {"lane": "HK", "group": "hk"}),
        ("calendar_override", {**day, "group": ""}),
        ("calendar_override", {**day, "group": "hk"}),
    ]
