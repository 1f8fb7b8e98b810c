"""Proves that recorded files are read whatever their column order, merged in exchange time, and bad rows counted."""

import gzip
from pathlib import Path

import pytest

from streaming.domain.ticks import Snapshot, Trade
from streaming.errors import BadRecording
from streaming.ingest.sources.recorded import open_recording

TICKS = "symbol,date,time,price,qty,amount,side,seq,recv_time"
GROUPED = ("symbol,date,time,status,prev_close,open,high,low,last,num_trades,cum_volume,cum_amount,bid1,bid2,bidv1,"
           "bidv2,ask1,ask2,askv1,askv2")  # fmt: skip
INTERLEAVED = "symbol,date,time,status,prev_close,open,high,low,last,cum_volume,cum_amount,bid1,bidv1,ask1,askv1"


def write(folder: Path, name: str, *lines: str) -> None:
    (folder / name).write_bytes(gzip.compress(("\n".join(lines) + "\n").encode()))


def test_both_orders_of_snapshot_columns_are_read_alike(tmp_path: Path) -> None:
    write(
        tmp_path,
        "snapshots_a.csv.gz",
        GROUPED,
        "000333.SZ,2023-02-01,09:25:00.000,B0,55.2,55.29,55.3,55.28,55.29,7,36700,2029143.0,55.2,55.1,500,400,55.3,55.4,600,700",
    )
    write(tmp_path, "snapshots_b.csv.gz", INTERLEAVED,
          "000400.SZ,2023-02-01,09:25:00,B0,55.2,55.29,55.3,55.28,55.29,36700,2029143.0,55.2,500,55.3,600")  # fmt: skip

    recording = open_recording(tmp_path, "CN")

    assert recording is not None
    first, second = recording.ticks()
    for tick, deeper in ((first, [((551_000, 400),), ((554_000, 700),)]), (second, [(), ()])):
        assert isinstance(tick, Snapshot)
        assert (tick.prev_close_e4, tick.open_e4, tick.high_e4, tick.low_e4) == (552_000, 552_900, 553_000, 552_800)
        assert (tick.cum_volume, tick.cum_turnover_e4) == (36_700, 20_291_430_000)
        assert (tick.bids, tick.asks) == (((552_000, 500), *deeper[0]), ((553_000, 600), *deeper[1]))
    assert first.at_ms == second.at_ms == 1_675_214_700_000


def test_files_are_merged_in_exchange_time_and_one_sorted_by_symbol_too(tmp_path: Path) -> None:
    write(
        tmp_path,
        "ticks_a.csv.gz",
        TICKS,
        "600519.SH,2023-02-01,09:30:01.500,10,100,1000,B,1,09:31:00",
        "600519.SH,2023-02-01,09:30:04,10,100,1000,B,2,",
        "600000.SH,2023-02-01,09:30:00.100,7,100,700,S,1,",
        "600000.SH,2023-02-01,09:30:03.900,7,100,700,,2,",
    )
    write(tmp_path, "ticks_b.csv.gz", TICKS, "000001.SZ,2023-02-01,09:30:02,15,100,1500,N,1,")  # fmt: skip

    recording = open_recording(tmp_path, "CN")

    assert recording is not None
    ticks = list(recording.ticks())
    assert [tick.at_ms - 1_675_215_000_000 for tick in ticks] == [100, 1500, 2000, 3900, 4000]
    assert recording.symbols == ["000001.SZ", "600000.SH", "600519.SH"]
    assert isinstance(ticks[3], Trade)
    assert ticks[3].side == "N"


