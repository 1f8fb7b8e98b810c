"""Sina's pages: `var hq_str_sh600519="...";` lines over HTTP, the same rows as `sh600519=...` over its WebSocket.

Fields are read by position and rows may be longer than they were: columns were added in 2019 and 2026. The after-hours
tail (`D|shares|yuan`) is in the totals already and is never added.
"""

import re
from collections.abc import Mapping, Sequence

from kernel.instruments import InstrumentId, Venue
from streaming.domain.decimals import tenthousandths, whole
from streaming.domain.instruments import Directory, Instrument
from streaming.domain.states import state_of
from streaming.domain.ticks import Snapshot
from streaming.wire.providers.answers import Answer, instant_ms, page_code
from streaming.wire.providers.units import sina_turnover, sina_volume

# One line each, anchored: a pattern that may cross a quote gives one code's row to another where one is unknown.
_ROW = re.compile(r'(?:var hq_str_)?([A-Za-z0-9_]{3,24})="?([^"]*)"?;?\s*', re.ASCII)
_ENDED = ('";', '"')
_NO_QUOTES = ("sys_", "hq_str_sys")  # lines about the connection
_FEWEST_A, _FEWEST_HK = 32, 19


def code_of(instrument: InstrumentId) -> str:
    """Return sh600519, sz000001, bj920001, rt_hk00700 (in real time; `hk00700` is delayed), rt_hkHSI.

    Raises:
        BadSymbol: no exchange of theirs lists such a code.
    """
    return page_code(instrument, "rt_hk")


def read(text: str, asked: Mapping[str, InstrumentId], directory: Directory) -> Answer:
    """Read an answer or a message.

    Args:
        asked: instruments by the codes that were asked for; rows of others are passed over and counted.
    """
    answer = Answer()
    for line in map(str.strip, text.split("\n")):
        if not line or line.startswith(_NO_QUOTES):
            continue
        found = _ROW.fullmatch(line)
        if found is None or ("hq_str_" in line and not line.endswith(_ENDED)):
            answer.faults["cut"] += 1
            continue
        code, row = found.groups()
        instrument = asked.get(code)
        if instrument is None:
            answer.faults["not_asked"] += 1
        elif not row.strip():
            answer.unknown.append(code)
        else:
            try:
                answer.snapshots.append(_snapshot(directory.described(instrument), row.split(",")))
            except (ValueError, IndexError):
                answer.faults["row"] += 1
    return answer


def _snapshot(instrument: Instrument, fields: Sequence[str]) -> Snapshot:
    return _hong_kong(instrument, fields) if instrument.id.venue is Venue.HK else _mainland(instrument, fields)


def _mainland(instrument: Instrument, fields: Sequence[str]) -> Snapshot:
    if len(fields) < _FEWEST_A:
        raise ValueError("too short")
    bids, asks = _levels(fields, 10), _levels(fields, 20)
    word = fields[32].strip() if len(fields) > 32 else ""
    state = state_of(word) if word else ""
    if state != "trading" and any(price for price, _ in (*bids, *asks)):
        state = ""  # the site itself believes the word only where nobody orders
    return Snapshot(
        instrument=instrument.id,
        at_ms=instant_ms(fields[30], fields[31]),
        prev_close_e4=_e4(fields[2]),
        open_e4=_e4(fields[1]),
        high_e4=_e4(fields[4]),
        low_e4=_e4(fields[5]),
        last_e4=_e4(fields[3]),
        cum_volume=_shares(fields[8]) * sina_volume(instrument),
        cum_turnover_e4=_e4(fields[9]) * sina_turnover(instrument),
        phase=word,
        bids=bids,
        asks=asks,
        state=state,
    )


def _hong_kong(instrument: Instrument, fields: Sequence[str]) -> Snapshot:
    if len(fields) < _FEWEST_HK:
        raise ValueError("too short")
    bid_e4, ask_e4 = _e4(fields[9]), _e4(fields[10])  # without the volumes
    return Snapshot(
        instrument=instrument.id,
        at_ms=instant_ms(fields[17], fields[18]),
        prev_close_e4=_e4(fields[3]),
        open_e4=_e4(fields[2]),
        high_e4=_e4(fields[4]),
        low_e4=_e4(fields[5]),
        last_e4=_e4(fields[6]),
        cum_volume=_shares(fields[12]) * sina_volume(instrument),
        cum_turnover_e4=_e4(fields[11]) * sina_turnover(instrument),
        bids=((bid_e4, 0),) if bid_e4 else (),
        asks=((ask_e4, 0),) if ask_e4 else (),
    )


def _levels(fields: Sequence[str], begin: int) -> tuple[tuple[int, int], ...]:
    """Read five orders as volume and price; an empty side is a price of 0, and has no order."""
    return tuple(
        (price_e4, _shares(fields[at])) for at in range(begin, begin + 10, 2) if (price_e4 := _e4(fields[at + 1])) > 0
    )


def _e4(text: str) -> int:
    text = text.strip()
    return tenthousandths(text) if text not in ("", "-") else 0


def _shares(text: str) -> int:
    text = text.strip()
    return whole(text) if text not in ("", "-") else 0
