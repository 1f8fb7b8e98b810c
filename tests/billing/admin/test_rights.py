"""What the shop gives everybody after an outage, and tokens that end."""

from datetime import timedelta

import pytest
from django.urls import reverse

from billing.models import AccessToken, Compensation, Purchase
from billing.services import tokens
from kernel.clock import utc_now
from nodes.models import NodeGroup
from outbox.models import Outbox
from tests.factories import a_grant

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def shop(keys_dir):
    return None


def test_a_compensation_shows_who_gets_what_before_it_is_given_once(desk_of, alice, node):
    a_grant(alice, node, at=utc_now())
    desk = desk_of("boss", "view_compensation", "compensate", "view_purchase")
    form = {"key": "2026-11-30-sh", "hours": "6", "group": NodeGroup.objects.get().pk, "reason": "an outage"}

    looked = desk.do(Compensation, "compensate", **form)
    assert "1 people have something there" in looked.text
    assert "alice@example.com" in looked.text
    assert not Compensation.objects.exists()

    assert desk.do(Compensation, "compensate", **form, sure="yes").status_code == 302
    given = Purchase.objects.get(kind="comp").grant
    assert given.ends_at - given.starts_at == timedelta(hours=6)
    assert Outbox.objects.filter(kind="compensation").count() == 1
    assert "alice@example.com" in desk.page(Compensation, Compensation.objects.get()).text
    assert "used before" in desk.do(Compensation, "compensate", **form).text
    desk.do(Compensation, "compensate", **form, sure="yes")
    assert Purchase.objects.filter(kind="comp").count() == 1


def test_a_compensation_names_a_place_and_somebody_is_there(desk_of, node):
    desk = desk_of("boss", "view_compensation", "compensate")
    form = {"key": "k", "hours": "6", "reason": "an outage"}

    assert "Choose a node group" in desk.do(Compensation, "compensate", **form).text
    nobody = desk.do(Compensation, "compensate", **form, node=node.pk, sure="yes")
    assert "nobody has anything in force there" in nobody.text
    assert not Compensation.objects.exists()


def test_tokens_are_revoked_after_a_yes(desk_of, alice, node):
    a_grant(alice, node, at=utc_now())
    tokens.rotate_token(customer=alice, group=node.group, now=utc_now())
    token = AccessToken.objects.last()
    desk = desk_of("boss", "view_accesstoken", "revoke_token")
    form = {"action": "revoke", "_selected_action": [token.pk]}

    asked = desk.client.post(reverse("admin:billing_accesstoken_changelist"), form)
    token.refresh_from_db()
    assert (token.revoked_at, "cut off within seconds" in asked.text) == (None, True)

    desk.client.post(reverse("admin:billing_accesstoken_changelist"), {**form, "sure": "yes"})
    token.refresh_from_db()
    assert token.revoked_at is not None
