"""Bars -> the JSON of the REST interface: prices and volumes are texts, times are epoch milliseconds."""

from collections.abc import Sequence
from typing import Any

from streaming.domain.minutes import MinuteBar
from streaming.reference import Instrument


def kline(asked: str, instrument: Instrument, interval: str, bars: Sequence[MinuteBar]) -> dict[str, Any]:
    """Return the `data` of /v1/market/kline; the symbol is echoed as it was asked for."""
    return {
        "symbol": asked,
        "type": "indices" if instrument.kind == "index" else "stock",
        "interval": interval,
        "klines": [
            {
                "time": bar.opened_ms,
                "open": decimal_text(bar.open_e4),
                "high": decimal_text(bar.high_e4),
                "low": decimal_text(bar.low_e4),
                "close": decimal_text(bar.close_e4),
                "volume": str(bar.volume),
                "quote_volume": decimal_text(bar.turnover_e4),
            }
            for bar in bars
        ],
    }


def decimal_text(e4: int) -> str:
    """Write 1/10,000s as a decimal number without needless zeros: 18549800 -> 1854.98."""
    whole, rest = divmod(abs(e4), 10_000)
    text = f"{whole}.{rest:04d}".rstrip("0").rstrip(".")
    return f"-{text}" if e4 < 0 else text
