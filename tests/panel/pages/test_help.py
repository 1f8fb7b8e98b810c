"""Help: asking, writing on, closing, and nobody else's questions."""

from datetime import UTC, datetime

import pytest
from django.core.cache import cache

from billing.models import AccessToken
from support.models import Ticket
from support.services import tickets
from tests.factories import NOW, a_customer, a_grant, a_node, a_purchase

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
QUESTION = {"subject": "Gap", "text": "Two bars are missing."}


@pytest.fixture
def client(client, alice, keys_dir, settings):
    cache.clear()
    settings.SUPPORT_EMAIL = "help@shop.example"
    client.force_login(alice)
    return client


def test_a_question_is_asked_about_an_order_and_shown(client, alice):
    order = a_grant(alice, a_node()).purchase.public_id
    assert order in client.get(f"/help/tickets/new?order={order}").text

    page = client.post("/help/tickets/new", {**QUESTION, "order": order}, follow=True).text

    assert "Two bars are missing." in page
    assert order[:8] in page
    assert "Gap" in client.get("/help/").text


def test_orders_and_tokens_are_named_by_the_local_day_and_the_groups_name_in_the_readers_language(client, alice):
    late = datetime(2026, 11, 30, 18, 5, tzinfo=UTC)  # the first of December in Shanghai
    node = a_node(last_seen_at=late)
    type(node.group).objects.update(name_zh="上海机房")
    order = a_purchase(alice, node, at=late).public_id
    AccessToken.objects.create(customer=alice, group=node.group, jti="j" * 32, issued_at=late, expires_at=late)

    page = client.get("/help/tickets/new", headers={"accept-language": "zh-hans"}).text

    assert f"2026-12-01 · {order[:8]}" in page
    assert "上海机房 · 2026-12-01 · jjjjjjjj" in page


@pytest.mark.parametrize("missing", ["subject", "text"])
def test_what_is_missing_is_said_beside_its_field(client, missing):
    answer = client.post("/help/tickets/new", {**QUESTION, missing: ""})

    assert answer.status_code == 422
    assert f"id_{missing}_error" in answer.text
    assert not Ticket.objects.exists()


def test_somebody_else_s_order_is_no_choice(client):
    order = a_grant(a_customer("bob"), a_node()).purchase.public_id

    assert client.post("/help/tickets/new", {**QUESTION, "order": order}).status_code in (302, 422)
    assert not Ticket.objects.exclude(purchase=None).exists()


def test_too_many_open_questions_are_refused_in_words(client, alice):
    for _ in range(10):
        tickets.open_ticket(customer=alice, subject="s", text="t", now=NOW)

    answer = client.post("/help/tickets/new", QUESTION)

    assert "10 questions of yours are open" in answer.text


def test_one_writes_on_and_closes(client, alice):
    number = tickets.open_ticket(customer=alice, subject="s", text="t", now=NOW).number

    assert "<b>" not in client.post(f"/help/tickets/{number}/reply", {"text": "<b>more</b>"}, follow=True).text
    assert client.post(f"/help/tickets/{number}/reply", {"text": ""}).status_code == 422
    client.post(f"/help/tickets/{number}/close")
    assert Ticket.objects.get().state == "closed"


def test_nobody_sees_somebody_else_s(client):
    number = tickets.open_ticket(customer=a_customer("bob"), subject="s", text="t", now=NOW).number

    assert client.get(f"/help/tickets/{number}/").status_code == 404
    assert client.post(f"/help/tickets/{number}/reply", {"text": "x"}).status_code == 404
    assert client.post(f"/help/tickets/{number}/close").status_code == 404


def test_who_cannot_log_in_finds_an_address(client):
    client.logout()

    assert "help@shop.example" in client.get("/help/").text
    assert 'href="/help/"' in client.get("/accounts/password/reset/done/").text
