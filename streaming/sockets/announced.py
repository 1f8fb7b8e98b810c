"""What a socket does with an announcement."""

from kernel import clock
from streaming.sockets.renaming import FollowsCodes
from streaming.wire.announced import Announced


class HearsAnnouncements(FollowsCodes):
    """The part of a socket that is told what the operator announces."""

    async def announce(self, told: Announced) -> None:
        """Tell the client, where the market is one of its own, or none is named."""
        effects = self.effects
        if effects is None or effects.subscriber is None:
            return
        connection, now_ms = effects.connection, clock.now_ms()
        if told.market and told.market not in connection.scope.at(now_ms / 1000).markets:
            return
        if text := connection.dialect.announcement(told):
            await effects.say(connection.dialect.said(text, customer=connection.scope.customer, now_ms=now_ms))
