"""An instrument's statistics of a day as the hash `statistics:{lane}` holds them."""

from datetime import date
from typing import ClassVar

import msgspec

from kernel.instruments import InstrumentId
from streaming.domain.statistics import VALUES, Statistics
from streaming.records.versions import Record, unpacker


class StatisticsRecord(Record, frozen=True):
    """The values of `streaming.domain.statistics.Statistics` in their order; null is what nobody told."""

    VERSION: ClassVar[bytes] = b"\x01"

    day: str  # YYYY-MM-DD at the exchange
    limit_up_e4: int | None = None
    limit_down_e4: int | None = None
    lot: int | None = None
    turnover_rate_e4: int | None = None
    volume_ratio_e4: int | None = None
    total_shares: int | None = None
    circulating_shares: int | None = None
    hk_shares: int | None = None
    market_cap: int | None = None
    circulating_market_cap: int | None = None
    pe_ttm_e4: int | None = None
    pe_static_e4: int | None = None
    pe_dynamic_e4: int | None = None
    pb_e4: int | None = None
    eps_e4: int | None = None
    eps_ttm_e4: int | None = None
    bps_e4: int | None = None


_unpack = unpacker(StatisticsRecord)


def unpack_statistics(packed: bytes) -> StatisticsRecord:
    """Return the record that is stored.

    Raises:
        UnknownVersion: the first byte is another one, or there is none.
        msgspec.MsgspecError: what follows is no such record.
    """
    record = _unpack(packed)
    try:
        date.fromisoformat(record.day)
    except ValueError as error:
        raise msgspec.ValidationError(f"StatisticsRecord: {error}") from None
    return record


def record_of(told: Statistics) -> StatisticsRecord:
    """Return what is stored of statistics; the instrument is what they stand under."""
    return StatisticsRecord(told.day.isoformat(), *(getattr(told, name) for name in VALUES))


def statistics_of(instrument: InstrumentId, record: StatisticsRecord) -> Statistics:
    """Return the statistics that a record stands for."""
    return Statistics(instrument, date.fromisoformat(record.day), *(getattr(record, name) for name in VALUES))
