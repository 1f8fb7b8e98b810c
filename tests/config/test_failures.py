"""Each error page says what to do and a number to quote, in the visitor's language; a fault needs no database for it."""

import logging
import re

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from config import request_ids
from config.logs import JsonLine, Line
from config.plain_pages import page
from content.models import ShopDetails
from tests.factories import a_customer

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
NUMBER = re.compile(r"[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}")
HTML = {"accept": "text/html", "accept-language": "en"}


@pytest.fixture
def outside():
    return Client(raise_request_exception=False, enforce_csrf_checks=True)


def shown_number(answer):
    [number] = re.findall(r'data-testid="request-id">([^<]+)<', answer.text)
    assert answer["X-Request-Id"] == number
    assert NUMBER.fullmatch(number)
    return number


def ask_404(client):
    return client.get("/nothing", headers=HTML)


def ask_403(client):
    client.force_login(a_customer("support", is_staff=True))
    return client.get("/admin/billing/plan/add/", headers=HTML)


def ask_csrf(client):
    return client.post("/accounts/login/", {"login": "x"}, headers=HTML)


@pytest.mark.parametrize(("ask", "status"), [(ask_404, 404), (ask_csrf, 403), (ask_403, 403)])
def test_an_error_has_the_frame_the_number_and_the_contact(outside, ask, status):
    ShopDetails.objects.create(mail="help@acme.example")

    answer = ask(outside)

    assert answer.status_code == status
    shown_number(answer)
    assert "help@acme.example" in answer.text.split("<footer")[0]
    assert "<footer" in answer.text


@pytest.mark.parametrize(("language", "said"), [("en", "Something went wrong"), ("zh-CN", "出错了")])
def test_a_fault_is_told_without_the_database_and_logged_with_its_number(outside, monkeypatch, caplog, language, said):
    def broken(*args, **kwargs):
        raise KeyError("plan")

    monkeypatch.setattr("billing.selectors.plans_on_sale", broken)
    seen = []
    caplog.handler.setFormatter(Line("{message}", style="{"))
    monkeypatch.setattr(caplog.handler, "emit", lambda record: seen.append(Line("{message}", style="{").format(record)))

    with CaptureQueriesContext(connection) as queries:
        answer = outside.get("/", headers={**HTML, "accept-language": language})

    assert answer.status_code == 500
    assert said in answer.text
    assert queries.captured_queries == []
    number = shown_number(answer)
    assert [line for line in seen if f"[request {number}]" in line]


def test_a_database_that_is_away_is_told_with_a_number(outside, monkeypatch, settings):
    def away(*args, **kwargs):
        raise OperationalError("server closed the connection")

    settings.REPLY_TO_EMAIL = "help@shop.example"
    monkeypatch.setattr("billing.selectors.plans_on_sale", away)

    answer = outside.get("/", headers={**HTML, "accept-language": "zh-CN"})

    assert answer.status_code == 503
    assert "暂时繁忙" in answer.text
    assert "mailto:help@shop.example" in answer.text
    shown_number(answer)


def test_an_address_that_is_none_of_ours_is_told(outside):
    answer = outside.get("/", headers={**HTML, "host": "evil.example"})

    assert answer.status_code == 400
    assert "This request cannot be read" in answer.text


def test_what_a_client_calls_its_request_is_not_taken(outside):
    answers = [outside.get("/nothing", headers={**HTML, "x-request-id": "mine"}) for _ in range(2)]

    assert len({shown_number(answer) for answer in answers} | {"mine"}) == 3


def test_a_page_without_a_request_has_no_number():
    assert b"request-id" not in page(503, "xx-nonsense")
    assert b"Busy for a moment" in page(503, "xx-nonsense")


def test_a_line_of_the_log_outside_of_requests_has_none():
    record = logging.LogRecord("x", logging.INFO, __file__, 1, "text", (), None)
    assert Line("{message}", style="{").format(record) == "text"
    mark = request_ids.current.set("ABCD")
    try:
        assert Line("{message}", style="{").format(record) == "text [request ABCD]"
        assert '"request": "ABCD"' in JsonLine().format(record)
    finally:
        request_ids.current.reset(mark)