def test_rows_that_cannot_be_read_are_passed_over_and_counted(tmp_path: Path) -> None:
    write(tmp_path, "ticks_a.csv.gz", TICKS,
          "600519.SH,2023-02-01,09:30:00,10,100,1000,B,1,",
          "600519.SH,2023-02-01,09:30:01,ten,100,1000,B,1,",
          "600519.SH,2023-02-01,noon,10,100,1000,B,1,",
          "600519.SH,2023-02-01",
          "Moutai,2023-02-01,09:30:02,10,100,1000,B,1,",
          "600519.SH,2023-02-01,09:30:03,nan,100,1000,B,1,",
          "600519.SH,2023-02-01,09:30:04,inf,100,1000,B,1,")  # fmt: skip

    recording = open_recording(tmp_path, "CN")

    assert recording is not None
    assert len(list(recording.ticks())) == 1
    assert recording.unreadable == {"row": 5, "symbol": 1}


def test_a_folder_is_read_lane_by_lane(tmp_path: Path) -> None:
    write(tmp_path, "ticks_a.csv.gz", TICKS, "600519.SH,2023-02-01,09:30:00,10,100,1000,B,1,")

    assert open_recording(tmp_path, "CN") is not None
    assert open_recording(tmp_path, "HK") is None


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("notes.txt", b"", "no ticks_"),
        ("ticks_a.csv.gz", b"not gzip", "cannot be read"),
        ("ticks_a.csv.gz", gzip.compress(b"symbol,date\n", mtime=0), "no column time"),
        ("ticks_a.csv.gz", gzip.compress(b"symbol,date,time\n" * 1000, mtime=0)[:-20], "cannot be read"),
    ],
    ids=["another file", "no gzip", "a column is missing", "cut off"],
)
def test_a_folder_that_cannot_be_replayed_says_why(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(BadRecording, match=words):
        open_recording(tmp_path, "CN")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadRecording, match="nowhere"):
        open_recording(tmp_path / "nowhere", "CN")


def test_a_row_says_whether_its_instrument_trades(tmp_path: Path) -> None:
    row = "000400.SZ,2023-02-01,09:3{}:00,{},55.2,0,0,0,0,0,0,0,0,0,0"
    words = ("T0", "H0", "T1", "P111", "x")
    write(tmp_path, "snapshots_a.csv.gz", INTERLEAVED, *(row.format(nth, word) for nth, word in enumerate(words)))

    recording = open_recording(tmp_path, "CN")

    assert recording is not None
    assert [tick.state for tick in recording.ticks()] == ["trading", "halted", "suspended", "suspended", ""]


def test_a_row_beside_trades_still_says_its_state(tmp_path: Path) -> None:
    write(tmp_path, "ticks_a.csv.gz", TICKS, "000400.SZ,2023-02-01,09:30:01,10,100,1000,B,1,")
    write(tmp_path, "snapshots_a.csv.gz", INTERLEAVED, "000400.SZ,2023-02-01,09:31:00,H0,55.2,1,1,1,1,9,9,0,0,0,0")

    recording = open_recording(tmp_path, "CN")

    assert recording is not None
    _, picture = recording.ticks()
    assert (picture.state, picture.cum_volume) == ("halted", 0)


# -- misreadings that were silent --------------------------------------------------------------------------------------

MOUTAI = "600519.SH,2023-02-01,{},10,100,1000,B,{},"


def test_a_later_day_in_the_other_format_is_read(tmp_path: Path) -> None:
    write(tmp_path, "ticks_a.csv.gz", TICKS, MOUTAI.format("09:30:00", 1))
    rows = ["600519.SH,2023-02-01,15:00:00,T0,9,10,10,10,10,500,5000,0,0,0,0",
            "600519.SH,2023-02-02,09:30:03,T0,10,11,11,11,11,700,7700,0,0,0,0"]  # fmt: skip
    write(tmp_path, "snapshots_a.csv.gz", INTERLEAVED, *rows)

    recording = open_recording(tmp_path, "CN")

    assert recording is not None
    trade, closing, next_day = recording.ticks()
    assert isinstance(trade, Trade)
    assert (closing.cum_volume, closing.prev_close_e4) == (0, 90_000), "the ticks have that day"
    assert (next_day.cum_volume, next_day.last_e4) == (700, 110_000)


