"""A changed trading day says what the market does, in minutes of its day, and refuses what cannot be."""

from datetime import date, time

import pytest
from django.core.exceptions import ValidationError

from kernel.trading_days import TradingDay
from nodes.models import CalendarOverride


def test_a_day_and_its_fields_say_the_same():
    day = TradingDay("full", 13 * 60 + 30, None)
    fields = CalendarOverride.fields_of(day)

    assert fields == {"kind": "full", "opens_at": time(13, 30), "closes_at": None}
    assert CalendarOverride(**fields).day == day


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"kind": "closed", "opens_at": time(10)}, "opens_at"),
        ({"kind": "full", "opens_at": time(13, 30, 1)}, "opens_at"),
        ({"kind": "full", "opens_at": time(14), "closes_at": time(13, 30)}, "closes_at"),
    ],
)
def test_times_that_cannot_be_are_refused_where_they_stand(fields, wrong):
    with pytest.raises(ValidationError) as refused:
        CalendarOverride(lane="CN", day_on=date(2026, 12, 4), **fields).clean()

    assert list(refused.value.message_dict) == [wrong]
