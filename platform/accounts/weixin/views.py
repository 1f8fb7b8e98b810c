"""Going to WeChat's page with the code to scan, and coming back from it."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from allauth.socialaccount.models import SocialToken
from allauth.socialaccount.providers.base import ProviderException
from allauth.socialaccount.providers.oauth2.views import OAuth2Adapter, OAuth2CallbackView, OAuth2LoginView
from allauth.socialaccount.providers.weixin.client import WeixinOAuth2Client
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponseBase

from accounts import weixin
from accounts.outside import NoAnswer, ask

_KEPT = ("openid", "unionid", "nickname")  # WeChat tells sex, town and a portrait too; none of it is needed
_NOBODY = "WeChat does not say who this is"


class WeixinClient(WeixinOAuth2Client):
    def get_redirect_url(self, authorization_url: str, scope: list[str], extra_params: dict[str, str]) -> str:
        # WeChat asks for these words behind the address.
        return f"{super().get_redirect_url(authorization_url, scope, extra_params)}#wechat_redirect"


class WeixinAdapter(OAuth2Adapter):
    provider_id = "weixin"
    client_class = WeixinClient
    access_token_url = ""  # it is asked below

    @property
    def authorize_url(self) -> str:
        return f"{settings.WECHAT_OPEN_URL}/connect/qrconnect"

    def get_access_token_data(
        self, request: HttpRequest, app: Any, client: Any, pkce_code_verifier: str | None = None
    ) -> dict[str, Any]:
        query = {
            "appid": app.client_id,
            "secret": app.secret,
            "code": request.GET.get("code", ""),
            "grant_type": "authorization_code",
        }
        told = _asked("/sns/oauth2/access_token", query, ("access_token", "openid"))
        self.did_fetch_access_token = True
        return told

    def parse_token(self, data: dict[str, Any]) -> SocialToken:
        return SocialToken(token=data["access_token"])  # for the next question; it is not stored

    def complete_login(self, request: HttpRequest, app: Any, token: SocialToken, **more: Any) -> Any:
        open_id = more["response"]["openid"]
        told = _asked("/sns/userinfo", {"access_token": token.token, "openid": open_id}, ("openid",))
        if told["openid"] != open_id:
            raise ProviderException("WeChat tells of somebody else")
        kept = {name: told[name][:200] for name in _KEPT if isinstance(told.get(name), str)}
        return self.get_provider().sociallogin_from_response(request, kept)


def _asked(path: str, query: dict[str, str], needed: tuple[str, ...]) -> dict[str, Any]:
    """Ask WeChat; raises ProviderException, which says nothing of what was asked, where it does not tell `needed`."""
    try:
        answer = ask("GET", f"{settings.WECHAT_API_URL}{path}?{urlencode(query)}")
        told = json.loads(answer.content.decode())
    except (NoAnswer, ValueError, RecursionError):
        raise ProviderException(_NOBODY) from None
    if not isinstance(told, dict) or any(
        not isinstance(told.get(name), str) or not 0 < len(told[name]) <= 512 for name in needed
    ):
        raise ProviderException(_NOBODY)
    return told


def _set_up(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    @wraps(view)
    def shown(request: HttpRequest, *args: Any, **more: Any) -> HttpResponseBase:
        if not weixin.is_on():
            raise Http404("logging in with WeChat is not set up")
        return view(request, *args, **more)

    return shown


oauth2_login = _set_up(OAuth2LoginView.adapter_view(WeixinAdapter))
oauth2_callback = _set_up(OAuth2CallbackView.adapter_view(WeixinAdapter))
