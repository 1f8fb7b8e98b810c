"""One instrument's trading day as a bar."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class DayBar:
    """A day from its opening auction to the end of after-hours trading: shares, 1/10,000 of the trading currency.

    Args:
        prev_close_e4: what the exchange named as the day's reference, ex rights; 0 where nobody told.
    """

    symbol: str
    day: date
    open_e4: int
    high_e4: int
    low_e4: int
    close_e4: int
    volume: int
    turnover_e4: int
    prev_close_e4: int = 0
