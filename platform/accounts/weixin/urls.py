"""accounts/weixin/login/ and its callback; allauth's registry finds them by this module's name."""

from allauth.socialaccount.providers.oauth2.urls import default_urlpatterns

from accounts.weixin.provider import WeixinProvider

urlpatterns = default_urlpatterns(WeixinProvider)
