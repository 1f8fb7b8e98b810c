"""Which ways to log in this shop offers, for pages that draw a way to each."""

from django import template

from accounts import sms, weixin

register = template.Library()


@register.simple_tag
def phone_door() -> bool:
    """Tell whether codes go out to phones."""
    return sms.is_on()


@register.simple_tag
def wechat_door() -> bool:
    """Tell whether people log in with WeChat."""
    return weixin.is_on()
