"""What happens to a socket that follows an instrument whose code becomes another one."""

from collections.abc import Mapping

from kernel.instruments import InstrumentId
from streaming.sockets.effects import EffectRunner
from streaming.wire.connection import CLOSE_DRAINING


class FollowsCodes:
    """The part of a socket that is told of new codes."""

    effects: EffectRunner | None

    async def end(self, code: int, reason: str) -> None:
        """Close from our side."""
        raise NotImplementedError

    async def rename(self, moved: Mapping[InstrumentId, InstrumentId]) -> None:
        """End where a followed instrument has another code: its bars come under the new one, to who subscribes anew.

        Clients come back at once, as after a drain, and the old code that they ask for leads to the new one.
        """
        effects = self.effects
        if effects is None or effects.subscriber is None:
            return
        if gone := sorted(one for one in effects.connection.following if one in moved):
            renamed = f'{{"{gone[0]}":"{moved[gone[0]]}"}}'  # one is enough, and there is room for no more
            await self.end(CLOSE_DRAINING, f'{{"retry_after":0,"renamed":{renamed}}}')
