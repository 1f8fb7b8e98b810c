"""The worker's and beat's entrance: queues, and the timetable of what must happen without anybody asking."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("tickpack")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

app.conf.task_default_queue = "control"
app.conf.task_routes = {"streaming.*": {"queue": "ingest"}}
# A tick that no worker took in time is dropped, so a stopped worker does not find hours of them. `expires` is an
# instant by beat's clock: there is room for a worker whose clock is a minute ahead, who would drop every one.
_SKEW_S = 60


def _each(seconds: float, task: str, **kwargs: str) -> dict[str, object]:
    """Offer a task so often."""
    return {"task": task, "schedule": seconds, "kwargs": kwargs, "options": {"expires": _SKEW_S + max(4.0, seconds)}}


app.conf.beat_schedule = {
    **{f"offer ingest {lane}": _each(0.5, "streaming.run_lane", lane=lane) for lane in ("CN", "HK", "TEST")},
    "write minute bars": _each(2.0, "streaming.write_history"),
    "check days": _each(600.0, "streaming.check_days"),
    "deliver outbox": _each(1.0, "outbox.deliver"),
    "forget browsers": _each(3600.0, "accounts.forget_browsers"),
    "purge outbox": _each(3600.0, "outbox.purge"),
    "restate": _each(30.0, "outbox.restate"),
    "poll nodes": _each(10.0, "nodes.poll_nodes"),
    "read reports": _each(2.0, "nodes.read_reports"),
    "warn of calendars": _each(600.0, "nodes.warn_of_calendars"),
    "forget days": _each(3600.0, "nodes.forget_days"),
    "forget processes": _each(3600.0, "nodes.forget_processes"),
    "expire purchases": _each(60.0, "billing.expire_purchases"),
    "pay commissions": _each(600.0, "billing.pay_commissions"),
    "renew": _each(300.0, "billing.renew"),
    "remind": _each(600.0, "billing.remind"),
    "look over books": _each(600.0, "billing.look_over_books"),
    "ask gateways": _each(5.0, "billing.ask_gateways"),
    "refresh certificates": _each(60.0, "billing.refresh_certificates"),  # each hour; at once where there are none
}
