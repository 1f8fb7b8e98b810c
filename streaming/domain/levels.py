"""How many levels of the best orders a plan's levels include."""

from collections.abc import Collection

from kernel.instruments import InstrumentId, Market

_ALL = 1_000
_OF_L1 = {Market.CN: 5, Market.HK: 1}


def most_levels(levels: Collection[str], instrument: InstrumentId) -> int:
    """Return the most levels a side: all with L2, five with L1 (one in Hong Kong), none without either."""
    if "L2" in levels:
        return _ALL
    if "L1" not in levels:
        return 0
    return _OF_L1[instrument.market] if instrument.market is not None else _OF_L1[Market.CN]
