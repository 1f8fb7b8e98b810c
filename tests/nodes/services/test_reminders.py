"""What an operator should know stands in the log once a day, whoever asks how often."""

from datetime import date

import pytest
from django.core.cache import cache

from nodes.models import CalendarHorizon
from nodes.services.reminders import log_calendar_warnings

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def nobody_has_said_it_yet():
    cache.clear()
    yield
    cache.clear()


def test_inside_sixty_days_it_is_logged_once_a_day(caplog):
    today = date(2026, 11, 29)

    assert [log_calendar_warnings(today=today) for _ in range(3)] == [1, 0, 0]
    assert log_calendar_warnings(today=date(2026, 11, 30)) == 1

    assert caplog.records[0].getMessage() == (
        "trading days of CN are known until 2026-12-31, 32 days from now; weekdays after it are presumed to be trading "
        "days. Bring the exchange's notice: manage.py import_calendar FILE"
    )


def test_who_has_brought_the_notice_is_left_alone():
    CalendarHorizon.objects.create(lane="CN", until_on="2027-12-31")

    assert log_calendar_warnings(today=date(2026, 12, 31)) == 0
