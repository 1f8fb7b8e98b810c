"""Adjusted months and years as files: the numbers of read_adjusted to the last digit, and months that fit together."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from io import BytesIO

import polars as pl
import pytest

from streaming.domain.adjustment import CorporateAction
from streaming.domain.days import DayBar
from streaming.domain.minutes import MinuteBar
from streaming.history import connection
from streaming.history.adjusted import insert_actions
from streaming.history.adjusted_files import adjusted_file
from streaming.history.days import insert_days
from streaming.history.files import Period
from streaming.history.minutes import insert_minutes

pytestmark = [pytest.mark.whole, pytest.mark.usefixtures("history_server")]
SYMBOL, TODAY = "00781.HK", date(2026, 5, 8)
BEFORE, EX = date(2026, 3, 31), date(2026, 4, 1)  # two for one


def at(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, 2, 0, tzinfo=UTC).timestamp()) * 1000


@pytest.fixture(scope="module", autouse=True)
def stored(history_server: str) -> Iterator[None]:
    prices = ((BEFORE, 100_001), (EX, 50_000))
    insert_days([DayBar(SYMBOL, day, p, p, p, p, 100, 10**15, 0) for day, p in prices], source="live", version=1)
    insert_minutes([MinuteBar(SYMBOL, at(day), p, p, p, p, 100, 10**15) for day, p in prices], version=1)
    action = CorporateAction(SYMBOL, EX, Fraction(2), Fraction(2), 0)
    insert_actions([action], source="import", version=1)
    yield
    for table in ("bars_1d", "bars_1m", "corporate_actions"):
        connection.command(f"DELETE FROM {table} WHERE symbol = '{SYMBOL}'")


def read(period: str, form: str = "arrow", *, interval: str = "1m", how: str = "forward") -> pl.DataFrame:
    packed = adjusted_file(
        {SYMBOL: ()}, Period.read(period), form, interval=interval, how=how, today=TODAY, ticks_e4={SYMBOL: 10}
    )
    readers = {"arrow": pl.read_ipc_stream, "parquet": pl.read_parquet, "csv": pl.read_csv}
    return readers[form](BytesIO(packed))


def test_months_on_both_sides_of_a_split_fit_together() -> None:
    closes = [read(month)["close"][0] for month in ("2026-03", "2026-04")]

    # 10.0001 over the reference of its ex-day, half of it rounded up to the tick
    assert closes == [Decimal("5.0000"), Decimal("5.0000")]
    assert read("2026-03")["volume"][0] == 200


def test_every_form_has_the_same_rows_and_the_types_of_a_file_that_is_not_adjusted() -> None:
    arrow, parquet, csv = (read("2026-03", form) for form in ("arrow", "parquet", "csv"))

    assert arrow.equals(parquet)
    assert arrow.columns == csv.columns
    assert dict(arrow.schema) == {
        "symbol": pl.String, "opened_at": pl.Datetime("ms", "UTC"), "open": pl.Decimal(18, 4),
        "high": pl.Decimal(18, 4), "low": pl.Decimal(18, 4), "close": pl.Decimal(18, 4), "volume": pl.Int64,
        "turnover": pl.Decimal(38, 4),
    }  # fmt: skip
    assert arrow["turnover"][0] == Decimal("100000000000.0000")
    assert arrow["opened_at"][0] == datetime(2026, 3, 31, 2, 0, tzinfo=UTC)


def test_days_of_a_year_backward() -> None:
    frame = read("2026", interval="1d", how="backward")

    assert frame["day"].to_list() == [BEFORE, EX]
    # 5.0000 times 10.0001 over the reference of 5.000
    assert frame["close"].to_list() == [Decimal("10.0001"), Decimal("10.0001")]


def test_a_month_without_bars_is_a_file_without_rows() -> None:
    assert read("2026-02").height == 0
