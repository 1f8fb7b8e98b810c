"""In what providers count: shares or lots, by provider, exchange, board and field.

The exchanges themselves count the volume of Shanghai's indices in lots and of Shenzhen's in shares; pages copy that, or
do not. Boards are those of the instrument list (`streaming.domain.instruments`).
"""

from kernel.instruments import Venue
from streaming.domain.instruments import Instrument

LOT = 100
_TICK_E4 = 100  # what an average may miss the day's range by
_FEWEST = 1_000  # units: of fewer, rounding alone may look like another unit


def sina_volume(instrument: Instrument) -> int:
    """Return the shares that one unit of a full row's volume stands for."""
    return LOT if instrument.kind == "index" and instrument.id.venue is Venue.SH else 1


def sina_turnover(instrument: Instrument) -> int:
    """Return the units of money in one of a row's turnover: Hong Kong's indices tell it in thousands."""
    return 1_000 if instrument.kind == "index" and instrument.id.venue is Venue.HK else 1


def tencent_volume(instrument: Instrument, word: str) -> int:
    """Return the shares that one unit of a row's volume stands for.

    Args:
        word: the row's own word for its board, like GP-A-KCB; "" in rows that are too short to have one.
    """
    if instrument.id.venue is Venue.HK:
        return 1
    is_star = word == "GP-A-KCB" if word else instrument.board == "star" and instrument.kind == "stock"
    return 1 if is_star else LOT


def tencent_levels(instrument: Instrument) -> int:
    """Return the shares in one unit of an order's volume: lots on the mainland, also where a row's volume is shares."""
    return 1 if instrument.id.venue is Venue.HK else LOT


def told_unit(volume: int, turnover_e4: int, low_e4: int, high_e4: int) -> int | None:
    """Return the shares in one unit of a volume, as its turnover shows; None where that shows nothing, or neither.

    Args:
        low_e4, high_e4: what was paid lies between; a trade's price is both.
    """
    if volume <= 0 or turnover_e4 <= 0 or low_e4 <= 0:
        return None
    for unit in (1, LOT):
        average_e4 = turnover_e4 / (volume * unit)
        if low_e4 - _TICK_E4 <= average_e4 <= high_e4 + _TICK_E4:
            return unit
    return None


class LearnedUnits:
    """In what a provider counts that does not publish it: learned by exchange and kind, from rows with a turnover.

    A volume whose unit nobody knows yet is not told: a hundred times too much would be believed for a whole day.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], int] = {}

    def take(self, instrument: Instrument, volume: int, turnover_e4: int, low_e4: int, high_e4: int) -> int | None:
        """Return the unit of a row's volume; what it shows itself goes before what was learned."""
        board = instrument.id.venue, f"{instrument.board} {instrument.kind}"
        shown = told_unit(volume, turnover_e4, low_e4, high_e4)
        if shown is not None:
            if volume >= _FEWEST or board not in self._known:
                self._known[board] = shown
            return shown
        # A turnover that fits neither unit is no word about the unit, but against the row.
        return None if turnover_e4 and volume >= _FEWEST else self._known.get(board)

    def of(self, instrument: Instrument) -> int | None:
        """Return what was learned."""
        return self._known.get((instrument.id.venue, f"{instrument.board} {instrument.kind}"))
