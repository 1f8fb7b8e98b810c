"""Prices and instants as the wires write them. Made for every bar, so they are remembered."""

from datetime import UTC, datetime
from functools import lru_cache

from streaming.domain import E4


class _Prices(dict[int, str]):
    """price_e4 -> how JSON writes it. A market's prices are few, and most bars have one price four times."""

    def __missing__(self, price_e4: int) -> str:
        text = repr(price_e4 / E4)
        if len(self) > 200_000:
            self.clear()
        self[price_e4] = text
        return text


PRICES = _Prices()


@lru_cache(maxsize=4096)
def iso(at_ms: int) -> str:
    """Return an instant as the wire writes it: 2026-03-08T06:30:01.500Z."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at_ms % 1000:03d}Z"
