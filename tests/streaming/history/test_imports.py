"""Files of bars are judged row by row; the recorded ones come in whole, and twice is once."""

import gzip
from collections.abc import Iterator
from datetime import datetime
from io import StringIO
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from django.core.management import CommandError, call_command

from streaming.domain.calendar import Calendar
from streaming.domain.minutes import MinuteBar
from streaming.errors import BadFile
from streaming.history import connection
from streaming.history.imports import How, judged, read_file
from streaming.history.minutes import insert_minutes
from streaming.history.rollup import Span, read_bars
from streaming.reference.calendars import published_days
from tests.streaming.references import stored_minutes

HEAD = "symbol,date,time,open,high,low,close,volume,amount\n"
SHANGHAI = ZoneInfo("Asia/Shanghai")
HOW = How("1m", "end", 1, "import", 1, lambda market: Calendar(market, published_days(market)))


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).timestamp() * 1000)


def written(folder: Path, *rows: str, head: str = HEAD, name: str = "bars.csv") -> Path:
    path = folder / name
    path.write_text(head + "".join(f"{row}\n" for row in rows))
    return path


def judge(path: Path, how: How = HOW) -> tuple[pl.DataFrame, dict[int, str]]:
    good, bad = judged(read_file(path), how)
    return good, dict(bad.select("line", "reason").iter_rows())


def test_a_row_is_refused_by_what_is_wrong_with_it(tmp_path: Path) -> None:
    good, reasons = judge(
        written(
            tmp_path,
            "600519.SH,2026-11-27,09:31,10.00,10.10,9.90,10.05,300,3010.00",
            "nonsense,2026-11-27,09:31,10.00,10.10,9.90,10.05,300,3010.00",
            "600519.SH,2026-13-27,09:31,10.00,10.10,9.90,10.05,300,3010.00",
            "600519.SH,2026-11-27,09:32,ten,10.10,9.90,10.05,300,3010.00",
            "600519.SH,2026-11-27,09:33,0,0,0,0,0,0",
            "600519.SH,2026-11-27,09:34,10.00,9.80,9.90,10.05,300,3010.00",
            "600519.SH,2026-11-27,09:35,10.00,10.10,9.90,10.15,300,3010.00",
            "600519.SH,2026-11-27,09:36,10.00,10.10,9.90,10.05,-300,3010.00",
            "600519.SH,2026-11-27,12:15,10.00,10.10,9.90,10.05,300,3010.00",
            "600519.SH,2026-11-28,10:15,10.00,10.10,9.90,10.05,300,3010.00",
            "600519.SH,2026-11-27,09:31,10.00,10.10,9.90,10.05,300,3010.00",
            "600519.SH,2026-11-27,09:37,10.00,10.10,9.90,10.05,3,3010.00",
        )
    )

    assert good["line"].to_list() == [2]
    assert reasons == {
        3: "unreadable_symbol", 4: "unreadable_time", 5: "unreadable_number", 6: "price_not_positive",
        7: "high_below_low", 8: "open_or_close_outside", 9: "negative_volume", 10: "outside_session",
        11: "outside_session", 12: "duplicate", 13: "average_price_outside",
    }  # fmt: skip


def test_prices_are_read_as_decimals_to_the_last_digit(tmp_path: Path) -> None:
    good, _ = judge(written(tmp_path, "600519.SH,2026-11-27,09:31,8.29,19.99,8.29,16.08,100,1608.00"))

    assert good.select("open_e4", "high_e4", "low_e4", "close_e4", "turnover_e4").row(0) == (
        82_900, 199_900, 82_900, 160_800, 16_080_000,
    )  # fmt: skip


@pytest.mark.parametrize(("label", "opened"), [("end", "09:30"), ("start", "09:31")])
def test_a_label_says_where_a_minute_begins(tmp_path: Path, label: str, opened: str) -> None:
    how = How("1m", label, 1, "import", 1, HOW.calendar_of)
    good, _ = judge(written(tmp_path, "600519.SH,2026-11-27,09:31,10,10,10,10,100,1000"), how)

    assert good["opened_ms"].to_list() == [at(f"2026-11-27 {opened}")]


