"""Who gets in where: buyers do not into the admin, and no door stays open for guessing."""

import pytest
from django.core.cache import cache

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def test_buyers_do_not_get_into_the_admin(client, alice):
    client.force_login(alice)

    answer = client.get("/admin/", follow=True)

    assert answer.status_code == 403
    assert "not for your account" in answer.content.decode()


def test_the_admins_door_is_everybodys_and_does_not_stay_open_for_guessing(client, db):
    """It had a form of its own, at which passwords could be tried without a limit."""
    cache.clear()
    door = client.get("/admin/", follow=True)
    assert door.redirect_chain[-1][0].startswith("/accounts/login/?next=")

    guesses = [
        client.post("/accounts/login/", {"login": "root@example.com", "password": f"wrong {nth}"}).content.decode()
        for nth in range(8)
    ]

    assert "Too many failed login attempts" in guesses[-1]
    assert "Too many failed login attempts" not in guesses[0]
    cache.clear()
