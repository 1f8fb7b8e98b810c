"""The channel layer for control messages: channels_redis' pub/sub layer that sleeps until something is said.

Its receiver looks up ten times a second whether or not anything came, and through redis-py each look costs as much as
twenty sockets' bars: a third of what an idle process used (measured).
"""

import asyncio
import logging
from typing import Any

from channels_redis import pubsub

log = logging.getLogger(__name__)
_PATIENCE_SECONDS = 5.0  # one wait; a message ends it at once
_SUBSCRIBING_SECONDS = 0.1


class _Shard(pubsub.RedisSingleShardConnection):  # type: ignore[misc]  # channels_redis has no types
    async def _do_receiving(self) -> None:
        while True:
            try:
                if self._pubsub and self._pubsub.subscribed:
                    message = await self._pubsub.get_message(ignore_subscribe_messages=True, timeout=_PATIENCE_SECONDS)
                    self._receive_message(message)
                else:
                    await asyncio.sleep(_SUBSCRIBING_SECONDS)
            except Exception as error:
                log.warning("control messages cannot be heard (%s); trying again", type(error).__name__)
                await asyncio.sleep(1)


class _LoopLayer(pubsub.RedisPubSubLoopLayer):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._shards: list[Any] = [_Shard(shard.host, self) for shard in self._shards]


class ControlLayer(pubsub.RedisPubSubChannelLayer):  # type: ignore[misc]
    """CHANNEL_LAYERS' backend."""

    def _get_layer(self) -> Any:
        loop = asyncio.get_running_loop()
        layer = self._layers.get(loop)
        if layer is None:
            layer = self._layers[loop] = _LoopLayer(*self._args, **self._kwargs, channel_layer=self)
            pubsub._wrap_close(self, loop)
        return layer
