"""Pages know which doors there are."""

from django.template import Context, Template


def shown(settings):
    page = Template("{% load doors %}{% phone_door as one %}{% wechat_door as two %}{{ one }} {{ two }}")
    return page.render(Context())


def test_a_door_is_there_where_it_is_set_up(settings):
    settings.SMS_PROVIDER, settings.WEIXIN_LOGIN_APP_ID, settings.WEIXIN_LOGIN_SECRET = "console", "wx1", "s"
    assert shown(settings) == "True True"
    settings.SMS_PROVIDER, settings.WEIXIN_LOGIN_SECRET = "none", ""
    assert shown(settings) == "False False"
