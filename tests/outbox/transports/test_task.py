"""A task stands in the queue once."""

import json

import pytest
import redis

from outbox.transports.task import Task, deliver

pytestmark = pytest.mark.whole


def test_a_task_stands_in_the_queue(settings):
    with redis.Redis.from_url(settings.CELERY_BROKER_URL) as broker:
        broker.delete("control")

        deliver(Task("billing.nothing", {"n": 1}))

        [queued] = broker.lrange("control", 0, -1)
        broker.delete("control")
    message = json.loads(queued)
    assert message["headers"]["task"] == "billing.nothing"
    assert json.loads(message["headers"]["kwargsrepr"].replace("'", '"')) == {"n": 1}
