"""Tencent's page: `v_sh600519="1~...~...";` lines, fields apart by `~`, read by position with a default.

Rows have 50 to 88 fields by their age and kind. An unknown code among known ones has no row at all, so rows are found
by their names; where all are unknown the answer is `v_pv_none_match="1"`.
"""

import re
from collections.abc import Mapping, Sequence

from kernel.instruments import InstrumentId, Venue
from streaming.domain.calendar import exchange_day
from streaming.domain.decimals import tenthousandths, whole
from streaming.domain.instruments import Directory, Instrument
from streaming.domain.statistics import Statistics
from streaming.domain.ticks import Snapshot
from streaming.wire.providers.answers import (
    Answer,
    instant_ms,
    page_code,
    told_count,
    told_e4,
    told_money,
    told_price,
)
from streaming.wire.providers.units import tencent_levels, tencent_volume

_ROW = re.compile(r'v_([A-Za-z0-9_]{3,24})="([^"]*)";?\s*', re.ASCII)
_NONE = "pv_none_match"
_FEWEST = 38
_SUSPENDED = "S"
_HUNDRED_MILLIONS = 100_000_000


def code_of(instrument: InstrumentId) -> str:
    """Return sh600519, sz000001, bj920001, r_hk00700 (in real time; `hk00700` is a quarter of an hour old).

    Raises:
        BadSymbol: no exchange of theirs lists such a code.
    """
    return page_code(instrument, "r_hk")


def read(text: str, asked: Mapping[str, InstrumentId], directory: Directory) -> Answer:
    """Read an answer.

    Args:
        asked: instruments by the codes that were asked for; those without a row are unknown there.
    """
    answer, told = Answer(), set[str]()
    for line in filter(None, (part.strip() for part in text.split("\n"))):
        found = _ROW.fullmatch(line)
        if found is None:
            answer.faults["cut"] += 1
            continue
        code, row = found.groups()
        told.add(code)
        instrument = asked.get(code)
        if code == _NONE:
            continue
        if instrument is None:
            answer.faults["not_asked"] += 1
            continue
        fields = row.split("~")
        try:
            snapshot = _snapshot(directory.described(instrument), fields)
        except (ValueError, IndexError):
            answer.faults["row"] += 1
            continue
        answer.snapshots.append(snapshot)
        try:
            answer.statistics.append(_statistics(snapshot, fields))
        except ValueError:  # they lose no price
            answer.faults["statistics"] += 1
    if not answer.faults["cut"]:  # else the row may have been lost
        answer.unknown = [code for code in asked if code not in told]
    return answer


def _snapshot(instrument: Instrument, fields: Sequence[str]) -> Snapshot:
    if len(fields) < _FEWEST:
        raise ValueError("too short")
    in_hong_kong = instrument.id.venue is Venue.HK
    day, clock = _hong_kong_time(fields[30]) if in_hong_kong else _mainland_time(fields[30])
    volume = _whole(fields[6]) * tencent_volume(instrument, _at(fields, 61) if not in_hong_kong else "")
    bids, asks = (_levels(fields, begin, tencent_levels(instrument)) for begin in (9, 19))
    word = _at(fields, 40)
    return Snapshot(
        instrument=instrument.id,
        at_ms=instant_ms(day, clock),
        prev_close_e4=_e4(fields[4]),
        open_e4=_e4(fields[5]),
        high_e4=_e4(fields[33]),
        low_e4=_e4(fields[34]),
        last_e4=_e4(fields[3]),
        cum_volume=volume,
        cum_turnover_e4=_hong_kong_turnover(instrument, fields) if in_hong_kong else _exact_turnover(fields),
        phase=word if not in_hong_kong else "",
        bids=bids,
        asks=asks,
        iopv_e4=_e4(_at(fields, 78)) if _at(fields, 61) == "ETF" else 0,
        state=_state(word, is_live=bool(bids or asks or volume)) if not in_hong_kong and len(fields) > 40 else "",
    )


def _state(word: str, *, is_live: bool) -> str:
    """Return what a row of the mainland says of its instrument's state; "" where it says nothing.

    `S` is suspended: rows that were recorded with it have no volume and no orders, and where somebody orders it is not
    believed. Other words were never seen. Nothing in its place is trading once there is an order or a trade.
    """
    if word == _SUSPENDED:
        return "" if is_live else "suspended"
    return "trading" if not word and is_live else ""


