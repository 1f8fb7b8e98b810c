"""What beat offers of people."""

from datetime import timedelta

import pytest

from accounts.models import BrowserSession
from accounts.tasks import forget_browsers
from kernel.clock import utc_now
from tests.factories import a_customer

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def test_browsers_that_were_not_seen_for_two_weeks_are_forgotten_and_others_are_not():
    alice, now = a_customer("alice"), utc_now()
    for nth, days in enumerate((1, 20)):
        then = now - timedelta(days=days)
        BrowserSession.objects.create(session_key=f"{nth}", customer=alice, began_at=then, seen_at=then)

    assert forget_browsers(unknown=1) == 1
    assert BrowserSession.objects.get().session_key == "0"
