"""Beat's tasks do what the services do, and tolerate arguments of another version."""

from datetime import timedelta

import pytest

from kernel.clock import utc_now
from outbox import tasks
from outbox.models import Outbox
from outbox.services.sending import DELIVER, say

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def test_what_is_due_is_delivered_and_what_is_old_is_forgotten(carried):
    say("note", {})

    assert tasks.deliver_outbox(from_tomorrow=True) == 1
    assert tasks.purge_outbox(from_tomorrow=True) == 0
    Outbox.objects.update(delivered_at=utc_now() - timedelta(days=8))
    assert tasks.purge_outbox() == 1


def test_beat_has_everything_written_again():
    assert set(tasks.restate(from_tomorrow=True)) >= {"drain", "feed_setting", "calendar_override", "entitlement"}


def test_the_hurry_after_a_commit_names_this_task():
    assert tasks.deliver_outbox.name == DELIVER
