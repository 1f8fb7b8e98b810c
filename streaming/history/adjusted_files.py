"""The files of streaming.history.files with prices adjusted by corporate actions, as seen from today.

Columns, types and order are the same but for `source` and `prev_close`, which are of prices as they were traded.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from io import BytesIO

import polars as pl

from streaming.domain.calendar import day_start_ms, exchange_day
from streaming.domain.minutes import MinuteBar
from streaming.history.adjusted import read_adjusted
from streaming.history.files import Period
from streaming.history.rollup import Span
from streaming.history.spliced import Codes

_MOST = 50_000  # bars of a symbol: a month has 331 minutes a day
_PRICES = ("open", "high", "low", "close")


def adjusted_file(
    former: Codes, period: Period, form: str, *, interval: str, how: str, today: date, ticks_e4: Mapping[str, int]
) -> bytes:
    """Return a month of minutes or a year of days.

    Args:
        form: of streaming.history.files.FORMATS.
        interval: 1m or 1d.
        how, today, ticks_e4: as of `read_adjusted`.

    Raises:
        HistoryUnavailable: ClickHouse did not answer.
    """
    span = Span(day_start_ms(period.first), day_start_ms(period.end), limit=_MOST)
    bars = read_adjusted(
        former, interval, span, how=how, today=today, ticks_e4=ticks_e4, seen_from_today=True
    )  # fmt: skip
    frame = _frame([bar for symbol in sorted(bars) for bar in bars[symbol]], interval)
    out = BytesIO()
    if form == "parquet":
        frame.write_parquet(out, compression="zstd")
    elif form == "csv":
        frame.write_csv(out)
    else:
        frame.write_ipc_stream(out, compression="zstd", compat_level=pl.CompatLevel.oldest())
    return out.getvalue()


def _frame(bars: Sequence[MinuteBar], interval: str) -> pl.DataFrame:
    when = (
        pl.Series("day", [exchange_day(bar.opened_ms) for bar in bars], pl.Date)
        if interval == "1d"
        else pl.Series(
            "opened_at",
            [datetime.fromtimestamp(bar.opened_ms / 1000, UTC) for bar in bars],
            pl.Datetime("ms", "UTC"),
        )
    )
    columns = [pl.Series("symbol", [bar.symbol for bar in bars], pl.String), when]
    columns += [_decimal(name, [getattr(bar, f"{name}_e4") for bar in bars], 18) for name in _PRICES]
    columns.append(pl.Series("volume", [bar.volume for bar in bars], pl.Int64))
    columns.append(_decimal("turnover", [bar.turnover_e4 for bar in bars], 38))
    return pl.DataFrame(columns)


def _decimal(name: str, values_e4: Sequence[int], digits: int) -> pl.Series:
    """Return ten-thousandths as decimals of the currency, to the last digit."""
    whole = pl.Series(name, values_e4, pl.Int64)
    return (whole.cast(pl.Decimal(38, 4)) / 10_000).cast(pl.Decimal(digits, 4))