def _statistics(snapshot: Snapshot, fields: Sequence[str]) -> Statistics:
    read = _hong_kong_statistics if snapshot.instrument.venue is Venue.HK else _mainland_statistics
    return Statistics(snapshot.instrument, exchange_day(snapshot.at_ms), **read(fields))


def _mainland_statistics(fields: Sequence[str]) -> dict[str, int | None]:
    return {
        "turnover_rate_e4": told_price(_at(fields, 38)),
        "pe_ttm_e4": told_e4(_at(fields, 39)),
        "circulating_market_cap": told_money(_at(fields, 44), _HUNDRED_MILLIONS),
        "market_cap": told_money(_at(fields, 45), _HUNDRED_MILLIONS),
        "pb_e4": told_e4(_at(fields, 46)),
        "limit_up_e4": told_price(_at(fields, 47)),
        "limit_down_e4": told_price(_at(fields, 48)),
        "volume_ratio_e4": told_price(_at(fields, 49)),
        "pe_dynamic_e4": told_e4(_at(fields, 52)),
        "pe_static_e4": told_e4(_at(fields, 53)),
        "circulating_shares": told_count(_at(fields, 72)),
        "total_shares": told_count(_at(fields, 73)),
    }


def _hong_kong_statistics(fields: Sequence[str]) -> dict[str, int | None]:
    """Read a row of Hong Kong: other positions, no limits and no turnover rate; 48 and 49 are the year's range.

    Which shares are 69 and which 70, nobody has published, nor which capitalisation is 44: those that are traded are
    never more than all. Of which year the ratio in 39 is, is not published either: it is left out.
    """
    shares, capitals = (
        sorted(told for told in pair if told is not None)
        for pair in (
            [told_count(_at(fields, at)) for at in (69, 70)],
            [told_money(_at(fields, at), _HUNDRED_MILLIONS) for at in (44, 45)],
        )
    )
    both = {"circulating_shares": shares[0], "total_shares": shares[1]} if len(shares) == 2 else {}
    if len(capitals) == 2:
        both |= {"circulating_market_cap": capitals[0], "market_cap": capitals[1]}
    return {
        **both,
        "volume_ratio_e4": told_price(_at(fields, 50)),
        "pe_ttm_e4": told_e4(_at(fields, 57)),
        "pb_e4": told_e4(_at(fields, 58)),
        "lot": told_count(_at(fields, 60)),
    }


def _exact_turnover(fields: Sequence[str]) -> int:
    """Return the third part of `last/volume/turnover`, the only exact one; 0 where a row has none."""
    parts = fields[35].split("/")
    return _e4(parts[2]) if len(parts) == 3 else 0


def _hong_kong_turnover(instrument: Instrument, fields: Sequence[str]) -> int:
    # Of an index nobody has published the unit.
    return 0 if instrument.kind == "index" else _e4(fields[37])


def _levels(fields: Sequence[str], begin: int, shares: int) -> tuple[tuple[int, int], ...]:
    """Read five orders as price and volume; an empty side is a price of 0, and has no order."""
    return tuple(
        (price_e4, _whole(fields[at + 1]) * shares)
        for at in range(begin, begin + 10, 2)
        if (price_e4 := _e4(fields[at])) > 0
    )


def _mainland_time(text: str) -> tuple[str, str]:
    if len(text) != 14 or not text.isdigit():
        raise ValueError(text[:20])
    return f"{text[:4]}-{text[4:6]}-{text[6:8]}", f"{text[8:10]}:{text[10:12]}:{text[12:]}"


def _hong_kong_time(text: str) -> tuple[str, str]:
    day, _, clock = text.strip().partition(" ")
    return day, clock


def _at(fields: Sequence[str], position: int) -> str:
    return fields[position].strip() if position < len(fields) else ""


def _e4(text: str) -> int:
    """Read a price; an empty one and -1, which stands for none, are 0."""
    text = text.strip()
    return max(0, tenthousandths(text)) if text not in ("", "-") else 0


def _whole(text: str) -> int:
    text = text.strip()
    return max(0, whole(text)) if text not in ("", "-") else 0
