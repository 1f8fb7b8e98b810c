"""What a socket says of itself to its owner (`GET /v1/sockets`)."""

from typing import Any

from django.conf import settings

from streaming.sockets.effects import EffectRunner
from streaming.wire.dialect import Dialect


class DescribesItself:
    """The part of a socket that is asked what it is."""

    effects: EffectRunner | None
    dialect: Dialect
    scope: Any

    def describe(self) -> dict[str, Any]:
        """Return what only its own process knows of it."""
        subscriber = self.effects.subscriber if self.effects is not None else None
        address, _ = self.scope.get("client") or ("", 0)
        return {
            "node": settings.NODE_ID,
            "address": address,
            "language": self.dialect.name,
            "unsent_bytes": subscriber.wire.buffered() if subscriber is not None else 0,
        }
