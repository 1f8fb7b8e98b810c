"""The WebSocket /realtime/hk: trades of Hong Kong, and nothing else.

Its client reads four keys of every message and connects anew when one is missing, so there are no acknowledgements, no
pongs and no errors here: what cannot be done is said by closing. Times are Hong Kong's wall clock without a zone, and
the volume is that of one trade.
"""

import json
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, ClassVar

from kernel.errors import Malformed
from kernel.instruments import BadSymbol, InstrumentId, Venue
from streaming.records.window import Book, Print
from streaming.wire.channels import Channel
from streaming.wire.dialect import AuthPlacement, Dialect, Rules
from streaming.wire.dialects.reading import json_object, texts
from streaming.wire.requests import Ping, Request, Subscribe, Unsubscribe
from streaming.wire.texts import PRICES

_MOST = 500
_KINDS = ("tick",)
HOURS_MS = 8 * 3_600_000


class RealtimeHk(Dialect):
    """See the module."""

    name = "realtime_hk"
    paths: ClassVar = {"realtime/hk": ""}
    # The article shows no place for a token: it goes into the URL.
    auth = AuthPlacement(headers=("token",), query=("token",))
    rules = Rules(echoes_symbols=True, errors_close=True)

    def parse(self, text: str, via: str = "") -> Request:
        """Read one message.

        Raises:
            Malformed: neither subscribe, unsubscribe nor ping.
        """
        message = json_object(text)
        action = message.get("action")
        if action == "ping":
            return Ping()
        if action == "subscribe":
            return Subscribe(texts(message.get("symbols"), "symbols", _MOST), kinds=_KINDS)
        if action == "unsubscribe":
            return Unsubscribe(texts(message.get("symbols"), "symbols", _MOST))
        raise Malformed("action is none of subscribe, unsubscribe and ping")

    def resolve(self, text: str, via: str = "") -> InstrumentId:
        found = super().resolve(text, via)
        if found.venue not in (Venue.HK, Venue.TEST):
            raise BadSymbol(f"{text[:40]!r} is not listed in Hong Kong; this address is /realtime/hk")
        return found

    def shown(self, channel: Channel) -> str:
        return json.dumps(channel.form or str(channel.instrument), ensure_ascii=False)

    def tick(self, shown: str, one: Print, book: Book | None) -> str:
        (bid, bid_size), (ask, ask_size) = (
            side[0] if side else (0, 0) for side in ((book.bids, book.asks) if book else ((), ()))
        )
        price = PRICES
        return (
            f'{{"symbol":{shown},"timestamp":"{_on_the_wall(one.at_ms)}","last_price":{price[one.price_e4]},'
            f'"volume":{one.volume},"bid_price":{price[bid]},"ask_price":{price[ask]},'
            f'"bid_size":{bid_size},"ask_size":{ask_size}}}'
        )


@lru_cache(maxsize=4096)
def _on_the_wall(at_ms: int) -> str:
    there: Any = datetime.fromtimestamp((at_ms + HOURS_MS) // 1000, UTC)
    return f"{there:%Y-%m-%d %H:%M:%S}.{at_ms % 1000:03d}"


DialectClass = RealtimeHk
