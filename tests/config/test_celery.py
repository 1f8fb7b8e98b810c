"""The timetable names tasks that exist, and each of them is dropped when no worker took it in time."""

import pytest

from config.celery import app

app.loader.import_default_modules()


@pytest.mark.parametrize("name", sorted(app.conf.beat_schedule))
def test_what_beat_offers_exists_and_expires(name):
    offer = app.conf.beat_schedule[name]

    assert offer["task"] in app.tasks
    # A worker whose clock is a minute ahead of beat's takes it; one that was away for long finds minutes, not hours.
    assert 60 < offer["options"]["expires"] <= 60 + max(4 * offer["schedule"], 4)
