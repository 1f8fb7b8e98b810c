"""Proves the folding on real days: ticks and snapshots become exactly the reference minutes of the recorded sets."""

from collections import defaultdict
from pathlib import Path

import pytest

from streaming.domain.bars import WindowFold
from streaming.domain.calendar import Calendar, exchange_day
from streaming.domain.minutes import MinuteBar, MinuteFold
from streaming.domain.windows import seq_of
from streaming.ingest.sources.recorded import Recording, open_recording
from streaming.reference import published_days
from tests.streaming.references import as_minutes, reference_minutes

pytestmark = pytest.mark.data
DAYS = published_days("CN")
CALENDAR = Calendar("CN", DAYS)


def fold(recording: Recording) -> dict[str, list[MinuteBar]]:
    windows, minutes = WindowFold(exchange_day), MinuteFold()

    def close_before(seq: int) -> None:
        while (oldest := windows.oldest_open()) is not None and oldest < seq:
            for bar in windows.close(oldest).bars:
                minutes.add(CALENDAR.minute_of(oldest), bar)

    for tick in recording.ticks():
        close_before(seq_of(tick.at_ms))
        windows.add(tick)
    close_before(2**60)
    assert windows.late == 0
    by_symbol = defaultdict(list)
    for bar in minutes.close_all():
        by_symbol[bar.symbol].append(bar)
    return by_symbol


def recording_of(folder: Path, kind: str) -> Recording:
    recording = open_recording(folder, "CN")
    assert recording is not None
    recording.files = [file for file in recording.files if file.path.name.startswith(kind)]
    return recording


def test_a_tick_day_folds_to_its_reference_minutes_to_the_last_digit(market_data: Path) -> None:
    folder = market_data / "replay-l2-20230201"

    folded = fold(recording_of(folder, "ticks_"))

    assert sorted(folded) == ["000001.SZ", "600000.SH", "600519.SH"]
    for symbol, bars in folded.items():
        assert as_minutes(bars) == reference_minutes(folder / f"ref1min_from_ticks_{symbol}_20230201.csv.gz")
        assert len(bars) == 238  # the call auction leaves 14:57 and 14:58 empty


@pytest.mark.parametrize(
    ("name", "day", "symbols"),
    [
        ("replay-l2-20230201", "20230201", {"000333.SZ", "600519.SH"}),
        ("replay-snap-sz-20220601", "20220601", {"000400.SZ", "300122.SZ", "300274.SZ", "300288.SZ", "300918.SZ"}),
    ],
)
def test_a_snapshot_day_folds_to_its_reference_minutes(
    market_data: Path, name: str, day: str, symbols: set[str]
) -> None:
    folder = market_data / name

    folded = fold(recording_of(folder, "snapshots_"))

    assert set(folded) == symbols
    for symbol, bars in folded.items():
        ours = as_minutes(bars)
        reference = reference_minutes(folder / f"ref1min_from_snapshots_{symbol}_{day}.csv.gz")
        assert ours.keys() == reference.keys()
        for opened_ms, (begins, high, low, last, volume, turnover_e4) in reference.items():
            assert ours[opened_ms][0] == begins
            assert ours[opened_ms][3:] == (last, volume, turnover_e4)
            # The references know the last prices alone; a day high that moved between two snapshots is ours on top.
            assert ours[opened_ms][1] >= high
            assert ours[opened_ms][2] <= low


def test_day_highs_and_lows_between_snapshots_are_found_in_the_ticks_of_the_same_day(market_data: Path) -> None:
    folder = market_data / "replay-l2-20230201"

    from_snapshots = fold(recording_of(folder, "snapshots_"))["600519.SH"]
    ticks = reference_minutes(folder / "ref1min_from_ticks_600519.SH_20230201.csv.gz")

    assert max(bar.high_e4 for bar in from_snapshots) == max(prices[1] for prices in ticks.values())
    assert min(bar.low_e4 for bar in from_snapshots) == min(prices[2] for prices in ticks.values())


def test_ticks_and_snapshots_of_one_symbol_count_its_volume_once(market_data: Path) -> None:
    recording = open_recording(market_data / "replay-l2-20230201", "CN")
    assert recording is not None

    volume = sum(bar.volume for bar in fold(recording)["600519.SH"])

    assert volume == 3_397_389  # the day's cumulative volume in its last snapshot
