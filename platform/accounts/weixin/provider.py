"""WeChat as allauth's registry knows it."""

from typing import Any

from allauth.socialaccount.providers.base import ProviderAccount
from allauth.socialaccount.providers.oauth2.provider import OAuth2Provider

from accounts.weixin.views import WeixinAdapter


class WeixinAccount(ProviderAccount):
    def to_str(self) -> str:
        return str(self.account.extra_data.get("nickname") or "WeChat")


class WeixinProvider(OAuth2Provider):
    id = "weixin"
    name = "WeChat"
    account_class = WeixinAccount
    oauth2_adapter_class = WeixinAdapter

    def extract_uid(self, data: dict[str, Any]) -> str:
        return str(data["openid"])

    def get_default_scope(self) -> list[str]:
        return ["snsapi_login"]

    def extract_common_fields(self, data: dict[str, Any]) -> dict[str, Any]:
        return {}


provider_classes = [WeixinProvider]
