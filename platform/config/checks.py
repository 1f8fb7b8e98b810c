"""System checks: what is wrong with a setting, and what to do about it."""

import ipaddress
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from accounts import sms, weixin
from billing import gateways


@register(Tags.security)
def sandbox_is_only_for_trying_out(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Refuse the sandbox gateway where real money is meant: everybody can pay with it."""
    if "sandbox" not in settings.PAYMENT_GATEWAYS or settings.EMBEDDED or settings.DEBUG:
        return []
    return [
        Error(
            "PAYMENT_GATEWAYS names sandbox, which lets every visitor settle purchases without paying.",
            hint="Take it out, or set DEBUG=1 on a developer's machine; PAYMENT_GATEWAYS=none sells nothing.",
            id="config.E001",
        )
    ]


@register
def gateways_are_set_up(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Refuse half a payment gateway: a sentence for each setting that lacks."""
    found: list[CheckMessage] = []
    for name in settings.PAYMENT_GATEWAYS:
        try:
            sentences = gateways.missing(name)
        except ImportError:
            sentences = [f"PAYMENT_GATEWAYS names {name!r}, and there is no package billing.gateways.{name}"]
        hint = "docs/payments.md says what each gateway needs; take it out of PAYMENT_GATEWAYS to start without it."
        found += [Error(sentence, hint=hint, id="config.E004") for sentence in sentences]
    return found


@register
def doors_are_set_up(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Refuse half a provider of messages to phones, the one that sends none, and half of WeChat's login."""
    hint = "docs/signing-in.md says what each needs; SMS_PROVIDER=none, or neither of WeChat's two, starts without it."
    return [Error(sentence, hint=hint, id="config.E005") for sentence in (*sms.missing(), *weixin.missing())]


@register(Tags.security)
def embedded_is_for_this_machine_alone(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Refuse the embedded run under a name that others can reach: it has demo people and the sandbox gateway."""
    if not settings.EMBEDDED:
        return []
    named = [*settings.ALLOWED_HOSTS, urlsplit(settings.PANEL_URL).hostname or ""]
    return [
        Error(
            f"TICKPACK_EMBEDDED=1 is for this machine alone, but the settings name {host!r}.",
            hint="Unset TICKPACK_EMBEDDED, or take the name out of ALLOWED_HOSTS and PANEL_URL.",
            id="config.E002",
        )
        for host in dict.fromkeys(named)
        if not is_loopback(host)
    ]


@register(Tags.security)
def hosts_are_named(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Refuse ALLOWED_HOSTS=*: a link in a mail would lead wherever the request's Host said."""
    if settings.DEBUG or not any(host == "*" for host in settings.ALLOWED_HOSTS):
        return []
    return [
        Error(
            "ALLOWED_HOSTS=* takes any Host for the shop's own name.",
            hint="Name the panel's host names, with commas; probes that ask by address are answered anyway.",
            id="config.E003",
        )
    ]


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address, with or without brackets, is this machine alone."""
    name = host.strip("[]").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
