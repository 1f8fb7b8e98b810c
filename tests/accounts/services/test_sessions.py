"""Browsers that are logged in: noted once in five minutes, a person's own, ended at once."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client

from accounts.models import BrowserSession
from accounts.services import sessions
from kernel.clock import utc_now
from tests.factories import PASSWORD, a_customer

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
HERE = "/mails/"


def browser_of(person, agent="Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"):
    client = Client(headers={"User-Agent": agent})
    client.force_login(person)
    client.get(HERE)
    return client


def is_in(client):
    return client.get(HERE).status_code == 200


def test_a_browser_is_noted_with_its_name_and_address():
    alice = a_customer("alice")
    browser_of(alice)

    [row] = sessions.sessions_of(alice, now=utc_now())
    assert ("Firefox" in row.agent, row.address) == (True, "127.0.0.1")


def test_it_is_written_once_in_five_minutes():
    alice = a_customer("alice")
    client = browser_of(alice)
    then = utc_now() - timedelta(hours=1)
    BrowserSession.objects.update(seen_at=then)

    client.get(HERE)
    assert BrowserSession.objects.get().seen_at == then
    cache.clear()
    client.get(HERE)
    assert BrowserSession.objects.get().seen_at > then


def test_one_browser_is_ended_and_the_others_stay():
    alice = a_customer("alice")
    phone, desk = browser_of(alice, "phone"), browser_of(alice, "desk")

    assert sessions.end_session(customer=alice, pk=BrowserSession.objects.get(agent="phone").pk)

    assert (is_in(phone), is_in(desk)) == (False, True)


def test_nobody_ends_somebody_else_s():
    alice, mallory = a_customer("alice"), a_customer("mallory")
    client = browser_of(alice)

    assert not sessions.end_session(customer=mallory, pk=BrowserSession.objects.get().pk)
    assert is_in(client)


def test_all_others_are_ended():
    alice = a_customer("alice")
    here, there = browser_of(alice), browser_of(alice)
    bob = browser_of(a_customer("bob"))

    sessions.end_sessions(customer=alice, but=here.session.session_key)

    assert (is_in(here), is_in(there), is_in(bob)) == (True, False, True)


def test_a_new_password_logs_the_others_out():
    alice = a_customer("alice")
    here, there = browser_of(alice), browser_of(alice)

    answer = here.post(
        "/accounts/password/change/",
        {"oldpassword": PASSWORD, "password1": "another horse battery", "password2": "another horse battery"},
    )

    assert answer.status_code == 302
    assert (is_in(here), is_in(there)) == (True, False)
    assert len(sessions.sessions_of(alice, now=utc_now())) == 1


def test_a_person_has_fifty_and_not_more(monkeypatch):
    monkeypatch.setattr(sessions, "MOST", 3)
    alice = a_customer("alice")
    clients = [browser_of(alice, f"{nth}") for nth in range(4)]

    assert [is_in(one) for one in clients] == [False, True, True, True]


def test_rows_of_sessions_that_are_over_are_removed():
    alice = a_customer("alice")
    browser_of(alice)
    BrowserSession.objects.update(seen_at=utc_now() - timedelta(days=15))

    assert sessions.forget_ended(now=utc_now()) == 1
