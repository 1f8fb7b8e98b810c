"""The application is that of the settings, none where half of it lacks, and no row of the database is one."""

import pytest
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialApp

from accounts import weixin

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.mark.parametrize(("app_id", "secret", "on"), [("wx1", "s", True), ("wx1", "", False), ("", "s", False), ("", "", False)])  # fmt: skip
def test_both_halves_make_one(settings, rf, app_id, secret, on):
    settings.WEIXIN_LOGIN_APP_ID, settings.WEIXIN_LOGIN_SECRET = app_id, secret
    SocialApp.objects.create(provider="weixin", name="x", client_id="wxdatabase", secret="x")
    request = rf.get("/")

    assert weixin.is_on() is on
    assert [one.client_id for one in get_adapter().list_apps(request)] == ["wx1"] * on
    assert [one.id for one in get_adapter().list_providers(request)] == ["weixin"] * on
    assert get_adapter().list_apps(request, provider="google") == []
    assert len(weixin.missing()) == (bool(app_id) != bool(secret))
    assert "s3cret" not in str(weixin.missing())
