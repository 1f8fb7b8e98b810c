"""The node's own answers over HTTP."""

from typing import Any

from streaming.domain import E4
from streaming.domain.instruments import Instrument
from streaming.domain.statistics import Statistics

_DECIMALS = (
    "limit_up", "limit_down", "turnover_rate", "volume_ratio", "pe_ttm", "pe_static", "pe_dynamic", "pb", "eps",
    "eps_ttm", "bps",
)  # fmt: skip
_WHOLE = ("total_shares", "circulating_shares", "hk_shares", "market_cap", "circulating_market_cap")


def statistics(instrument: Instrument, told: Statistics | None) -> dict[str, Any]:
    """Return an instrument's statistics; null is what nobody tells. The lot is the list's where no source has one."""
    row: dict[str, Any] = {
        "symbol": instrument.symbol,
        "date": told.day.isoformat() if told is not None else None,
        "currency": instrument.currency,
        "lot": (told.lot if told is not None else None) or instrument.lot or None,
    }
    for name in _DECIMALS:
        e4 = getattr(told, f"{name}_e4", None)
        row[name] = e4 / E4 if e4 is not None else None
    return row | {name: getattr(told, name, None) for name in _WHOLE}
