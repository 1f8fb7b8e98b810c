"""A plan is named in the reader's language, and sells only what a node can deliver."""

import pytest
from django.db import IntegrityError, transaction
from django.utils import translation

from billing.models import INTERVALS, Plan
from streaming.domain.intervals import INTERVAL_MINUTES
from tests.factories import a_plan


def test_every_interval_that_can_be_sold_is_one_that_nodes_have():
    assert set(INTERVALS) - {"1.5s"} <= set(INTERVAL_MINUTES)


@pytest.mark.parametrize(("language", "name"), [("en", "Pack 5"), ("zh-hans", "5 只套餐"), ("fr", "Pack 5")])
def test_a_plan_has_a_name_in_the_readers_language(language, name):
    plan = Plan(name_en="Pack 5", name_zh="5 只套餐", price_fen=1050)

    with translation.override(language):
        assert (plan.name, str(plan)) == (name, name)
    assert plan.price == "10.50"


@pytest.mark.whole
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"symbols": 0}, "plan_has_symbols"),
        ({"price_fen": 0}, "plan_has_a_price"),
        ({"max_connections": 0}, "plan_has_sockets"),
    ],
)
def test_the_database_itself_refuses_a_plan_of_nothing(change, constraint):
    plan = a_plan()

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Plan.objects.filter(pk=plan.pk).update(**change)
