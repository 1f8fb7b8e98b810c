"""What a page or a node asks of the shop is answered as it will be."""

import pytest

from billing import selectors
from billing.models import Plan
from tests.factories import NOW, a_customer, a_grant, a_plan

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def test_the_preview_is_what_settling_now_gives(alice, node):
    grant = a_grant(alice, node)
    plan = a_plan("pack-15")

    shown = selectors.preview(customer=alice, plan=plan, group=node.group, months=2, extends=None, now=NOW)
    a_grant(alice, node, plan="pack-15", months=2)

    assert [segment.entitlement.max_subs for segment in shown.before] == [5, 0]
    assert shown.after == selectors.timeline(alice, node.group, NOW)
    assert shown.after[0].until_at == grant.ends_at


def test_a_restricted_plan_is_restricted_in_the_scope_and_an_older_one_with_all_words_is_not(alice, node):
    bob = a_customer("bob")
    formerly_all = ["1.5s", "1m", "5m", "15m", "30m", "1d", "1w", "1M"]
    Plan.objects.filter(pk=a_plan("pack-5").pk).update(intervals=formerly_all)
    Plan.objects.filter(pk=a_plan("pack-15").pk).update(types=["kline"], intervals=["1.5s", "1m"])
    a_grant(alice, node, plan="pack-5")
    a_grant(bob, node, plan="pack-15")

    (free, _), (bound, _) = (selectors.scope(who, node.group, NOW).steps for who in (alice, bob))

    assert (free.types, free.intervals) == (None, None)
    assert (bound.types, bound.intervals) == ({"kline"}, {"1.5s", "1m"})
    shown = selectors.preview(customer=bob, plan=a_plan("pack-5"), group=node.group, months=1, extends=None, now=NOW)
    assert shown.after[0].entitlement.types is None  # whoever adds all of them has all of them
