"""Requests that are no fault of ours, and the database's absence: what they are answered, and how short the log is."""

import asyncio
import logging

import pytest
from django.db import InterfaceError, OperationalError
from django.test import Client
from django.urls import get_resolver

from config.logs import Brief
from tests.factories import a_customer

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture
def outside():
    """A client to whom a failed view is an answer, as to everybody outside."""
    return Client(raise_request_exception=False)


def panel_addresses():
    for app in ("panel", "billing"):
        for one in get_resolver(f"{app}.urls").url_patterns:
            yield "/" + str(one.pattern)


@pytest.mark.parametrize("address", sorted(panel_addresses()))
def test_a_nul_in_an_address_is_refused_and_no_fault(outside, keys_dir, address):
    import re

    outside.force_login(a_customer("alice", is_staff=True, is_superuser=True))
    asked = re.sub(r"<[^>]+>", "%00", address)
    for path in (asked, f"{asked}?q=%00&plan=%00&group=%00"):
        for method in (outside.get, outside.post):
            assert method(path).status_code < 500


@pytest.mark.parametrize("path", ["/admin/billing/purchase/?q=%00", "/admin/billing/purchase/?state__exact=%00",
                                  "/admin/accounts/customer/?email=a%00b", "/admin/billing/purchase/%00/change/"])  # fmt: skip
def test_nor_in_the_admin(outside, path):
    outside.force_login(a_customer("alice", is_staff=True, is_superuser=True))
    assert outside.get(path).status_code == 400


@pytest.mark.parametrize("error", [OperationalError("server closed the connection"), InterfaceError("it is closed")])
@pytest.mark.parametrize(("accept", "kind"), [("text/html", "text/html; charset=utf-8"), ("*/*", "application/json")])
def test_without_the_database_a_page_says_come_again(outside, monkeypatch, error, accept, kind):
    def away(*args, **kwargs):
        raise error

    monkeypatch.setattr("billing.selectors.plans_on_sale", away)

    answer = outside.get("/", headers={"accept": accept})

    assert (answer.status_code, answer["Retry-After"], answer["Content-Type"]) == (503, "3", kind)


def test_a_session_that_cannot_be_read_says_so_too(outside, monkeypatch):
    def away(*args, **kwargs):
        raise OperationalError("couldn't get a connection after 5.00 sec")

    outside.force_login(a_customer("alice"))
    monkeypatch.setattr("django.contrib.sessions.backends.db.SessionStore.load", away)

    assert outside.get("/dashboard/").status_code == 503


def test_a_fault_of_ours_is_still_one(outside, monkeypatch):
    def broken(*args, **kwargs):
        raise KeyError("plan")

    monkeypatch.setattr("billing.selectors.plans_on_sale", broken)

    assert outside.get("/").status_code == 500


def test_a_wrong_host_is_one_line_of_the_log(outside, caplog):
    caplog.handler.addFilter(Brief())
    answer = outside.get("/", headers={"host": "evil.example"})

    assert answer.status_code == 400
    lines = [record for record in caplog.records if record.name.startswith("django.security")]
    assert lines
    assert all("\n" not in logging.Formatter().format(record) for record in lines)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/.well-known/jwks.json", "/metrics"])
async def test_probes_by_address_are_answered(settings, path, keys_dir):
    from config.straight import Straight

    settings.ALLOWED_HOSTS = ["shop.example"]
    sent = []

    async def send(message):
        sent.append(message)

    waiting = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive():
        return waiting.pop() if waiting else await asyncio.Event().wait()

    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": [(b"host", b"10.2.3.4:8000")],
             "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 5), "scheme": "http", "http_version": "1.1"}  # fmt: skip
    await Straight(["streaming.urls", "billing.urls"])(scope, receive, send)

    assert sent[0]["status"] in (200, 503)  # 503: no process of this test reads the stream
