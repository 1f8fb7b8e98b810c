"""A plan is named in the reader's language, and sells only what a node can deliver."""

import importlib

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import translation

from billing.models import Plan
from billing.models.catalogue import restricted_intervals, restricted_types
from kernel.scope import INTERVALS, TYPES
from streaming.domain.intervals import INTERVAL_MINUTES
from streaming.wire import channels
from tests.factories import a_plan


def test_every_word_that_can_be_sold_is_one_of_the_wire_and_the_other_way_round():
    assert set(INTERVALS) == {"1.5s", *INTERVAL_MINUTES} == set(channels.INTERVALS)
    assert set(TYPES) == {"kline", *channels.EVENTS}


def test_what_was_sold_with_all_words_restricts_nothing_whenever_that_was():
    assert restricted_types(TYPES) is None
    assert restricted_types(["kline"]) == {"kline"}
    assert restricted_intervals(INTERVALS) is None
    assert restricted_intervals(["1.5s", "1m", "5m", "15m", "30m", "1d", "1w", "1M"]) is None  # all that there were
    assert restricted_intervals(["1.5s", "1m", "5m", "15m", "30m", "1d", "1w"]) == {
        "1.5s", "1m", "5m", "15m", "30m", "1d", "1w",
    }  # fmt: skip


@pytest.mark.parametrize("words", [[], ["60m"], ["1m", "1m"], ["1.5s", "1m", "5m", "15m", "30m", "1d", "1w", "1M"]])
def test_a_plan_cannot_offer_intervals_that_restrict_nothing_or_are_none(words):
    with pytest.raises(ValidationError):
        Plan._meta.get_field("intervals").clean(words, None)


@pytest.mark.whole
@pytest.mark.django_db
def test_the_migration_widens_a_plan_that_had_all_intervals_and_no_other():
    migration = importlib.import_module("billing.migrations.0003_plan_intervals")
    everything, some = a_plan("pack-5"), a_plan("pack-15")
    Plan.objects.filter(pk=everything.pk).update(intervals=list(migration.BEFORE))
    Plan.objects.filter(pk=some.pk).update(intervals=["1.5s", "1m"])

    migration.name_all_again(apps, None)

    everything.refresh_from_db()
    some.refresh_from_db()
    assert (everything.intervals, some.intervals) == (list(INTERVALS), ["1.5s", "1m"])


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
