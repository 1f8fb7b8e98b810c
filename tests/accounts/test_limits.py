"""How often somebody may try to log in or be written to, counted over all processes, by account and address."""

import pytest
from django.core import mail
from django.core.cache import caches

from config.shared_cache import SharedCache
from tests.factories import PASSWORD, a_customer

pytestmark = [pytest.mark.whole, pytest.mark.django_db]

HERE, ELSEWHERE = "203.0.113.7", "198.51.100.9"


@pytest.fixture(autouse=True)
def alice():
    return a_customer("alice")


def log_in(client, password, *, email="alice@example.com", address=HERE):
    asked = client.post("/accounts/login/", {"login": email, "password": password}, REMOTE_ADDR=address)
    return asked.status_code == 302


def another_process_asks():
    """A process has connections and a memory of its own."""
    caches["default"] = SharedCache(caches["default"]._shared._cache._servers[0], {})
    caches["default"]._local.clear()


def test_four_processes_together_take_five_guesses(client):
    for _process in range(4):
        another_process_asks()
        for number in range(7):
            assert not log_in(client, f"wrong {number}")

    another_process_asks()
    assert not log_in(client, PASSWORD)  # its owner, at the guesser's own address, waits like the guesser


def test_a_stranger_elsewhere_cannot_lock_an_owner_out(client):
    for number in range(12):
        log_in(client, f"wrong {number}", address=ELSEWHERE)

    assert log_in(client, PASSWORD, address=HERE)


def test_a_stranger_is_stopped_for_every_account_after_ten(client):
    bob = a_customer("bob")
    for number in range(12):
        log_in(client, "wrong", email=f"nobody-{number}@example.com", address=ELSEWHERE)

    assert not log_in(client, PASSWORD, email=bob.email, address=ELSEWHERE)


def test_seven_hundred_resets_elsewhere_do_not_free_a_locked_account(client):
    for number in range(6):
        log_in(client, f"wrong {number}")
    for number in range(700):
        caches["default"].set(f"reset-{number}", [1.0], 300)

    assert not log_in(client, PASSWORD)


def test_nobody_unknown_is_written_to(client):
    answer = client.post("/accounts/password/reset/", {"email": "stranger@example.com"})

    assert answer.status_code == 302  # what a known address gets too
    assert mail.outbox == []


def test_a_known_person_is_written_to_five_times_an_hour_wherever_it_is_asked_from(client):
    for number in range(8):
        client.post("/accounts/password/reset/", {"email": "alice@example.com"}, REMOTE_ADDR=f"203.0.113.{number}")

    assert len(mail.outbox) == 5
