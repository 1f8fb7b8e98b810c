"""Who is deactivated has no right anywhere from that instant on; who is activated again has all of them back."""

from datetime import timedelta

import pytest
from django.test import Client

from accounts.models import Customer
from billing import selectors
from billing.models import EntitlementRev
from billing.services.customers import set_active
from billing.services.tokens import issue_token
from kernel import keyspace
from kernel.access import Stored, effective_scope
from kernel.scope import Scope
from kernel.tokens import CustomerDeactivated
from outbox.models import Outbox
from outbox.services.restating import restate
from tests.billing.services.test_tokens import verify
from tests.factories import FIRST_REV, NOW, a_customer, a_grant, a_group, a_node

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def newest_told(group="sh"):
    """Return the scope that nodes of a group were told last."""
    rows = Outbox.objects.filter(kind="entitlement", payload__scope__aud=group).order_by("id")
    return Scope.from_json(rows.last().payload["scope"])


def test_a_deactivated_customer_has_no_right_on_any_group_and_every_token_is_refused(keys_dir, alice, node):
    a_grant(alice, node)
    a_grant(alice, a_node("hk-1", group=a_group("hk")))
    claims = verify(issue_token(customer=alice, group=node.group, now=NOW))

    set_active(customer=alice, active=False, now=NOW)

    assert [newest_told(group).active for group in ("sh", "hk")] == [False, False]
    with pytest.raises(CustomerDeactivated):
        effective_scope(claims, Stored(newest_told()), NOW.timestamp())


def test_activation_brings_the_same_token_back(keys_dir, alice, node):
    a_grant(alice, node)
    claims = verify(issue_token(customer=alice, group=node.group, now=NOW))
    set_active(customer=alice, active=False, now=NOW)

    set_active(customer=alice, active=True, now=NOW)

    assert effective_scope(claims, Stored(newest_told()), NOW.timestamp()).at(NOW.timestamp()).max_subs == 5
    assert EntitlementRev.objects.get().rev == FIRST_REV + 2  # the purchase, the end, the return


def test_a_customer_who_stays_as_he_is_is_not_announced(keys_dir, alice, node):
    a_grant(alice, node)

    set_active(customer=alice, active=True, now=NOW)
    alice.save()

    assert EntitlementRev.objects.get().rev == FIRST_REV


def test_an_admin_who_unticks_active_ends_the_tokens_too(keys_dir, alice, node):
    a_grant(alice, node)
    browser = Client()
    browser.force_login(a_customer("root", is_staff=True, is_superuser=True))
    form = {"language": alice.language, "groups": []}

    answered = browser.post(f"/admin/accounts/customer/{alice.pk}/change/", form)

    assert answered.status_code == 302, answered.content
    assert not Customer.objects.get(pk=alice.pk).is_active
    assert not newest_told().active


def test_what_is_bought_or_signed_while_deactivated_gives_nothing_before_activation(keys_dir, alice, node):
    a_grant(alice, node)
    set_active(customer=alice, active=False, now=NOW)

    a_grant(alice, node, plan="pack-15")  # a payment that was under way
    signed = verify(issue_token(customer=alice, group=node.group, now=NOW))

    assert not newest_told().active
    assert signed.scope.at(NOW.timestamp()).max_subs == 0
    set_active(customer=alice, active=True, now=NOW)
    assert newest_told().at(NOW.timestamp()).max_subs == 20


def test_a_deactivation_behind_our_back_is_made_up_for_by_the_refresh(keys_dir, alice, node, data_redis):
    a_grant(alice, node)
    Customer.objects.filter(pk=alice.pk).update(is_active=False)

    restate(now=NOW + timedelta(minutes=1))

    assert b'"active": false' in data_redis.get(keyspace.entitlement(alice.public_id, "sh"))
    assert not selectors.scope(alice, node.group, NOW).active
