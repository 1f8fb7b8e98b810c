"""What a data licence must say, and on which days it holds."""

from datetime import date

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from nodes.models import DataLicence, MarketLine, Provider
from streaming.ingest.choice import SOURCES
from streaming.ingest.sources.live.providers import PROVIDERS

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
FIRST, LAST = date(2026, 11, 1), date(2026, 11, 30)


def licence(**more) -> DataLicence:
    return DataLicence(
        **{"lane": "CN", "provider": "itick", "contract": "IT-7", "starts_on": FIRST, "ends_on": LAST, **more}
    )


def test_what_the_admin_offers_is_what_ingest_runs():
    assert {source for source, _ in MarketLine.SOURCES} == set(SOURCES)
    assert set(Provider.values) == set(PROVIDERS)


@pytest.mark.parametrize(
    ("day", "holds"), [(date(2026, 10, 31), False), (FIRST, True), (LAST, True), (date(2026, 12, 1), False)]
)
def test_both_of_its_days_belong_to_it(day, holds):
    assert licence().covers(day) is holds


def test_without_a_last_day_it_holds_until_it_is_ended():
    assert licence(ends_on=None).covers(date(2040, 1, 1))


@pytest.mark.parametrize(
    "more",
    [{"contract": ""}, {"contract": " "}, {"ends_on": date(2026, 10, 1)}, {"provider": "push"}, {"lane": "TEST"}],
)
def test_what_says_by_no_right_or_ends_before_it_begins_is_refused(more):
    with pytest.raises(ValidationError):
        licence(**more).full_clean()


def test_an_operators_word_stands_in_place_of_a_contract():
    licence(contract="", insisted="The exchange's answer of 2 November allows it.").full_clean()


@pytest.mark.parametrize("more", [{"contract": ""}, {"ends_on": date(2026, 10, 1)}])
def test_the_database_holds_it_too(more):
    with pytest.raises(IntegrityError), transaction.atomic():
        licence(**more).save()
