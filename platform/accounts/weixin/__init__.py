"""Logging in by scanning a code with WeChat: allauth's flow with an adapter of our own.

What may happen here: WeChat's addresses, what it answers, and what of that is kept. What may not: joining a WeChat
account to a person because of an address; WeChat tells none, and who types one has not proved it.

allauth's own adapter is not used: it takes nicknames apart as if they were wrongly decoded and fails on some, and takes
an error, which WeChat sends with status 200, for a person.
"""

from django.conf import settings


def is_on() -> bool:
    """Tell whether the shop has a website application at WeChat; where not, nothing about it is shown."""
    return bool(settings.WEIXIN_LOGIN_APP_ID and settings.WEIXIN_LOGIN_SECRET)


def missing() -> list[str]:
    """Return a sentence where only half of it is set."""
    if settings.WEIXIN_LOGIN_APP_ID and not settings.WEIXIN_LOGIN_SECRET:
        return ["WEIXIN_LOGIN_APP_ID is set, and WEIXIN_LOGIN_SECRET_FILE is not: the AppSecret of that application"]
    if settings.WEIXIN_LOGIN_SECRET and not settings.WEIXIN_LOGIN_APP_ID:
        return ["WEIXIN_LOGIN_SECRET is set, and WEIXIN_LOGIN_APP_ID is not: the AppID of that application, wx..."]
    return []
