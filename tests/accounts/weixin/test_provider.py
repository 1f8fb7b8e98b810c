"""Somebody at WeChat is who has the openid, called by the nickname that they chose, whatever is in it."""

from types import SimpleNamespace

import pytest

from accounts.weixin.provider import WeixinAccount, WeixinProvider


@pytest.mark.parametrize("nickname", ["张三", "José", "\\u5f20", "🀄"])
def test_a_nickname_is_shown_as_it_is(nickname):
    account = SimpleNamespace(extra_data={"nickname": nickname}, provider="weixin")

    assert WeixinAccount(account).to_str() == nickname


def test_somebody_without_a_nickname_is_wechat():
    assert WeixinAccount(SimpleNamespace(extra_data={}, provider="weixin")).to_str() == "WeChat"


def test_what_is_asked_for_is_the_login_of_a_website():
    provider = WeixinProvider(None, app=SimpleNamespace(provider="weixin", settings={}))

    assert provider.get_default_scope() == ["snsapi_login"]
    assert provider.extract_uid({"openid": "o1", "unionid": "u1"}) == "o1"
    assert provider.extract_common_fields({"nickname": "张三"}) == {}  # it says nothing that an account needs
