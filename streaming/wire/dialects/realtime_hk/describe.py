"""The socket /realtime/hk as data."""

from streaming.wire.describe import COUNT, NUMBER, TEXT, Message, SocketDescription, is_, loose, many, obj

_SYMBOLS = many(TEXT, least=1, most=500)
_TRADE = obj(
    symbol=TEXT,
    timestamp={
        "type": "string",
        "pattern": r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$",
        "description": "Hong Kong's wall clock, without a zone",
    },
    last_price=NUMBER,
    volume=COUNT,
    bid_price=NUMBER,
    ask_price=NUMBER,
    bid_size=COUNT,
    ask_size=COUNT,
)

SOCKET = SocketDescription(
    "Realtime HK",
    "Trades of Hong Kong and nothing else: no acknowledgements, no pongs, no errors. What cannot be done is said by "
    "closing the socket (4400, 4403). What is over the quota is left out.",
    (
        Message(
            "subscribe",
            "Follow trades",
            loose(action=is_("subscribe"), symbols=_SYMBOLS),
            {"action": "subscribe", "symbols": ["HSI", "00700.HK"]},
        ),
        Message(
            "unsubscribe",
            "Stop following",
            loose(action=is_("unsubscribe"), symbols=_SYMBOLS),
            {"action": "unsubscribe", "symbols": ["HSI"]},
        ),
        Message("ping", "Nothing comes back", loose(action=is_("ping")), {"action": "ping"}),
    ),
    (
        Message(
            "trade",
            "One trade with the best orders; a size of 0 is an empty side",
            _TRADE,
            {
                "symbol": "00700.HK", "timestamp": "2026-03-09 10:00:00.000", "last_price": 461.4, "volume": 200,
                "bid_price": 461.2, "ask_price": 461.4, "bid_size": 2000, "ask_size": 1000,
            },
        ),
    ),
)  # fmt: skip