def test_lots_are_a_hundred_shares(tmp_path: Path) -> None:
    how = How("1m", "end", 100, "import", 1, HOW.calendar_of)
    good, reasons = judge(written(tmp_path, "600519.SH,2026-11-27,09:31,10,10,10,10,3,3000"), how)

    assert (good["volume"].to_list(), reasons) == ([300], {})


@pytest.mark.parametrize(
    ("head", "row"),
    [
        ("ts_code,trade_time,open,high,low,close,vol,amount\n", "600519.SH,2026-11-27 09:31:00,10,10,10,10,100,1000"),
        ("code,datetime,open,high,low,close,volume,turnover\n", "600519.SH,2026-11-27T09:31:00+08:00,10,10,10,10,100,1000"),
        ("Symbol,Date,Time,Open,High,Low,Close,Volume,Amount\n", "600519.sh,20261127,09:31:00,10,10,10,10,100.0,1000.0"),
    ],
)  # fmt: skip
def test_columns_have_the_names_that_files_have(tmp_path: Path, head: str, row: str) -> None:
    good, reasons = judge(written(tmp_path, row, head=head))

    assert reasons == {}
    assert good.select("canonical", "opened_ms", "volume").row(0) == ("600519.SH", at("2026-11-27 09:30"), 100)


def test_parquet_has_numbers_and_instants(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "symbol": ["600519.SH"], "opened_at": [datetime(2026, 11, 27, 9, 31, tzinfo=SHANGHAI)], "open": [8.29],
            "high": [19.99], "low": [8.29], "close": [16.08], "volume": [100], "turnover": [1608.0],
        }
    )  # fmt: skip
    frame.write_parquet(tmp_path / "bars.parquet")

    good, reasons = judge(tmp_path / "bars.parquet", How("1m", "start", 1, "import", 1, HOW.calendar_of))

    assert reasons == {}
    assert good.select("opened_ms", "open_e4", "high_e4", "turnover_e4").row(0) == (
        at("2026-11-27 09:31"), 82_900, 199_900, 16_080_000,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("head", "said"),
    [("symbol,date,open,high,low,close,volume\n", "no column turnover"), ("open\n", "no column symbol, high")],
)
def test_a_file_without_a_column_is_told_by_its_name(tmp_path: Path, head: str, said: str) -> None:
    with pytest.raises(BadFile, match=said):
        read_file(written(tmp_path, head=head))


def test_what_is_no_file_of_bars_is_told(tmp_path: Path) -> None:
    (tmp_path / "bars.parquet").write_bytes(b"PK\x03\x04 nonsense")

    with pytest.raises(BadFile, match=r"bars\.parquet"):
        read_file(tmp_path / "bars.parquet")


def imported(*arguments: object) -> str:
    out = StringIO()
    call_command("import_history", *map(str, arguments), stdout=out)
    return out.getvalue()


@pytest.mark.whole
@pytest.mark.usefixtures("history_server")
def test_the_auction_of_a_file_with_end_labels_belongs_to_the_first_minute(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "600811.SH,2026-11-27,09:30,10.00,10.00,10.00,10.00,500,5000",
        "600811.SH,2026-11-27,09:31,10.10,10.20,10.10,10.20,100,1015",
        "600811.SH,2026-11-27,09:32,10.20,10.20,10.20,10.20,0,0",
        "600811.SH,2026-11-27,15:00,10.30,10.30,10.30,10.30,100,1030",
    )

    said = imported(path, "--interval", "1m", "--label", "end")

    assert "1 files, 4 rows: 2 bars stored, 1 rows without a trade, 0 refused" in said
    assert stored_minutes("600811.SH") == [
        MinuteBar("600811.SH", at("2026-11-27 09:30"), 100_000, 102_000, 100_000, 102_000, 600, 60_150_000),
        MinuteBar("600811.SH", at("2026-11-27 14:59"), 103_000, 103_000, 103_000, 103_000, 100, 10_300_000),
    ]
    (day,) = read_bars(["600811.SH"], "1d", Span(), sessions=True)["600811.SH"]
    assert (day.volume, day.close_e4) == (700, 103_000)


