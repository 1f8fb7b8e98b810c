"""Proves that the stream becomes minutes once: open minutes wait, repeats change nothing, an outage loses nothing."""

from collections.abc import Callable

import pytest

from kernel import keyspace
from streaming.errors import HistoryUnavailable
from streaming.ingest.minutes import write_history
from streaming.records.window import MovedBar, Window, seq_of
from streaming.store.lanes import Commit, LaneStore
from tests.streaming.references import stored_minutes

pytestmark = [pytest.mark.whole, pytest.mark.usefixtures("history_server")]
CleanLane = Callable[[str], LaneStore]
NINE_THIRTY = 1_675_215_000_000  # 2023-02-01 in Shanghai
FIRST = seq_of(NINE_THIRTY)
MINUTE = 60_000


class Writer:
    """Writes windows of one instrument as the publisher does."""

    def __init__(self, store: LaneStore, symbol: str, feed: str = "replay") -> None:
        self.store, self.symbol, self.feed = store, symbol, feed
        self.fence = store.take_lease("writer") or 0
        self.epoch = ""

    def begin(self, epoch: str) -> None:
        self.epoch = epoch
        self.store.begin_epoch(self.fence, epoch)

    def write(self, seqs: range, volume: int = 10, *, state: str = "open", finished: bool = False) -> None:
        bar = MovedBar(self.symbol, 100, 120, 90, 110, volume, volume * 100)
        windows = [
            Window(seq, state, None, self.feed, self.fence, [bar] if volume else [], finished=finished) for seq in seqs
        ]
        self.store.commit(self.fence, self.epoch, [Commit(window, {}, "{}") for window in windows])

    def minutes(self) -> list[tuple[int, int]]:
        bars = stored_minutes(self.symbol)
        # Others write made-up minutes of today under the same symbols.
        mine = [bar for bar in bars if bar.opened_ms < NINE_THIRTY + 30 * 1440 * MINUTE]
        return [((bar.opened_ms - NINE_THIRTY) // MINUTE, bar.volume) for bar in mine]


def test_a_minute_is_written_when_the_next_one_has_begun(clean_lane: CleanLane) -> None:
    writer = Writer(clean_lane("CN"), "600801.SH")
    writer.begin("1-1")
    writer.write(range(FIRST, FIRST + 40))

    assert write_history(writer.store) == 0
    writer.write(range(FIRST + 40, FIRST + 50))
    assert write_history(writer.store) == 1
    assert writer.minutes() == [(0, 400)]
    assert write_history(writer.store) == 0
    writer.write(range(FIRST + 50, FIRST + 81))
    assert write_history(writer.store) == 1
    assert writer.minutes() == [(0, 400), (1, 400)]


def test_a_lost_position_writes_everything_again_and_changes_nothing(clean_lane: CleanLane) -> None:
    writer = Writer(clean_lane("CN"), "600802.SH")
    writer.begin("1-1")
    writer.write(range(FIRST, FIRST + 121))
    write_history(writer.store)
    before = writer.minutes()

    writer.store.set_history_position("1-1", 0)

    assert write_history(writer.store) == 3
    assert writer.minutes() == before == [(0, 400), (1, 400), (2, 400)]


def test_an_outage_of_history_is_made_up_for(clean_lane: CleanLane, settings, history_server: str) -> None:
    writer = Writer(clean_lane("CN"), "600803.SH")
    writer.begin("1-1")
    writer.write(range(FIRST, FIRST + 121))
    settings.CLICKHOUSE_URL = "http://127.0.0.1:9/default"
    with pytest.raises(HistoryUnavailable):
        write_history(writer.store)

    settings.CLICKHOUSE_URL = history_server

    assert write_history(writer.store) == 3
    assert writer.minutes() == [(0, 400), (1, 400), (2, 400)]


def test_the_close_writes_the_last_minute_and_later_volume_makes_none(clean_lane: CleanLane) -> None:
    writer = Writer(clean_lane("CN"), "600804.SH")
    three = NINE_THIRTY + 330 * MINUTE
    writer.begin("1-1")
    writer.write(range(seq_of(three), seq_of(three) + 2), state="closing_auction")
    assert write_history(writer.store) == 0

    closing = seq_of(three + 2 * MINUTE)
    writer.write(range(closing, closing + 1), volume=0, state="closed")
    assert write_history(writer.store) == 1
    writer.write(range(closing + 1, closing + 2), volume=77, state="closed")
    after_hours = seq_of(three + 6 * MINUTE)
    writer.write(range(after_hours, after_hours + 1), volume=50, state="after_hours")
    write_history(writer.store)

    assert writer.minutes() == [(329, 20)]


def test_a_leap_to_another_day_closes_the_minute_that_was_open(clean_lane: CleanLane) -> None:
    writer = Writer(clean_lane("CN"), "600809.SH")
    days = 7 * 57_600
    writer.begin("1-1")
    writer.write(range(FIRST, FIRST + 43))
    assert write_history(writer.store) == 1

    writer.write(range(FIRST + days, FIRST + days + 41))
    assert write_history(writer.store) == 2
    written_to = (writer.store.history_position() or ("", 0))[1]
    writer.store.trim(writer.fence, writer.epoch, written_to)  # all that a recording may lose
    writer.write(range(FIRST + days + 41, FIRST + days + 81))
    write_history(writer.store)

    assert writer.minutes() == [(0, 400), (1, 30), (7 * 1440, 400), (7 * 1440 + 1, 400)]


def test_a_finished_feed_has_closed_all(clean_lane: CleanLane) -> None:
    writer = Writer(clean_lane("CN"), "600805.SH")
    writer.begin("1-1")
    writer.write(range(FIRST, FIRST + 3))

    writer.write(range(FIRST + 3, FIRST + 4), volume=0, state="closed", finished=True)

    assert write_history(writer.store) == 1
    assert writer.minutes() == [(0, 30)]


def test_an_epoch_that_was_left_is_finished_first_and_a_replay_of_the_day_replaces_it(clean_lane: CleanLane) -> None:
    writer = Writer(clean_lane("CN"), "600806.SH")
    writer.begin("a-1")
    writer.write(range(FIRST, FIRST + 50))
    writer.begin("b-1")
    writer.write(range(FIRST, FIRST + 41), volume=20)

    write_history(writer.store)

    assert writer.minutes() == [(0, 800), (1, 100)]
    assert (writer.store.history_position() or ("", 0))[0] == "b-1"


def test_only_one_writes_at_a_time(clean_lane: CleanLane) -> None:
    writer = Writer(clean_lane("CN"), "600807.SH")
    writer.begin("1-1")
    writer.write(range(FIRST, FIRST + 41))

    with writer.store.history_turn("somebody", 5000) as mine:
        assert mine
        assert write_history(writer.store) == 0
    assert write_history(writer.store) == 1


def test_the_simulated_market_has_minutes_on_a_sunday_night(clean_lane: CleanLane) -> None:
    writer = Writer(clean_lane("CN"), "600808.SH", feed="simulated")
    sunday = FIRST + 4 * 57_600 - 5 * 2_400  # 04:30
    writer.begin("1-1")
    writer.write(range(sunday, sunday + 41))

    assert write_history(writer.store) == 1
    assert writer.minutes() == [(4 * 1440 - 300, 400)]


def test_windows_of_another_release_leave_a_hole_and_stop_nothing(
    clean_lane: CleanLane, caplog: pytest.LogCaptureFixture
) -> None:
    writer = Writer(clean_lane("CN"), "600810.SH")
    writer.begin("1-1")
    writer.write(range(FIRST, FIRST + 10))
    for seq in range(FIRST + 10, FIRST + 20):
        stream = keyspace.stream("CN", "1-1")
        writer.store._client.xadd(stream, {"w": b"\x7flater"}, id=f"{seq * 1500}-0")
    writer.write(range(FIRST + 20, FIRST + 41))

    assert write_history(writer.store) == 1
    assert write_history(writer.store) == 0
    assert writer.minutes() == [(0, 300)]
    complaints = [record.getMessage() for record in caplog.records if "version 127" in record.getMessage()]
    assert complaints == ["windows of lane CN: Window of version 127, which this release does not read; passed over"]
