"""TEST.CN, which always moves: a buyer can try token and program at night, through the whole path."""

from collections.abc import Iterable, Mapping

from kernel.instruments import InstrumentId, Venue
from streaming.domain.instruments import Directory
from streaming.domain.ticks import Levels, Trade
from streaming.domain.windows import start_ms
from streaming.ingest.feeds.wall import WallFeed

_TEST = InstrumentId("TEST", Venue.TEST)
_PERIOD = 80  # windows: two minutes up and down again


def always_moving(
    *, directory: Directory, last_prices: Mapping[str, int], resume_after: int | None, now_ms: int, close_delay_ms: int
) -> WallFeed:
    """Return the feed of the lane TEST: 10.00 up to 10.40 and back, a cent and 100 shares at a time."""
    return WallFeed(
        name="test",
        directory=directory,
        trades_of=_trades_of,
        references={str(_TEST): 100_000},
        last_prices=last_prices,
        resume_after=resume_after,
        now_ms=now_ms,
        close_delay_ms=close_delay_ms,
        levels_of=_levels_of,
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
