"""Questions to the data plane that read and never write."""

from kernel.instruments import InstrumentId
from streaming.domain.minutes import MinuteBar
from streaming.errors import UnknownSymbol
from streaming.history.minutes import read_minutes
from streaming.reference import Instrument, directory
from streaming.store.connection import redis_sync
from streaming.store.lanes import LaneStore


def find_instrument(text: str) -> Instrument:
    """Return what a person means by a symbol, also a product that only a running replay carries.

    Raises:
        BadSymbol, UnknownSymbol: the form is wrong; nobody carries it.
        StoreUnavailable: the list does not have it and Redis cannot be asked.
    """
    try:
        return directory().resolve(text)
    except UnknownSymbol:
        instrument_id = InstrumentId.parse(text)
        if LaneStore(redis_sync(), instrument_id.lane).newest_of(str(instrument_id)) is None:
            raise
        return directory().copy().register(instrument_id)


def minute_bars(instrument: Instrument, *, start_ms: int | None, end_ms: int | None, limit: int) -> list[MinuteBar]:
    """Return closed minutes with start_ms <= opened < end_ms, oldest first.

    Args:
        start_ms: None for the newest `limit` minutes before the end; else the oldest from it on.
        end_ms: None for no end.

    Raises:
        HistoryUnavailable: history did not answer.
    """
    return read_minutes(
        instrument.symbol,
        start_ms or 0,
        end_ms if end_ms is not None else 2**53,
        limit,
        newest=start_ms is None,
    )
