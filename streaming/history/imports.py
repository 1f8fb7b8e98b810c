"""Files of bars -> history: each row is judged first, and what is refused is told with its reason.

A file is CSV (also .gz) or Parquet. Columns, whichever it has: `symbol` (ts_code, code), `date` and `time`, or one of
`datetime`, `trade_time`, `opened_at`; open high low close; `volume` (vol); `turnover` (amount); for days also
`prev_close` (pre_close). Prices and money are read as decimals, never through a float's rounding.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import polars as pl

from kernel.instruments import BadSymbol, InstrumentId
from streaming.domain.calendar import Calendar, exchange_day
from streaming.domain.windows import seq_of
from streaming.errors import BadFile
from streaming.history import connection, days, minutes
from streaming.history.versions import version_of

LABELS = ("start", "end")
_MINUTE_MS, _OFFSET_MS, _DAY_MS = 60_000, 8 * 3_600_000, 86_400_000
_NAMES = {
    "ts_code": "symbol", "code": "symbol", "vol": "volume", "amount": "turnover", "trade_date": "date",
    "datetime": "at", "trade_time": "at", "opened_at": "at", "pre_close": "prev_close",
}  # fmt: skip
_PRICES = ("open", "high", "low", "close")
_ROWS = 200_000  # an insert: some 20 MB
_AUCTION_MS = 5 * _MINUTE_MS  # a print before the open, or behind the close, belongs to the minute beside it


@dataclass(frozen=True, slots=True)
class How:
    """How a file is to be read.

    Args:
        interval: 1m or 1d.
        label: of minutes: start or end, what a row's time says of it.
        shares: in one unit of the volume column: 1, or 100 for lots.
        source, version: as whose bars they are stored (streaming.history.versions).
        calendar_of: of a market, CN or HK.
    """

    interval: str
    label: str
    shares: int
    source: str
    version: int
    calendar_of: Callable[[str], Calendar]


@dataclass
class Imported:
    """What became of a file's rows."""

    rows: int = 0
    stored: int = 0
    flat: int = 0  # without a trade: nothing is stored of them
    rejects: dict[str, int] = field(default_factory=dict)  # reason -> rows


