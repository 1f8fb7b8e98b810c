"""rt-receiver's symbols: `ts_code` with its exchange always, and the four words for a market."""

from kernel.instruments import BadSymbol, InstrumentId, Venue
from streaming.domain.instruments import Directory
from streaming.wire.dialects.codes import kind_of

MARKETS = ("a_stock", "etf", "index", "hk")
_BY_KIND = {"fund": "etf", "index": "index", "stock": "a_stock"}


def read(text: str, directory: Directory) -> InstrumentId:
    """Return what a client means by a symbol: upper case, and never without a dot.

    Raises:
        BadSymbol: it is none.
    """
    if not isinstance(text, str) or "." not in text:
        raise BadSymbol(f"invalid symbol: {str(text)[:40]}")
    return directory.canonical(text)


def market_of(instrument: InstrumentId, directory: Directory) -> str:
    """Return their word for an instrument's market."""
    return "hk" if instrument.venue is Venue.HK else _BY_KIND[kind_of(instrument, directory)]


def name_of(instrument: InstrumentId, directory: Directory) -> str:
    """Return an instrument's Chinese name; its symbol where the list has none."""
    return directory.described(instrument).name_zh
