"""The database itself refuses an order that cannot be."""

import pytest
from django.db import IntegrityError, transaction

from billing.models import Purchase
from tests.factories import NOW, a_purchase

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"months": 13}, "purchase_months_in_range"),
        ({"price_fen": 0}, "purchase_has_a_price_or_was_given"),
        ({"balance_fen": 1001}, "purchase_parts_fit_what_is_due"),
        ({"rounding_fen": 2}, "purchase_parts_fit_what_is_due"),
        ({"kind": "upgrade", "months": 0}, "purchase_replaces_a_grant_or_none"),
        ({"months": 0}, "purchase_months_in_range"),
        ({"symbols": 0}, "purchase_buys_something"),
        ({"state": "settled"}, "purchase_settled_means_paid_in_full"),
        ({"state": "paid"}, "purchase_state_is_known"),
        ({"kind": "extend"}, "purchase_extends_a_grant_or_stacks"),
        ({"price_until_at": NOW}, "purchase_price_is_pinned"),
    ],
)
def test_the_database_itself_refuses_an_impossible_purchase(alice, node, change, constraint):
    purchase = a_purchase(alice, node)

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Purchase.objects.filter(pk=purchase.pk).update(**change)
