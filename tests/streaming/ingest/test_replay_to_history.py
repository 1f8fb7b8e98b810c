"""Proves the recorded day through the real Redis and the real history: every window once, every minute exact."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from streaming.history.connection import query
from streaming.history.rollup import Span, read_bars
from streaming.ingest.minutes import write_history
from streaming.store.lanes import LaneStore
from tests.streaming.ingest.conftest import Worker, wait_for
from tests.streaming.references import as_minutes, reference_minutes, stored_minutes

pytestmark = [pytest.mark.whole, pytest.mark.data]
CleanLane = Callable[[str], LaneStore]
StartWorker = Callable[[LaneStore], Worker]
A_DAY = 240  # seconds in which a recorded day is certainly played; 4 s where nothing else runs


@pytest.fixture
def replay(settings, market_data: Path) -> Path:
    folder = market_data / "replay-l2-20230201"
    settings.FEED, settings.REPLAY_DATA, settings.REPLAY_SPEED = "replay", str(folder), "max"
    return folder


def finished(store: LaneStore) -> bool:
    epoch = store.epoch()
    last = store.last_window(epoch) if epoch else None
    return last is not None and last.finished


@pytest.mark.usefixtures("history_server")
def test_a_replay_at_full_speed_fills_history_with_the_reference_minutes(
    clean_lane: CleanLane, worker: StartWorker, replay: Path
) -> None:
    store = clean_lane("CN")

    worker(store)
    wait_for(lambda: write_history(store) is not None and finished(store), A_DAY)
    write_history(store)

    for symbol in ("600519.SH", "000001.SZ", "600000.SH"):
        reference = reference_minutes(replay / f"ref1min_from_ticks_{symbol}_20230201.csv.gz")
        bars = stored_minutes(symbol, min(reference), max(reference) + 60_000)
        assert as_minutes(bars) == reference
        assert len(bars) == 238


@pytest.mark.usefixtures("history_server", "replay")
def test_the_day_is_a_row_of_its_own_with_the_exchanges_totals(clean_lane: CleanLane, worker: StartWorker) -> None:
    store = clean_lane("CN")

    worker(store)
    wait_for(lambda: write_history(store) is not None and finished(store), A_DAY)
    write_history(store)

    rows = query("SELECT * EXCEPT version FROM bars_1d FINAL WHERE symbol = '600519.SH' AND source = 'replay'", {})
    assert [tuple(row) for row in rows] == [
        ("600519.SH", date(2023, 2, 1), 18_549_800, 18_590_000, 18_114_000, 18_449_700, 3_397_389,
         62_446_789_246_100, 18_457_600, "replay"),
    ]  # fmt: skip
    (day,) = read_bars(["600519.SH"], "1d", Span(limit=10), sessions=True)["600519.SH"]
    assert day.volume == 3_397_389
    (week,) = read_bars(["600519.SH"], "1w", Span(limit=10), sessions=True)["600519.SH"]
    assert (week.opened_ms, week.volume) == (1_675_008_000_000, 3_397_389)


@pytest.mark.usefixtures("replay")
def test_every_window_of_the_day_is_in_the_stream_once(clean_lane: CleanLane, worker: StartWorker) -> None:
    store = clean_lane("CN")

    worker(store)
    wait_for(lambda: finished(store), A_DAY)

    windows = store.read(store.epoch() or "", 0, 100_000)
    quarter_past_nine, two_past_three = 1_675_214_100_000, 1_675_234_920_000
    seqs = [window.seq for window in windows]
    assert seqs == sorted(set(seqs))
    assert seqs[0] == quarter_past_nine // 1500 + 1
    trading = [seq for seq in seqs if seq * 1500 <= two_past_three]
    assert trading == list(range(seqs[0], two_past_three // 1500 + 1))
    assert [state for state, _ in _runs(windows)] == [
        "opening_auction", "pre_open", "open", "lunch_break", "open", "closing_auction", "closed", "after_hours",
        "closed",
    ]  # fmt: skip
    assert sum(b.volume for w in windows for b in w.bars if b.symbol == "600519.SH") == 3_397_389
    assert dict(windows[0].references)["600519.SH"] == 18_457_600


@pytest.mark.usefixtures("replay")
def test_the_newest_bar_carries_the_day(clean_lane: CleanLane, worker: StartWorker) -> None:
    store = clean_lane("CN")

    worker(store)
    wait_for(lambda: finished(store), A_DAY)

    newest = store.newest()["600519.SH"]
    assert (newest.day, newest.prev_close_e4) == ("2023-02-01", 18_457_600)
    assert (newest.day_open_e4, newest.day_high_e4, newest.day_low_e4) == (18_549_800, 18_590_000, 18_114_000)
    assert (newest.day_volume, newest.close_e4) == (3_397_389, 18_449_700)


@pytest.mark.usefixtures("replay")
def test_a_finished_replay_starts_again_only_when_told_and_in_a_new_epoch(
    clean_lane: CleanLane, worker: StartWorker, settings
) -> None:
    store = clean_lane("CN")
    first = worker(store)
    wait_for(lambda: finished(store), A_DAY)
    first.end()
    epoch = store.epoch()

    store._client.delete("feed-state:{CN}")
    again = worker(store)
    wait_for(lambda: store._client.hget("feed-state:{CN}", "finished") == b"1")
    assert store.epoch() == epoch
    again.end()
    settings.REPLAY_RUN = 1
    worker(store)
    wait_for(lambda: store.epoch() != epoch and finished(store), A_DAY)

    assert store.epochs() == [epoch, store.epoch()]


@pytest.mark.usefixtures("history_server")
def test_hong_kong_idles_under_a_replay_that_has_nothing_for_it(
    clean_lane: CleanLane, worker: StartWorker, replay: Path
) -> None:
    store = clean_lane("HK")

    worker(store)
    wait_for(lambda: b"nothing for this lane" in (store._client.hget("feed-state:{HK}", "problem") or b""))

    assert store.epoch() is None


def _runs(windows: list) -> list[tuple[str, int]]:
    runs: list[tuple[str, int]] = []
    for window in windows:
        if not runs or runs[-1][0] != window.state:
            runs.append((window.state, 0))
        runs[-1] = (window.state, runs[-1][1] + 1)
    return runs


@pytest.mark.usefixtures("history_server")
def test_a_recording_of_days_far_apart_keeps_the_first_day_until_history_has_it(
    clean_lane: CleanLane, worker: StartWorker, market_data: Path, settings
) -> None:
    settings.FEED, settings.REPLAY_SPEED = "replay", "max"
    settings.REPLAY_DATA = str(market_data / "replay-misc")  # a day of 2018 and one of 2023
    store = clean_lane("CN")

    worker(store)
    wait_for(lambda: finished(store), A_DAY)
    write_history(store)  # only now: history may be behind by a whole recording

    morning, evening = 1_535_904_000_000, 1_535_990_400_000
    assert len(stored_minutes("000001.SZ", morning, evening)) == 238
