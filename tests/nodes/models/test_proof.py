"""One row a customer, symbol, day and node; one a market and month; one a symbol and day; one a report."""

from datetime import date

import pytest
from django.db import IntegrityError, transaction

from kernel.clock import utc_now
from nodes.models import Delivered, DeliveredMonth, SymbolDay, TakenReport
from tests.factories import a_customer, a_group

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
DAY = date(2026, 3, 10)


def test_the_database_holds_each_row_once_and_rows_say_what_they_are():
    group, alice = a_group(), a_customer("alice")
    of_day = {"group": group, "lane": "CN", "symbol": "600519.SH", "day_on": DAY}
    rows = [
        (Delivered, {**of_day, "customer": alice, "node": "sh-1", "due": 2, "sent": 1}, "600519.SH 2026-03-10: 1 / 2"),
        (DeliveredMonth, {"group": group, "lane": "CN", "month_on": DAY.replace(day=1)}, "A-shares 2026-03: 0 / 0"),
        (
            SymbolDay,
            {**of_day, "rows": 1, "bars": 1, "refused": 0, "copies": 0, "gaps": 0, "longest_gap_seconds": 0},
            "600519.SH 2026-03-10",
        ),
        (TakenReport, {"report": "sh p:1", "taken_at": utc_now()}, "sh p:1"),
    ]
    for model, fields, text in rows:
        assert text in str(model.objects.create(**fields))
        with pytest.raises(IntegrityError), transaction.atomic():
            model.objects.create(**fields)
    Delivered.objects.create(**{**rows[0][1], "node": "sh-2"})
