"""TEST.CN, which always moves: a buyer can try token and program at night, through the whole path."""

from collections.abc import Iterable

from kernel.instruments import InstrumentId, Venue
from streaming.domain.ticks import Levels, Trade
from streaming.domain.windows import start_ms
from streaming.ingest.sources.made_up import MadeUpSource

_TEST = InstrumentId("TEST", Venue.TEST)
_PERIOD = 80  # windows: two minutes up and down again


def always_moving(*, first_seq: int, told: str = "") -> MadeUpSource:
    """Return the source of the lane TEST: 10.00 up to 10.40 and back, a cent and 100 shares at a time."""
    return MadeUpSource(
        name="test",
        carries=str(_TEST).__eq__,
        trades_of=_trades_of,
        levels_of=_levels_of,
        previous_closes={_TEST: 100_000},
        first_seq=first_seq,
        told=told,
    )


def _trades_of(seq: int) -> Iterable[Trade]:
    price_e4 = _price_e4(seq)
    return [Trade(_TEST, start_ms(seq), price_e4, 100, price_e4 * 100)]


def _levels_of(seq: int) -> Iterable[Levels]:
    price_e4 = _price_e4(seq)
    bids, asks = ((price_e4 - 100, 500), (price_e4 - 200, 800)), ((price_e4 + 100, 400), (price_e4 + 200, 900))
    return [Levels(_TEST, start_ms(seq), bids, asks)]


def _price_e4(seq: int) -> int:
    step = seq % _PERIOD
    return 100_000 + 100 * min(step, _PERIOD - step)
