"""Channels as its tutorial shows it: a group for each symbol, `group_send` for each bar, JSON for each receiver.

uvicorn benchmarks.servers.naive:application        (REDIS_URL)
"""

import json
import os
from typing import Any

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="only for a benchmark",
    ALLOWED_HOSTS=["*"],
    INSTALLED_APPS=["channels"],
    CHANNEL_LAYERS={
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [os.environ["REDIS_URL"]]},
        }
    },
)
django.setup()

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.urls import path  # noqa: E402


class Bars(AsyncWebsocketConsumer):  # type: ignore[misc]  # Channels ships no types
    """One socket."""

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        for symbol in json.loads(text_data or "{}")["symbols"]:
            await self.channel_layer.group_add(symbol, self.channel_name)
        await self.send('{"type":"subscribed"}')

    async def bar(self, event: dict[str, Any]) -> None:
        await self.send(text_data=json.dumps(event["bar"], separators=(",", ":")))


application = ProtocolTypeRouter({"websocket": URLRouter([path("", Bars.as_asgi())])})
