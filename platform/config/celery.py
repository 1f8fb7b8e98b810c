"""The worker's and beat's entrance: queues, and the timetable of what must happen without anybody asking."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("tickpack")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

app.conf.task_default_queue = "control"
app.conf.task_routes = {"streaming.*": {"queue": "ingest"}}
# `expires`: a tick that no worker took in time is dropped, so a stopped worker does not find hours of them.
app.conf.beat_schedule = {
    **{
        f"offer ingest {lane}": {
            "task": "streaming.run_lane",
            "schedule": 0.5,
            "kwargs": {"lane": lane},
            "options": {"expires": 2},
        }
        for lane in ("CN", "HK", "TEST")
    },
    "write minute bars": {"task": "streaming.write_history", "schedule": 2.0, "options": {"expires": 4}},
    "deliver outbox": {"task": "outbox.deliver", "schedule": 1.0, "options": {"expires": 2}},
    "purge outbox": {"task": "outbox.purge", "schedule": 3600.0, "options": {"expires": 3600}},
    "poll nodes": {"task": "nodes.poll_nodes", "schedule": 10.0, "options": {"expires": 10}},
    "read reports": {"task": "nodes.read_reports", "schedule": 2.0, "options": {"expires": 4}},
    "forget processes": {"task": "nodes.forget_processes", "schedule": 3600.0, "options": {"expires": 3600}},
    "refresh entitlements": {"task": "billing.refresh_entitlements", "schedule": 60.0, "options": {"expires": 60}},
    "expire purchases": {"task": "billing.expire_purchases", "schedule": 60.0, "options": {"expires": 60}},
}
