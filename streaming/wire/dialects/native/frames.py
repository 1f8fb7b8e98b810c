"""The native dialect's market data: made for every bar of every window, so format strings and no JSON encoder.

`shown` is the canonical symbol.
"""

from streaming.domain import E4
from streaming.domain.intervals import FormedBar
from streaming.records.window import Book, Print, end_ms
from streaming.wire.dialect import BarEncoder
from streaming.wire.dialects.numbers import amount
from streaming.wire.texts import PRICES, iso


def bar_encoder(seq: int) -> BarEncoder:
    """Return the encoder of one window's bars: (symbol, open, high, low, close, volume, turnover) -> text."""
    price = PRICES
    head, tail = f'","seq":{seq},"data":{{"open":', f',"timestamp":"{iso(end_ms(seq))}"}}}}'

    def encode(
        symbol: str, open_e4: int, high_e4: int, low_e4: int, close_e4: int, volume: int, turnover_e4: int
    ) -> str:
        return (
            f'{{"type":"kline","symbol":"{symbol}{head}{price[open_e4]},"high":{price[high_e4]},'
            f'"low":{price[low_e4]},"close":{price[close_e4]},"volume":{volume},'
            f'"amount":{amount(volume, turnover_e4)}{tail}'
        )

    return encode


def stamped(text: str, *, closed_ms: int, sent_ms: int) -> str:
    """Add to a frame when ingest closed its window and when the node sent it, in epoch ms."""
    return f'{text[:-1]},"stamp":{{"closed_ms":{closed_ms},"sent_ms":{sent_ms}}}}}'


def formed(shown: str, interval: str, seq: int, bar: FormedBar, *, final: bool) -> str:
    """Return a bar of a longer interval as it is now; `timestamp` is where its interval opened."""
    price, ended = PRICES, "true" if final else "false"
    return (
        f'{{"type":"kline","symbol":"{shown}","interval":"{interval}","seq":{seq},"final":{ended},'
        f'"data":{{"open":{price[bar.open_e4]},"high":{price[bar.high_e4]},"low":{price[bar.low_e4]},'
        f'"close":{price[bar.close_e4]},"volume":{bar.volume},"amount":{amount(bar.volume, bar.turnover_e4)},'
        f'"timestamp":"{iso(bar.opened_ms)}"}}}}'
    )


def tick(shown: str, one: Print) -> str:
    """Return one trade. `seq` counts the instrument's trades."""
    return (
        f'{{"type":"tick","symbol":"{shown}","seq":{one.number},"data":{{"price":{PRICES[one.price_e4]},'
        f'"volume":{one.volume},"amount":{one.turnover_e4 / E4},"side":"{one.side}","timestamp":"{iso(one.at_ms)}"}}}}'
    )


def quote(shown: str, book: Book) -> str:
    """Return an instrument's day and best orders. `seq` counts its pictures; null is an empty side."""
    price = PRICES
    iopv = f'"iopv":{price[book.iopv_e4]},' if book.iopv_e4 else ""
    (bid, bid_volume), (ask, ask_volume) = (side[0] if side else (0, 0) for side in (book.bids, book.asks))
    return (
        f'{{"type":"quote","symbol":"{shown}","seq":{book.number},"data":{{"last":{price[book.last_e4]},'
        f'"prev_close":{price[book.prev_close_e4]},"open":{price[book.open_e4]},"high":{price[book.high_e4]},'
        f'"low":{price[book.low_e4]},"volume":{book.volume},"amount":{amount(book.volume, book.turnover_e4)},'
        f'"bid":{price[bid] if bid else "null"},"bid_volume":{bid_volume},'
        f'"ask":{price[ask] if ask else "null"},"ask_volume":{ask_volume},'
        f'{iopv}"timestamp":"{iso(book.at_ms)}"}}}}'
    )


def depth(shown: str, book: Book) -> str:
    """Return an instrument's orders, best first: [[price, volume], ...]."""
    bids, asks = (",".join(f"[{PRICES[price]},{volume}]" for price, volume in side) for side in (book.bids, book.asks))
    return (
        f'{{"type":"depth","symbol":"{shown}","seq":{book.number},"data":{{"bids":[{bids}],"asks":[{asks}],'
        f'"timestamp":"{iso(book.at_ms)}"}}}}'
    )
