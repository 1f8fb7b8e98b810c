"""What answers of a provider have in common: what was read of one, and the instants that rows state."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any

from kernel.instruments import BadSymbol, InstrumentId, Venue
from streaming.domain import E4
from streaming.domain.calendar import day_start_ms
from streaming.domain.decimals import tenthousandths, whole
from streaming.domain.statistics import Statistics
from streaming.domain.ticks import Snapshot

_MOST_STORED = 2**63  # what a record on Redis takes


@dataclass(slots=True)
class Answer:
    """One answer, read.

    Args:
        snapshots: in the order of the answer; `at_ms` is the venue's own time.
        statistics: of the same rows, where they tell any.
        unknown: the codes of which it says that there is nothing.
        faults: rows that could not be read, by reason.
    """

    snapshots: list[Snapshot] = field(default_factory=list)
    statistics: list[Statistics] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)


@lru_cache(maxsize=64)
def _midnight_ms(day: str) -> int:
    return day_start_ms(date.fromisoformat(day))


def instant_ms(day: str, clock: str) -> int:
    """Read `2026-07-23` or `2026/07/23` and `15:00:00`, the exchange's wall.

    Raises:
        ValueError: it is no instant.
    """
    hours, minutes, seconds = (int(part) for part in clock.split(":"))
    if not (0 <= hours < 24 and 0 <= minutes < 60 and 0 <= seconds < 60):
        raise ValueError(clock[:20])
    return _midnight_ms(day.replace("/", "-")) + ((hours * 60 + minutes) * 60 + seconds) * 1_000


_PREFIX = {Venue.SH: "sh", Venue.SZ: "sz", Venue.BJ: "bj"}


def page_code(instrument: InstrumentId, hong_kong: str) -> str:
    """Return how the free pages name an instrument: sh600519, bj920001, rt_hk00700.

    Args:
        hong_kong: what stands before Hong Kong's codes where real-time rows are asked for.

    Raises:
        BadSymbol: an exchange is named that does not list such codes; the page would answer with nothing at all.
    """
    if instrument.venue is Venue.HK:
        return hong_kong + instrument.code
    if instrument.venue is Venue.SH and instrument.code.startswith("92"):
        raise BadSymbol(f"{instrument} is no code of Shanghai's; Beijing lists it: {instrument.code}.BJ")
    if instrument.venue not in _PREFIX:
        raise BadSymbol(f"{instrument} is on no exchange that these pages have")
    return _PREFIX[instrument.venue] + instrument.code


# -- statistics: pages write 0, -1, "-" or nothing at all where they know nothing --------------------------------------


def told_e4(value: object) -> int | None:
    """Read a ratio or an amount in 1/10,000, which may be below zero; None where nothing is told.

    Raises:
        ValueError: it is no number, or far from any that a market has.
    """
    text = _text(value)
    return _stored(tenthousandths(text)) or None if text not in ("", "-") else None


def told_price(value: object) -> int | None:
    """Read a price in 1/10,000; None where nothing is told. Raises as `told_e4`."""
    e4 = told_e4(value)
    return e4 if e4 is not None and e4 > 0 else None


def told_count(value: object) -> int | None:
    """Read a number of shares; None where nothing is told. Raises as `told_e4`."""
    text = _text(value)
    count = _stored(whole(text)) if text not in ("", "-") else 0
    return count if count > 0 else None


def told_money(value: object, unit: int = 1) -> int | None:
    """Read an amount in whole units of the currency; None where nothing is told. Raises as `told_e4`.

    Args:
        unit: of the text: 100,000,000 for pages that write 182.8164 for 18,281,640,000.
    """
    e4 = told_price(value)
    return _stored(e4 * unit // E4) or None if e4 is not None else None


def reported(row: Mapping[str, Any], instrument: InstrumentId, day: date) -> Statistics:
    """Read what a company reports, by the names that AllTick's and TickDB's pages share. Raises as `told_e4`."""
    return Statistics(
        instrument,
        day,
        lot=told_count(row.get("lot_size")),
        total_shares=told_count(row.get("total_shares")),
        circulating_shares=told_count(row.get("circulating_shares")),
        hk_shares=told_count(row.get("hk_shares")),
        eps_e4=told_e4(row.get("eps")),
        eps_ttm_e4=told_e4(row.get("eps_ttm")),
        bps_e4=told_e4(row.get("bps")),
    )


def _stored(number: int) -> int:
    if abs(number) >= _MOST_STORED:
        raise ValueError(f"{number} is no number of a market")
    return number


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"{type(value).__name__} is no number")
    return str(value).strip()
