"""A month of minutes, or a year of days, as one file: Parquet, CSV, or an Arrow stream for a program.

The columns are those of the tables, with prices and turnover as decimals of the currency. ClickHouse writes the file
itself: nothing is unpacked on the way.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from streaming.history import connection
from streaming.history.days import TABLE as DAYS
from streaming.history.minutes import MADE_UP_TABLE, TABLE
from streaming.history.spliced import Codes, all_codes

FORMATS = {
    "parquet": ("Parquet", "application/vnd.apache.parquet"),
    "csv": ("CSVWithNames", "text/csv; charset=utf-8"),
    "arrow": ("ArrowStream", "application/vnd.apache.arrow.stream"),
}
_OFFSET = timedelta(hours=8)  # both markets live at UTC+8
_SETTINGS = """
    SETTINGS do_not_merge_across_partitions_select_final = 1, output_format_parquet_compression_method = 'zstd',
             output_format_arrow_compression_method = 'zstd'
"""
_SYMBOL = "transform(bars.symbol::String, {old:Array(String)}, {new:Array(String)}, bars.symbol::String) AS symbol"
_MONEY = ", ".join(
    f"toDecimal64({name}_e4, 4) / 10000 AS {name}" for name in ("open", "high", "low", "close")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days of the exchange: first <= day < end."""

    first: date
    end: date

    @classmethod
    def read(cls, text: str) -> "Period":
        """Read `2026-11` or `2026`.

        Raises:
            ValueError: it is neither.
        """
        year, _, month = text.partition("-")
        if len(year) != 4 or (month and len(month) != 2) or not (year + month).isdecimal() or not text.isascii():
            raise ValueError(text)
        first = date(int(year), int(month or 1), 1)
        return cls(first, date(first.year + 1, 1, 1) if not month else (first + timedelta(days=31)).replace(day=1))


def minutes_file(former: Codes, period: Period, form: str, *, made_up: bool) -> bytes:
    """Return the closed minutes of a period, sorted by symbol and time.

    Args:
        former: the symbols, with the codes that they had before; all stand under the symbol of today.
        form: of FORMATS.
        made_up: of a market that nobody trades in, whose minutes stand in a table of their own.

    Raises:
        HistoryUnavailable: ClickHouse did not answer.
    """
    begin, end = (datetime(day.year, day.month, day.day, tzinfo=UTC) - _OFFSET for day in (period.first, period.end))
    sql = f"""
        SELECT {_SYMBOL}, toDateTime64(opened_at, 3, 'UTC') AS opened_at, {_MONEY}, volume,
               toDecimal128(turnover_e4, 4) / 10000 AS turnover, source::String AS source
        FROM {MADE_UP_TABLE if made_up else TABLE} AS bars FINAL
        WHERE bars.symbol IN {{symbols:Array(String)}}
          AND bars.opened_at >= {{begin:DateTime}} AND bars.opened_at < {{end:DateTime}}
        ORDER BY 1, bars.opened_at
        {_SETTINGS}
    """  # noqa: S608 - the variable parts are this package's own names
    return connection.query_file(sql, _codes(former) | {"begin": begin, "end": end}, FORMATS[form][0])


def days_file(former: Codes, period: Period, form: str) -> bytes:
    """Return the days of a period that have ended, sorted by symbol and day; raises as `minutes_file`."""
    sql = f"""
        SELECT {_SYMBOL}, day, {_MONEY}, volume, toDecimal128(turnover_e4, 4) / 10000 AS turnover,
               if(prev_close_e4 > 0, toDecimal64(prev_close_e4, 4) / 10000, NULL) AS prev_close,
               source::String AS source
        FROM {DAYS} AS bars FINAL
        WHERE bars.symbol IN {{symbols:Array(String)}} AND day >= {{begin:Date32}} AND day < {{end:Date32}}
        ORDER BY 1, day
        {_SETTINGS}
    """  # noqa: S608 - the variable parts are this package's own names
    parameters = _codes(former) | {"begin": period.first, "end": period.end}
    return connection.query_file(sql, parameters, FORMATS[form][0])


def _codes(former: Codes) -> dict[str, Any]:
    old = {code: symbol for symbol, codes in former.items() for code in codes} or {"": ""}
    return {"symbols": sorted(all_codes(former)), "old": list(old), "new": list(old.values())}
