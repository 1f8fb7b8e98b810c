"""The questions of allauth's socialaccount: which application is ours."""

from typing import Any

from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp
from django.conf import settings
from django.http import HttpRequest

from accounts import weixin


class SocialAdapter(DefaultSocialAccountAdapter):
    """settings.SOCIALACCOUNT_ADAPTER."""

    def list_apps(self, request: HttpRequest, provider: str | None = None, client_id: str | None = None) -> list[Any]:
        """Return the application of the settings; rows of the database are none, since a secret stands in none."""
        if not weixin.is_on() or provider not in (None, "weixin"):
            return []
        app = SocialApp(
            provider="weixin",
            name="WeChat",
            client_id=settings.WEIXIN_LOGIN_APP_ID,
            secret=settings.WEIXIN_LOGIN_SECRET,
        )
        return [app] if client_id in (None, app.client_id) else []
