"""The sandbox's notices leave as the task that posts them."""

import json
from datetime import timedelta

import pytest
import redis

from billing.gateways.sandbox import notices
from kernel.clock import utc_now
from outbox.services.sending import deliver_outbox

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def test_a_notice_is_queued_once_its_delay_is_over(settings):
    with redis.Redis.from_url(settings.CELERY_BROKER_URL) as broker:
        broker.delete("control")
        notices.post_later(message={"n": 1}, forged=True, delay=timedelta(seconds=30))

        assert deliver_outbox(now=utc_now()) == 0
        assert deliver_outbox(now=utc_now() + timedelta(seconds=31)) == 1
        [queued] = broker.lrange("control", 0, -1)
        broker.delete("control")

    assert json.loads(queued)["headers"]["task"] == "billing.post_sandbox_notify"
