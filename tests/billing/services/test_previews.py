"""A preview is the order that would be placed: the same price, the same time, the same refusals, and nothing is ordered."""

from datetime import timedelta

import pytest

from billing import selectors
from billing.domain import stacking
from billing.errors import BadPurchase, NotThatGrant
from billing.models import Purchase
from billing.services import previews, quotes
from billing.services.quotes import Wanted
from nodes.errors import NodeNotOffered
from nodes.models import Node
from tests.factories import NOW, a_grant, a_node, a_paid, a_plan, a_purchase, pay

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def preview(customer, wanted, **changes):
    usual = {"node": "sh-1", "use_balance": False, "now": NOW}
    return previews.preview_order(customer=customer, wanted=wanted, **{**usual, **changes})


@pytest.fixture(autouse=True)
def priced(keys_dir, node):
    a_plan()


def test_what_is_shown_is_what_the_paid_order_gives(alice, node):
    first = a_paid(alice, node).purchase.grant
    for wanted, order in (
        (Wanted("pack-5", 2, "stack"), {"months": 2}),
        (Wanted("pack-5", 2, "extend", first.pk), {"months": 2, "kind": "extend", "extends": first.pk}),
        (
            Wanted("pack-50", 0, "upgrade", first.pk, with_later=True),
            {"plan": "pack-50", "months": 0, "kind": "upgrade", "replaces": first.pk, "with_later": True},
        ),
    ):
        shown = preview(alice, wanted)
        placed = a_purchase(alice, node, quote=shown.pinned, **order)
        assert placed.due_fen == shown.quote.price.due_fen
        pay(placed)
        grant = placed.grant
        assert (grant.starts_at, grant.ends_at) == (shown.starts_at, shown.ends_at)
        assert selectors.timeline(alice, node.group, NOW) == shown.after


def test_a_later_grant_that_an_upgrade_replaces_gives_nothing_any_more(alice, node):
    first = a_paid(alice, node).purchase.grant
    a_paid(alice, node, kind="extend", extends=first.pk)

    alone = preview(alice, Wanted("pack-15", 0, "upgrade", first.pk))
    both = preview(alice, Wanted("pack-15", 0, "upgrade", first.pk, with_later=True))

    assert [one.entitlement.max_subs for one in alone.after] == [15, 5, 0]
    assert [one.entitlement.max_subs for one in both.after] == [15, 0]
    assert both.ends_at > alone.ends_at


def test_the_price_that_it_holds_can_be_brought_back(alice):
    shown = preview(alice, Wanted("pack-5", 1, "stack"))

    found = quotes.pinned(alice, Wanted("pack-5", 1, "stack"), shown.pinned, now=NOW + timedelta(minutes=14))

    assert found is not None
    assert found.price.due_fen == 1000
    assert not Purchase.objects.exists()


def test_what_could_not_be_ordered_is_refused(alice, node):
    a_node("silent", last_seen_at=NOW - timedelta(hours=1))
    other = a_grant(alice, node)

    for wanted, change, error in (
        (Wanted("pack-5", 13, "stack"), {}, BadPurchase),
        (Wanted("pack-5", 1, "stack"), {"node": "silent"}, NodeNotOffered),
        (Wanted("pack-5", 1, "stack"), {"node": "nowhere"}, NodeNotOffered),
        (Wanted("pack-15", 1, "extend", other.pk), {}, NotThatGrant),
    ):
        Node.objects.filter(slug="sh-1").update(last_seen_at=NOW)
        with pytest.raises(error):
            preview(alice, wanted, **change)


def test_before_is_what_holds_now(alice, node):
    a_grant(alice, node)

    shown = preview(alice, Wanted("pack-15", 1, "stack"))

    assert shown.before == selectors.timeline(alice, node.group, NOW)
    assert isinstance(shown.after[0], stacking.Segment)
    assert shown.after[0].entitlement.max_subs == 20