def test_one_trade_with_one_number_counts_once(tmp_path: Path) -> None:
    rows = [MOUTAI.format("09:30:01", 1)] * 3 + [MOUTAI.format("09:30:02", 2), MOUTAI.format("09:30:02", 3)]
    other_day = "600519.SH,2023-02-02,09:30:01,10,100,1000,B,1,"
    unnumbered = [MOUTAI.format("09:30:03", "")] * 2
    write(tmp_path, "ticks_a.csv.gz", TICKS, *rows, *unnumbered, other_day, "000001.SZ,2023-02-01,09:30:01,9,1,9,B,1,")

    recording = open_recording(tmp_path, "CN")

    assert recording is not None
    assert len(list(recording.ticks())) == 3 + 2 + 1 + 1
    assert recording.unreadable == {"repeated": 2}


def test_another_writing_of_a_symbol_is_no_second_instrument(tmp_path: Path) -> None:
    write(
        tmp_path, "ticks_a.csv.gz", TICKS, MOUTAI.format("09:30:01", 1), "SH600519,2023-02-01,09:30:02,10,1,10,B,2,",
        "600519.ss,2023-02-01,09:30:03,10,1,10,B,3,",
    )  # fmt: skip

    recording = open_recording(tmp_path, "CN")

    assert recording is not None
    assert recording.symbols == ["600519.SH"]
    assert {str(tick.instrument) for tick in recording.ticks()} == {"600519.SH"}


@pytest.mark.parametrize("time", ["09:61:00", "09:30:75", "25:00:00", "9:30:00", "09-30-00", "09:30", "０9:30:00"])
def test_what_is_no_time_of_a_day_is_no_row(tmp_path: Path, time: str) -> None:
    write(tmp_path, "ticks_a.csv.gz", TICKS, MOUTAI.format("09:30:01", 1), MOUTAI.format(time, 2))

    recording = open_recording(tmp_path, "CN")

    assert recording is not None
    assert len(list(recording.ticks())) == 1
    assert recording.unreadable == {"row": 1}


def test_a_file_of_which_nothing_can_be_read_is_named_with_a_row_of_it(tmp_path: Path) -> None:
    write(tmp_path, "ticks_a.csv.gz", TICKS, MOUTAI.format("25:00:00", 1), MOUTAI.format("26:00:00", 2))
    with pytest.raises(
        BadRecording, match=r"ticks_a.csv.gz has 2 rows and none that can be read, like '600519.SH,2023"
    ):
        open_recording(tmp_path, "CN")
    write(tmp_path, "ticks_a.csv.gz", TICKS, "Moutai,2023-02-01,09:30:00,10,100,1000,B,1,")
    with pytest.raises(BadRecording, match="1 rows and none"):
        open_recording(tmp_path, "CN")


def test_what_is_no_recording_is_named_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(tmp_path, "ticks_a.csv.gz", TICKS, MOUTAI.format("09:30:01", 1))
    for name in ("minutes.csv", "b.txt", "notes", "d", "e", "f"):
        (tmp_path / name).write_text("")

    open_recording(tmp_path, "CN")

    assert "b.txt, d, e, f, minutes.csv and 1 more" in caplog.text


def test_a_quantity_that_no_market_has_is_a_row_that_is_judged_later(tmp_path: Path) -> None:
    """It is read as it is: who judges ticks refuses it by name, and the rows after it go on."""
    huge = "600519.SH,2023-02-01,09:30:02,10,18446744073709551616,184467440737095516160,B,2,"
    write(tmp_path, "ticks_a.csv.gz", TICKS, MOUTAI.format("09:30:01", 1), huge, MOUTAI.format("09:31:00", 3))

    recording = open_recording(tmp_path, "CN")

    assert recording is not None
    assert [tick.volume for tick in recording.ticks() if isinstance(tick, Trade)] == [100, 2**64, 100]
