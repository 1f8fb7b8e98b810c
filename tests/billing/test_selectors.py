"""What a page or a node asks of the shop is answered as it will be."""

import pytest

from billing import selectors
from tests.factories import NOW, a_grant, a_plan

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def test_the_preview_is_what_settling_now_gives(alice, node):
    grant = a_grant(alice, node)
    plan = a_plan("pack-15")

    shown = selectors.preview(customer=alice, plan=plan, group=node.group, months=2, extends=None, now=NOW)
    a_grant(alice, node, plan="pack-15", months=2)

    assert [segment.entitlement.max_subs for segment in shown.before] == [5, 0]
    assert shown.after == selectors.timeline(alice, node.group, NOW)
    assert shown.after[0].until_at == grant.ends_at
