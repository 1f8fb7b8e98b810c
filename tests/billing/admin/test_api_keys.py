"""Support sees whose keys there are, never their texts, and revokes one with a reason."""

import pytest
from django.contrib.admin.models import LogEntry

from accounts.errors import ApiKeyRevoked
from accounts.models import ApiKey
from accounts.services import create_api_key, use_api_key
from kernel.clock import utc_now

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture
def made(alice):
    return create_api_key(customer=alice, name="bot", scopes=["read"], now=utc_now())


def test_a_key_is_seen_without_what_it_says(desk_of, made):
    key, text = made
    desk = desk_of("kim", "view_apikey")

    for page in (desk.page(ApiKey), desk.page(ApiKey, key)):
        assert page.status_code == 200
        assert key.prefix in page.text
        assert text not in page.text
        assert key.digest not in page.text


def test_a_key_is_revoked_with_a_reason(desk_of, made):
    key, text = made
    desk = desk_of("kim", "view_apikey", "revoke_apikey")

    assert desk.do(ApiKey, "revoke", key).status_code == 200  # a reason is asked for
    assert desk.do(ApiKey, "revoke", key, reason="seen in a public repository").status_code == 302

    key.refresh_from_db()
    assert key.revoked_why == "seen in a public repository"
    with pytest.raises(ApiKeyRevoked):
        use_api_key(text, now=utc_now())
    assert "public repository" in LogEntry.objects.get().change_message
    assert desk.do(ApiKey, "revoke", key, reason="again").status_code == 302  # no more possible, says the page
    assert LogEntry.objects.count() == 1


def test_who_may_only_look_revokes_nothing(desk_of, made):
    assert desk_of("kim", "view_apikey").do(ApiKey, "revoke", made[0], reason="x").status_code == 403
    assert ApiKey.objects.get().revoked_at is None
