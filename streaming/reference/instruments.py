"""The committed list of instruments.

`instruments.csv` is written by hand: codes, names and lots are facts of the exchanges; `prev_close` is only where the
simulated market starts. A recording or a provider may carry products that the list lacks: they are identified and
described all the same, and stand in no list.
"""

import csv
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from kernel.instruments import BadSymbol, InstrumentId
from streaming.domain.instruments import Directory, Instrument

_CSV = Path(__file__).parent / "instruments.csv"


@cache
def directory() -> Directory:
    """Return the committed list, read once a process."""
    with _CSV.open(encoding="utf-8", newline="") as file:
        return _read(csv.DictReader(file))


def _read(rows: Iterable[dict[str, str]]) -> Directory:
    instruments: list[Instrument] = []
    aliases: dict[str, str] = {}
    for row in rows:
        instrument = Instrument(
            id=InstrumentId.parse(row["symbol"]),
            name_zh=row["name_zh"],
            name_en=row["name_en"],
            board=row["board"],
            kind=row["kind"],
            currency=row["currency"],
            lot=int(row["lot"]),
            tick_table=row["tick_table"],
            prev_close_e4=round(float(row["prev_close"]) * 10_000),
        )
        if instrument.symbol != row["symbol"] or instrument.id.venue != row["venue"]:
            raise BadSymbol(f"instruments.csv: {row['symbol']} is not written canonically", symbol=row["symbol"])
        instruments.append(instrument)
        for alias in f"{row['aliases']} {row['former_codes']}".split():
            aliases[alias] = instrument.symbol
    return Directory(instruments, aliases)
