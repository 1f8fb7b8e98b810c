"""System checks: what is wrong with a setting, and what to do about it."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register


@register(Tags.security)
def sandbox_is_only_for_trying_out(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Refuse the sandbox gateway where real money is meant: everybody can pay with it."""
    if settings.PAYMENT_GATEWAY != "sandbox" or settings.EMBEDDED or settings.DEBUG:
        return []
    return [
        Error(
            "PAYMENT_GATEWAY=sandbox lets every visitor settle purchases without paying.",
            hint="Set PAYMENT_GATEWAY=none until a real gateway is set up, or DEBUG=1 on a developer's machine.",
            id="config.E001",
        )
    ]
