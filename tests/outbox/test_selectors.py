"""What waits is counted apart: all, tried in vain, of a kind that nobody here knows."""

from datetime import timedelta

import pytest

from kernel.clock import utc_now
from outbox.models import Outbox
from outbox.selectors import Waiting, waiting
from outbox.services.sending import deliver_outbox, say

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def test_nothing_waits_in_an_empty_outbox():
    assert waiting() == Waiting(all=0, in_trouble=0, unknown=0)


def test_each_row_that_waits_is_counted_where_it_belongs(kinds_of_a_test, carried):
    def away(message):
        raise ConnectionError

    kinds_of_a_test.register("stuck", label="stuck", prepare=lambda payload, now: payload, transport=away)
    now = utc_now()
    say("stuck", {})
    say("note", {})
    say("note", {}, delay=timedelta(days=1))
    Outbox.objects.create(kind="from_tomorrow", payload={}, created_at=now, due_at=now, attempts=3)

    deliver_outbox(now=utc_now())

    assert waiting() == Waiting(all=3, in_trouble=1, unknown=1)
