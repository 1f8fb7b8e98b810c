"""Errors below /api/v1/shop/ are problems whoever finds them: Django, the server, a fault of ours, a store that is away."""

import json
import sys
import uuid

import httpx
import pytest
from django.core.exceptions import SuspiciousOperation
from django.db import OperationalError
from rest_framework.test import APIClient

from accounts.services import KEY_BEGINS
from billing import selectors
from config.admission import answer_unavailable
from config.embedded.children import free_port
from tests.billing.api.programs import SHOP, Program
from tests.factories import a_customer
from tests.streaming.conftest import serve

PROBLEM = "application/problem+json"


@pytest.fixture
def program(db):
    return Program(a_customer(), client=APIClient(raise_request_exception=False))


def fails_with(monkeypatch, error):
    def fail():
        raise error

    monkeypatch.setattr(selectors, "plans_on_sale", fail)


@pytest.mark.whole
@pytest.mark.filterwarnings("ignore")
def test_a_fault_of_ours_is_a_500_that_says_nothing_of_it(program, monkeypatch):
    fails_with(monkeypatch, ZeroDivisionError("secret detail"))

    answer = program.get("/plans")

    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "secret" not in answer.text


@pytest.mark.whole
def test_a_database_that_is_away_is_a_503_with_a_time_to_come_back(program, monkeypatch):
    fails_with(monkeypatch, OperationalError("connection refused"))

    answer = program.get("/plans")

    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.whole
def test_a_request_that_django_finds_suspicious_is_400(program, monkeypatch):
    fails_with(monkeypatch, SuspiciousOperation("odd"))

    assert (program.get("/plans").status_code, program.get("/plans").json()["code"]) == (400, "malformed")
    many = "&".join(f"x{nth}=1" for nth in range(2000))
    headers = {"Authorization": f"Bearer {program.text}"}
    answer = program.client.get(f"{SHOP}/purchases?{many}", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")


@pytest.mark.whole
@pytest.mark.django_db
def test_an_address_with_a_nul_is_one_too():
    for path in (f"{SHOP}/purchases/a%00b", f"{SHOP}/purchases?cursor=%00"):
        answer = APIClient().get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (400, PROBLEM)
        assert answer.json()["code"] == "malformed"
    assert APIClient().get("/api/purchases?before=%00").headers["content-type"] == "application/json"


@pytest.mark.whole
@pytest.mark.django_db
def test_elsewhere_errors_are_what_they_were():
    answer = APIClient().get("/api/purchases")

    assert (answer.status_code, answer.headers["content-type"]) == (403, "application/json")
    assert "detail" in answer.json()


async def test_too_much_at_once_is_a_problem_too():
    for path, kind in ((f"{SHOP}/plans", PROBLEM), ("/dashboard/", "application/json")):
        sent = []

        async def send(message, sent=sent):
            sent.append(message)

        await answer_unavailable({"path": path, "headers": []}, send)
        headers = dict(sent[0]["headers"])
        assert (sent[0]["status"], headers[b"content-type"].decode()) == (503, kind)
        assert json.loads(sent[1]["body"])["code"] == "unavailable"
        assert headers[b"retry-after"] == b"3"


@pytest.mark.whole
def test_a_server_without_its_database_answers_problems_and_logs_no_key(tmp_path):
    """A real server, whose database nobody listens for."""
    key, port = KEY_BEGINS + uuid.uuid4().hex + "Canary77", free_port()
    away = {"DATABASE_URL": f"postgres://u:p@127.0.0.1:{free_port()}/x", "TICKPACK_ROLE": "all", "LOG_LEVEL": "DEBUG"}
    argv = [sys.executable, "manage.py", "serve", "--port", str(port)]
    headers = {"Authorization": f"Bearer {key}"}
    for node in serve("web", argv, port, tmp_path, **away):
        with httpx.Client(base_url=node.base, headers=headers, timeout=30) as client:
            for got, status, code in (
                (client.get(f"{SHOP}/nothing"), 404, "not_found"),
                (client.get(f"{SHOP}/plans"), 503, "unavailable"),
                (client.post(f"{SHOP}/preview", content=b"x" * 300_000), 413, "body_too_large"),
                (client.get(f"{SHOP}/problems"), 200, None),
            ):
                assert (got.status_code, got.json().get("code")) == (status, code), got.text
                assert got.headers["content-type"] == (PROBLEM if code else "application/json")
            assert client.get(f"/nothing?x={key}").status_code == 404
    said = (tmp_path / "server.log").read_text()
    assert len(said) > 100
    assert "Canary77" not in said