@pytest.mark.whole
@pytest.mark.usefixtures("history_server")
def test_what_came_live_stays_unless_it_is_repaired(tmp_path: Path) -> None:
    opened_ms = at("2026-11-27 10:00")
    live = MinuteBar("600812.SH", opened_ms, 100_000, 100_000, 100_000, 100_000, 300, 30_000_000)
    insert_minutes([live], version=5)
    path = written(tmp_path, "600812.SH,2026-11-27,10:01,11,11,11,11,100,1100")

    imported(path, "--interval", "1m", "--label", "end")
    kept = stored_minutes("600812.SH")
    imported(path, "--interval", "1m", "--label", "end", "--repair")

    assert kept == [live]
    assert [bar.close_e4 for bar in stored_minutes("600812.SH")] == [110_000]


@pytest.mark.whole
@pytest.mark.usefixtures("history_server")
def test_days_come_with_their_reference_and_stand_above_their_minutes(tmp_path: Path) -> None:
    minutes = written(tmp_path, "600813.SH,2026-11-26,10:01,11,11,11,11,100,1100")
    days = written(
        tmp_path,
        "600813.SH,2026-11-26,10.90,11.20,10.80,11.00,5000,55000,10.95",
        head="symbol,date,open,high,low,close,volume,amount,prev_close\n",
        name="days.csv",
    )

    imported(days, "--interval", "1d")
    imported(minutes, "--interval", "1m", "--label", "end")

    (day,) = read_bars(["600813.SH"], "1d", Span(), sessions=True)["600813.SH"]
    assert (day.open_e4, day.volume) == (109_000, 5_000)


@pytest.mark.whole
@pytest.mark.usefixtures("history_server")
def test_a_dry_run_writes_nothing_and_rejects_go_into_a_file(tmp_path: Path) -> None:
    path = written(
        tmp_path, "600814.SH,2026-11-26,10:01,11,11,11,11,100,1100", "600814.SH,2026-11-26,10:02,11,10,11,11,100,1100"
    )
    rejects = tmp_path / "rejects.csv"

    said = imported(path, "--interval", "1m", "--label", "end", "--dry-run", "--rejects", rejects)

    assert "1 bars would be stored" in said
    assert "high_below_low: 1" in said
    assert rejects.read_text().splitlines()[1] == f"{path},3,600814.SH,2026-11-26 10:02,high_below_low"
    assert stored_minutes("600814.SH") == []


@pytest.mark.whole
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["{folder}/none.csv", "--interval", "1d"], "is neither a file nor a folder"),
        (["{folder}", "--interval", "1d"], "holds no"),
        (["{folder}", "--interval", "1m"], "--label start or --label end"),
    ],
)
def test_a_wrong_command_is_told_what_to_do(tmp_path: Path, arguments: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        imported(*(one.format(folder=tmp_path) for one in arguments))


@pytest.fixture
def nothing_stays(history_server: str) -> Iterator[None]:
    """Other tests have their own bars of the same shares, in other years."""
    yield
    for table, day in (("bars_1m", "toDate(opened_at)"), ("bars_1d", "day")):
        connection.command(f"ALTER TABLE {table} DELETE WHERE toYear({day}) = 2020 SETTINGS mutations_sync = 1")


@pytest.mark.whole
@pytest.mark.data
@pytest.mark.usefixtures("nothing_stays")
def test_recorded_minutes_of_hong_kong_come_in_whole_and_adjusted_ones_are_found_out(market_data: Path) -> None:
    folder = market_data / "replay-hk-1min"

    said = imported(folder, "--interval", "1m", "--label", "end").splitlines()
    again = imported(folder, "--interval", "1m", "--label", "end").splitlines()

    assert said == again
    # The half day's prices were adjusted by who recorded them, and its turnover was not: 27.2 beside 27.95 on average.
    assert said[-1] == "  average_price_outside: 567"
    (path,) = folder.glob("*_20201201_20201211.csv.gz")
    with gzip.open(path, "rt") as rows:
        volume = sum(int(row.split(",")[7]) for row in rows if row.startswith("00700.HK,2020-12-01"))
    days = read_bars(["00700.HK"], "1d", Span(at("2020-12-01"), at("2020-12-02")), sessions=True)["00700.HK"]
    assert [(day.opened_ms, day.volume) for day in days] == [(at("2020-12-01"), volume)]
