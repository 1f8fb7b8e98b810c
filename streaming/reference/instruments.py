"""The list of instruments: the newest that operators have published, else the committed one.

`instruments.jsonl` is written by `generate_instruments.py`; README.md tells where its rows come from. `prev_close` is
only where the simulated market starts, of the products that it moves. A recording or a provider may carry products
that the list lacks: they are identified and described all the same, and stand in no list.
"""

from collections.abc import Callable
from functools import cache, lru_cache, wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec

from kernel.instruments import InstrumentId
from kernel.listing import FIELDS, Row
from streaming.domain.instruments import Directory, Instrument

_FILE = Path(__file__).parent / "instruments.jsonl"
_rows = msgspec.json.Decoder(Instrument)
_forgetting: list[Callable[[], None]] = []
_rev = 0  # of the list that was taken; 0: the committed one
_F = TypeVar("_F", bound=Callable[..., Any])


@cache
def directory() -> Directory:
    """Return the list of this process, the same object always; what it has may be taken anew (`take`)."""
    return Directory(_committed())


def rev() -> int:
    """Return the number of the published list that is in force; 0: the committed one."""
    return _rev


def take(rev: int, lines: bytes | None) -> dict[InstrumentId, InstrumentId]:
    """Take a published list, or the committed one again; return whose code is another from now on: old -> new.

    Args:
        lines: kernel.listing.unpack's; None: nothing is published any more.

    Raises:
        ValueError: it cannot be read; the list in force stays.
    """
    global _rev
    try:
        rows = _committed() if lines is None else _rows.decode_lines(lines)
    except msgspec.MsgspecError as error:
        raise ValueError(f"the published list of instruments cannot be read: {error}") from None
    moved = directory().take(rows)
    _rev = rev
    for forget in _forgetting:
        forget()
    return moved


def remembered(maxsize: int) -> Callable[[_F], _F]:
    """Make a function remember what it answered for as long as the list is the same."""

    def wrap(function: _F) -> _F:
        remembering = lru_cache(maxsize=maxsize)(function)
        _forgetting.append(remembering.cache_clear)
        return cast(_F, wraps(function)(remembering))

    return wrap


def committed_rows() -> list[Row]:
    """Return the committed list as the control plane reads it (settings.COMMITTED_INSTRUMENTS)."""
    return [{name: getattr(one, name) for name in FIELDS} for one in _committed()]


def _committed() -> list[Instrument]:
    return _rows.decode_lines(_FILE.read_bytes())