def read_file(path: Path) -> pl.DataFrame:
    """Return a file's rows with the columns' names as they are used here; texts of a CSV stay texts.

    Raises:
        BadFile: it cannot be read, or has not the columns.
    """
    try:
        if path.suffix == ".parquet":
            frame = pl.read_parquet(path)
        else:
            frame = pl.read_csv(path, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise BadFile(f"{path}: {str(error).splitlines()[0][:200]}") from None
    frame = frame.rename({name: name.strip().lower() for name in frame.columns})
    frame = frame.rename(
        {name: ours for name, ours in _NAMES.items() if name in frame.columns and ours not in frame.columns}
    )
    missing = [name for name in ("symbol", *_PRICES, "volume", "turnover") if name not in frame.columns]
    if "at" not in frame.columns and "date" not in frame.columns:
        missing.append("date (or datetime, trade_time, opened_at)")
    if missing:
        raise BadFile(f"{path}: no column {', '.join(missing)}; it has {', '.join(frame.columns)[:300]}")
    return frame.with_row_index("line", offset=2)


def judged(frame: pl.DataFrame, how: How) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows that count, in our units with their minute or day, and the others with their `reason`."""
    frame = _numbers(_times(frame, how), how)
    frame = _with_symbols(frame)
    if how.interval == "1m":
        frame = _with_minutes(frame, how)
    key = ["canonical", "label_ms"]
    price, turnover, volume = pl.col("low_e4"), pl.col("turnover_e4"), pl.col("volume")
    tick = pl.max_horizontal(pl.lit(100), pl.col("high_e4") // 500)  # a cent, or the tick of a dear one in Hong Kong
    inside = [pl.col(f"{name}_e4").is_between(pl.col("low_e4"), pl.col("high_e4")) for name in ("open", "close")]
    unread = [pl.col(name).is_null() for name in (*(f"{name}_e4" for name in (*_PRICES, "turnover")), "volume")]
    between = (turnover / volume).is_between(price - tick, pl.col("high_e4") + tick)
    at_fault: list[tuple[str, pl.Expr]] = [
        ("unreadable_symbol", pl.col("canonical").is_null()),
        ("unreadable_time", pl.col("label_ms").is_null()),
        ("unreadable_number", pl.any_horizontal(unread)),
        ("price_not_positive", price <= 0),
        ("high_below_low", pl.col("high_e4") < price),
        ("open_or_close_outside", ~pl.all_horizontal(inside)),
        ("negative_volume", (volume < 0) | (turnover < 0)),
        ("outside_session", pl.col("opened_ms").is_null() & (volume > 0)),
        ("duplicate", pl.struct(key).is_duplicated() & ~pl.struct(key).is_first_distinct()),
        # Lots for shares, money in another unit, or prices that are adjusted already: the average lies within a bar.
        ("average_price_outside", (volume > 0) & (turnover > 0) & ~between),
    ]
    reason = pl.lit(None, dtype=pl.String)
    for name, expression in reversed(at_fault):
        reason = pl.when(expression.fill_null(value=False)).then(pl.lit(name)).otherwise(reason)
    frame = frame.with_columns(reason=reason)
    return frame.filter(pl.col("reason").is_null()), frame.filter(pl.col("reason").is_not_null())


def store(good: pl.DataFrame, bad: pl.DataFrame, how: How) -> Imported:
    """Write the rows of a file that count.

    Args:
        good, bad: as `judged` returns them.

    Raises:
        HistoryUnavailable: nothing is half: importing the file again does no harm.
    """
    traded = good.filter(pl.col("volume") > 0)
    told = Imported(rows=good.height + bad.height, flat=good.height - traded.height)
    told.rejects = {str(reason): int(count) for reason, count in bad["reason"].value_counts().iter_rows()}
    rows = _as_minutes(traded, how) if how.interval == "1m" else _as_days(traded, how)
    table, columns = (minutes.TABLE, minutes.COLUMNS) if how.interval == "1m" else (days.TABLE, days.COLUMNS)
    for part in _parts(rows.select(columns)):
        connection.insert_frame(table, columns, part)
    told.stored = rows.height
    if how.interval == "1m":
        # Sessions lie within one day by UTC too.
        days.add_up(
            {exchange_day(at_ms) for at_ms in (traded["opened_ms"] // _DAY_MS * _DAY_MS).unique().to_list()},
            how.version,
        )
    return told


def _times(frame: pl.DataFrame, how: How) -> pl.DataFrame:
    """Add `label_ms`, what a row's time says in epoch ms, and `written_at`, the same as it stands in the file."""
    if "at" in frame.columns:
        at = frame["at"]
        if at.dtype.is_integer():
            return frame.with_columns(label_ms=pl.col("at").cast(pl.Int64), written_at=pl.col("at").cast(pl.String))
        if at.dtype.is_temporal():
            zoned = at if getattr(at.dtype, "time_zone", None) else at.dt.replace_time_zone("Asia/Shanghai")
            return frame.with_columns(label_ms=zoned.dt.epoch("ms"), written_at=pl.col("at").cast(pl.String))
        text = pl.col("at").cast(pl.String).str.replace("T", " ").str.strip_chars()
    else:
        day = pl.col("date").cast(pl.String).str.strip_chars()
        day = (
            pl.when(day.str.contains(r"^\d{8}$"))
            .then(day.str.slice(0, 4) + "-" + day.str.slice(4, 2) + "-" + day.str.slice(6, 2))
            .otherwise(day)
        )
        time = pl.col("time").cast(pl.String).str.strip_chars() if "time" in frame.columns else pl.lit("00:00")
        text = day + " " + (time if how.interval == "1m" else pl.lit("00:00"))
    text = pl.when(text.str.len_chars() == 10).then(text + " 00:00").otherwise(text)
    local = text.str.slice(0, 16).str.to_datetime("%Y-%m-%d %H:%M", strict=False)
    return frame.with_columns(label_ms=local.dt.epoch("ms") - _OFFSET_MS, written_at=text)


def _numbers(frame: pl.DataFrame, how: How) -> pl.DataFrame:
    money = {f"{name}_e4": _e4(frame, name) for name in (*_PRICES, "turnover")}
    volume = (
        pl.col("volume").cast(pl.String).str.to_decimal(scale=4).cast(pl.Float64).round().cast(pl.Int64, strict=False)
    )
    before = _e4(frame, "prev_close") if "prev_close" in frame.columns else pl.lit(0, dtype=pl.Int64)
    return frame.with_columns(**money, prev_close_e4=before.fill_null(0), volume=volume * how.shares)


def _e4(frame: pl.DataFrame, name: str) -> pl.Expr:
    if frame[name].dtype.is_float():
        return (pl.col(name) * 10_000).round().cast(pl.Int64, strict=False)
    # What a text has behind the fourth place is cut off, as the exchanges' own sums have none.
    return (pl.col(name).cast(pl.String).str.strip_chars().str.to_decimal(scale=4) * 10_000).cast(
        pl.Int64, strict=False
    )


def _with_symbols(frame: pl.DataFrame) -> pl.DataFrame:
    written = frame["symbol"].cast(pl.String).unique().to_list()
    names = {text: _canonical(text) for text in written if text is not None}
    return frame.with_columns(
        canonical=pl.col("symbol").cast(pl.String).replace_strict(names, default=None, return_dtype=pl.String),
        opened_ms=pl.col("label_ms"),
    )


def _canonical(text: str) -> str | None:
    try:
        return str(InstrumentId.parse(text.strip().upper()))
    except BadSymbol:
        return None


def _with_minutes(frame: pl.DataFrame, how: How) -> pl.DataFrame:
    """Replace `opened_ms` by the minute that a row belongs to; null where no session is near."""
    back_ms = _MINUTE_MS if how.label == "end" else 0
    markets = pl.when(pl.col("canonical").str.ends_with(".HK")).then(pl.lit("HK")).otherwise(pl.lit("CN"))
    frame = frame.with_columns(market=markets, begins_ms=pl.col("label_ms") - back_ms)
    keys = frame.select("market", "begins_ms").drop_nulls().unique()
    told: Mapping[str, Calendar] = {market: how.calendar_of(market) for market in keys["market"].unique().to_list()}
    minute = [_minute_of(told[market], begins_ms) for market, begins_ms in keys.iter_rows()]
    keys = keys.with_columns(opened_ms=pl.Series(minute, dtype=pl.Int64))
    return frame.drop("opened_ms").join(keys, on=["market", "begins_ms"], how="left", maintain_order="left")


def _minute_of(calendar: Calendar, begins_ms: int) -> int | None:
    if not calendar.phases_on(exchange_day(begins_ms)):
        return None
    minute = calendar.minute_of(seq_of(begins_ms))
    # A row in the middle of lunch is no late print: sources pad with them.
    return minute if minute is not None and abs(minute - begins_ms) <= _AUCTION_MS else None


def _as_minutes(frame: pl.DataFrame, how: How) -> pl.DataFrame:
    folded = (
        frame.sort("canonical", "opened_ms", "label_ms", maintain_order=True)
        .group_by("canonical", "opened_ms", maintain_order=True)
        .agg(
            pl.col("open_e4").first(), pl.col("high_e4").max(), pl.col("low_e4").min(), pl.col("close_e4").last(),
            pl.col("volume").sum(), pl.col("turnover_e4").sum(),
        )
    )  # fmt: skip
    return folded.with_columns(
        symbol=pl.col("canonical"),
        opened_at=(pl.col("opened_ms") // 1000).cast(pl.UInt32),
        source=pl.lit(how.source),
        version=pl.lit(version_of(how.source, how.version), dtype=pl.UInt64),
    )


def _as_days(frame: pl.DataFrame, how: How) -> pl.DataFrame:
    return frame.with_columns(
        symbol=pl.col("canonical"),
        day=((pl.col("label_ms") + _OFFSET_MS) // _DAY_MS).cast(pl.Int32).cast(pl.Date),
        source=pl.lit(how.source),
        version=pl.lit(version_of(how.source, how.version), dtype=pl.UInt64),
    ).sort("symbol", "day")


def _parts(frame: pl.DataFrame) -> Iterator[bytes]:
    for begin in range(0, frame.height, _ROWS):
        packed = BytesIO()
        frame.slice(begin, _ROWS).write_ipc_stream(packed)
        yield packed.getvalue()
