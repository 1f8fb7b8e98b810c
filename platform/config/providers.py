"""Settings of the providers of live data: TICKPACK_<PROVIDER>_*, each with what the provider suffers as its default."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured

from config.env import env_choice, env_float, env_int, env_list, env_secret, env_text

# Of plans without a payment; who has another plan says so.
_DEFAULTS: dict[str, dict[str, Any]] = {
    "sina": {
        "url": "https://hq.sinajs.cn", "most": 400, "batch": 100, "per_minute": 120, "seconds": 3.0,
        "silence_seconds": 300.0,
    },
    "tencent": {"url": "https://qt.gtimg.cn", "most": 240, "batch": 60, "per_minute": 120, "seconds": 3.0},
    "itick": {
        "url": "wss://api.itick.org/stock", "rest_url": "https://api.itick.org", "most": 3, "batch": 50,
        "per_minute": 5,
    },
    "alltick": {
        "url": "wss://quote.alltick.co/quote-stock-b-ws-api", "rest_url": "https://quote.alltick.co/quote-stock-b-api",
        "most": 5, "batch": 50, "per_minute": 6, "heartbeat_seconds": 10.0, "silence_seconds": 35.0,
    },
    "tickdb": {
        "url": "wss://api.tickdb.ai/v1/realtime", "rest_url": "https://api.tickdb.ai", "most": 5, "batch": 50,
        "per_minute": 30,
    },
}  # fmt: skip
_WITH_KEY = ("itick", "alltick", "tickdb")
_SINA_SOCKET = "wss://hq.sinajs.cn/wskt"


def providers() -> dict[str, dict[str, Any]]:
    """Return what each provider's variables say, by the names of streaming's ProviderSetting.

    Raises:
        ImproperlyConfigured: one of them cannot be read; the sentence has its name and value.
    """
    return {provider: _setting(provider, dict(defaults)) for provider, defaults in _DEFAULTS.items()}


def _units(name: str) -> tuple[str, ...]:
    parts = tuple(env_list(name))
    for part in parts:
        board, _, unit = part.partition("=")
        if not board or unit not in ("lots", "shares"):
            raise ImproperlyConfigured(f"{name}: {part!r} is no unit of a board; write star=shares or etf=lots.")
    return parts


def _setting(provider: str, told: dict[str, Any]) -> dict[str, Any]:
    name = f"TICKPACK_{provider.upper()}"
    if provider == "sina":
        told["by"] = env_choice(f"{name}_BY", ("http", "websocket"), "http")
        if told["by"] == "websocket":
            told["url"] = _SINA_SOCKET
    if provider == "tickdb":
        told["units"] = _units(f"{name}_UNITS")
    if provider in _WITH_KEY:
        told["key"] = env_secret(f"{name}_KEY")
        told["rest_url"] = env_text(f"{name}_REST_URL", told["rest_url"])
    else:
        told["seconds"] = max(0.2, env_float(f"{name}_SECONDS", told["seconds"]))
    return {
        **told,
        "url": env_text(f"{name}_URL", told["url"]),
        "symbols": tuple(env_list(f"{name}_SYMBOLS")),
        "most": max(1, env_int(f"{name}_MOST", told["most"])),
        "batch": max(1, env_int(f"{name}_BATCH", told["batch"])),
        "per_minute": max(0.1, env_float(f"{name}_PER_MINUTE", told["per_minute"])),
        "proxy": env_secret(f"{name}_PROXY"),
    }
