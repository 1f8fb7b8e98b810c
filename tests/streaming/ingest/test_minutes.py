"""Proves that the stream becomes minutes once: open minutes wait, repeats change nothing, an outage loses nothing."""

from collections.abc import Callable, Sequence

import pytest

from kernel import keyspace
from streaming.errors import HistoryUnavailable
from streaming.history.rollup import Span, read_bars
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

    def __init__(self, store: LaneStore, symbol: str, feed: str = "replay", chain: str = "") -> None:
        self.store, self.symbol, self.feed, self.chain = store, symbol, feed, chain
        self.fence = store.take_lease("writer") or 0
        self.epoch = ""

    def begin(self, epoch: str) -> None:
        self.epoch = epoch
        self.store.begin_epoch(self.fence, epoch)

    def write(
        self,
        seqs: range,
        volume: int = 10,
        *,
        state: str = "open",
        finished: bool = False,
        corrections: Sequence = (),
        late_prices: Sequence = (),
    ) -> None:
        bar = MovedBar(self.symbol, 100, 120, 90, 110, volume, volume * 100)
        windows = [
            Window(
                seq,
                state,
                None,
                self.feed,
                self.fence,
                [bar] if volume else [],
                finished=finished,
                chain=self.chain,
                corrections=list(corrections),
                late_prices=list(late_prices),
            )
            for seq in seqs
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


def test_the_close_writes_the_last_minute_prints_after_it_join_it_and_after_hours_makes_none(
    clean_lane: CleanLane,
) -> None:
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

    assert writer.minutes() == [(329, 97)]


def test_a_closing_print_of_hong_kong_after_ten_past_four_is_in_the_last_minute_and_nothing_is_lost(
    clean_lane: CleanLane,
) -> None:
    writer = Writer(clean_lane("HK"), "00700.HK")
    four = NINE_THIRTY + 390 * MINUTE
    writer.begin("1-1")
    writer.write(range(seq_of(four - MINUTE), seq_of(four - MINUTE) + 2))
    writer.write(range(seq_of(four + 12 * MINUTE), seq_of(four + 12 * MINUTE) + 1), volume=0, state="closed")
    assert write_history(writer.store) == 1

    print_ = seq_of(four + 12 * MINUTE) + 1
    writer.write(range(print_, print_ + 1), volume=900_000, state="closed")

    assert write_history(writer.store) == 1
    assert writer.minutes() == [(389, 900_020)]
    writer.store.set_history_position("1-1", 0)
    write_history(writer.store)
    assert writer.minutes() == [(389, 900_020)]


def test_the_minute_before_lunch_is_written_at_lunch(clean_lane: CleanLane) -> None:
    writer = Writer(clean_lane("CN"), "600811.SH")
    half_past = NINE_THIRTY + 120 * MINUTE
    writer.begin("1-1")
    writer.write(range(seq_of(half_past - MINUTE), seq_of(half_past)))
    writer.write(range(seq_of(half_past), seq_of(half_past) + 60), volume=0, state="lunch_break")

    assert write_history(writer.store) == 1
    assert writer.minutes() == [(119, 400)]

    late = seq_of(half_past) + 60
    writer.write(range(late, late + 1), volume=7, state="lunch_break")
    write_history(writer.store)
    assert writer.minutes() == [(119, 407)]


def test_a_minute_that_two_epochs_of_a_chain_have_between_them_is_the_sum(clean_lane: CleanLane) -> None:
    """A second of Redis was lost; the second half of the minute replaced the whole of it."""
    writer = Writer(clean_lane("CN"), "600812.SH", chain="live push")
    writer.begin("a-1")
    writer.write(range(FIRST, FIRST + 20))
    assert write_history(writer.store) == 0
    writer.begin("b-1")
    writer.write(range(FIRST + 22, FIRST + 45))

    assert write_history(writer.store) == 1
    assert writer.minutes() == [(0, 380)]
    writer.store.set_history_position("a-1", 0)
    write_history(writer.store)
    assert writer.minutes() == [(0, 380)]


def test_five_cuts_in_one_minute_lose_nothing_however_often_history_looks(clean_lane: CleanLane) -> None:
    writer = Writer(clean_lane("CN"), "600813.SH", chain="live push")
    for cut in range(6):
        writer.begin(f"{10 + cut:x}-1")
        writer.write(range(FIRST + 6 * cut, FIRST + 6 * cut + 6))
        write_history(writer.store)
    writer.write(range(FIRST + 36, FIRST + 41))
    write_history(writer.store)

    assert writer.minutes() == [(0, 400)]


def test_what_was_counted_too_much_is_taken_out_of_its_minute(clean_lane: CleanLane) -> None:
    writer = Writer(clean_lane("CN"), "600814.SH", chain="live push")
    writer.begin("1-1")
    writer.write(range(FIRST, FIRST + 4))
    writer.write(range(FIRST + 4, FIRST + 5), volume=5_000_000)
    writer.write(range(FIRST + 5, FIRST + 45))
    write_history(writer.store)
    assert writer.minutes() == [(0, 5_000_390)]

    writer.write(range(FIRST + 45, FIRST + 46), corrections=[(writer.symbol, FIRST + 4, -4_999_990, -499_999_000)])

    assert write_history(writer.store) == 1
    assert writer.minutes() == [(0, 400)]
    writer.store.set_history_position("1-1", 0)
    write_history(writer.store)
    assert writer.minutes() == [(0, 400)]


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
    [bar] = read_bars([writer.symbol], "1m", Span(), sessions=False)[writer.symbol]
    assert ((bar.opened_ms - NINE_THIRTY) // MINUTE, bar.volume) == (4 * 1440 - 300, 400)


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


def test_made_up_minutes_stand_in_a_table_of_their_own(clean_lane: CleanLane) -> None:
    """Simulated and real minutes stood under one symbol and day, and nothing told them apart."""
    simulated = Writer(clean_lane("CN"), "600815.SH", feed="simulated", chain="live simulated")
    simulated.begin("1-1")
    simulated.write(range(FIRST, FIRST + 41))
    write_history(simulated.store)
    assert simulated.minutes() == []
    assert [bar.volume for bar in read_bars(["600815.SH"], "1m", Span(), sessions=False)["600815.SH"]] == [400]

    real = Writer(simulated.store, "600815.SH", feed="push", chain="live push")
    real.fence = simulated.fence
    real.begin("2-1")
    real.write(range(FIRST + 10, FIRST + 51))
    write_history(real.store)

    assert real.minutes() == [(0, 300)]
    assert [bar.volume for bar in read_bars(["600815.SH"], "1m", Span(), sessions=False)["600815.SH"]] == [400, 10]


def stored_prices(writer: Writer) -> list[tuple[int, int, int, int]]:
    return [(bar.open_e4, bar.high_e4, bar.low_e4, bar.close_e4) for bar in stored_minutes(writer.symbol)]


@pytest.mark.parametrize("read_between", [False, True])
def test_a_price_that_came_after_its_window_is_in_its_minute(clean_lane: CleanLane, read_between: bool) -> None:
    """Also where that minute is in history already; whatever of it comes in which call, it is written once right."""
    writer = Writer(clean_lane("CN"), f"60082{int(read_between)}.SH")
    writer.begin("1-1")
    writer.write(range(FIRST, FIRST + 38))
    writer.write(range(FIRST + 38, FIRST + 39), late_prices=[(writer.symbol, FIRST + 3, 150, 95, 97)])
    if read_between:
        assert write_history(writer.store) == 0, "the minute is open"
    writer.write(range(FIRST + 39, FIRST + 41))
    if read_between:
        assert write_history(writer.store) == 1
        assert stored_prices(writer) == [(100, 150, 90, 110)]
    writer.write(range(FIRST + 41, FIRST + 42), late_prices=[(writer.symbol, FIRST + 39, 120, 70, 115)])
    write_history(writer.store)
    assert stored_prices(writer) == [(100, 150, 70, 110)]
    writer.write(range(FIRST + 42, FIRST + 43), late_prices=[("600999.SH", FIRST + 39, 120, 70, 115)])
    write_history(writer.store)
    assert writer.minutes() == [(0, 400)]


def test_a_correction_of_the_open_minute_writes_nothing_early(clean_lane: CleanLane) -> None:
    writer = Writer(clean_lane("CN"), "600823.SH")
    writer.begin("1-1")
    writer.write(range(FIRST, FIRST + 20))
    writer.write(range(FIRST + 20, FIRST + 21), corrections=[(writer.symbol, FIRST + 3, -5, -500)])
    assert write_history(writer.store) == 0
    writer.write(range(FIRST + 21, FIRST + 41))
    assert write_history(writer.store) == 1
    assert writer.minutes() == [(0, 395)]
