"""What a new shop sells."""

import pytest

from billing.models import Plan
from billing.services.plans import seed_plans
from kernel.scope import INTERVALS, TYPES

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def test_three_packs_with_everything_in_them():
    assert seed_plans() == 3
    assert seed_plans() == 0

    sold = Plan.objects.values_list("slug", "symbols", "price_fen", "max_connections")
    assert list(sold) == [("pack-5", 5, 1000, 2), ("pack-15", 15, 2000, 3), ("pack-50", 50, 5000, 5)]
    for plan in Plan.objects.all():
        assert (plan.markets, plan.levels, plan.types, plan.intervals) == (
            ["CN", "HK"],
            ["L1"],
            list(TYPES),
            list(INTERVALS),
        )
