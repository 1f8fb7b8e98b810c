"""The timetable names tasks that exist, and each of them is dropped when no worker took it in time."""

import os
import subprocess
import sys

import pytest

from config.celery import app

app.loader.import_default_modules()


@pytest.mark.parametrize("name", sorted(app.conf.beat_schedule))
def test_what_beat_offers_exists_and_expires(name):
    offer = app.conf.beat_schedule[name]

    assert offer["task"] in app.tasks
    # A worker whose clock is a minute ahead of beat's takes it; one that was away for long finds minutes, not hours.
    assert 60 < offer["options"]["expires"] <= 60 + max(4 * offer["schedule"], 4)


@pytest.mark.whole
def test_celery_asks_its_broker_with_the_password_that_stands_beside_the_address():
    said = {"CELERY_BROKER_URL": "redis://127.0.0.1:6399/0", "CELERY_BROKER_PASSWORD": "a/b#c?d%e@f:g"}
    code = "from config.celery import app; print([app.connection_for_read().password, app.connection().password])"
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, **said}, capture_output=True, text=True)
    assert done.stdout.strip() == str(["a/b#c?d%e@f:g"] * 2), done.stderr
