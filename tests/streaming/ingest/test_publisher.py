"""Proves what a window becomes in Redis: movers as the wire has them, and each one's newest bar and day."""

import json
from typing import Any

import pytest

from streaming.domain.bars import Bar, ClosedWindow
from streaming.domain.windows import seq_of
from streaming.ingest.market import MarketWindow
from streaming.ingest.publisher import Publisher
from streaming.records.newest import Newest
from streaming.records.window import MovedBar, end_ms
from tests.streaming.ingest.scripted import Kept

NINE_THIRTY = 1_675_215_000_000  # 2023-02-01 in Shanghai
FIRST = seq_of(NINE_THIRTY)
NEXT_DAY = FIRST + 57_600


def publisher(store: Any, newest: dict[str, Newest] | None = None, *, recorded: bool = True) -> Publisher:
    return Publisher(
        store=store, fence=3, epoch="e", feed="replay", recorded=recorded, speed=600.0, choice={"feed": "replay"}, newest=newest or {},
        keep_hours=72,
    )  # fmt: skip


def window(seq: int, *bars: Bar, references: list[tuple[str, int]] | None = None) -> MarketWindow:
    return MarketWindow(ClosedWindow(seq, list(bars), references or []), "open", NINE_THIRTY + 7_200_000)


def bar(price: int, volume: int) -> Bar:
    return Bar("600519.SH", price, price + 5, price - 5, price + 1, volume, price * volume)


def newest_after(*windows: MarketWindow) -> Newest:
    store = Kept()
    publisher(store).publish(windows)
    return store.commits[-1].newest["600519.SH"]


def test_a_window_is_packed_with_feed_state_and_fence() -> None:
    store = Kept()

    publisher(store).publish([window(FIRST, bar(100, 10), references=[("600519.SH", 90)])])

    packed = store.commits[0].window
    assert (packed.seq, packed.state, packed.until_ms) == (FIRST, "open", NINE_THIRTY + 7_200_000)
    assert (packed.feed, packed.fence, packed.speed, packed.finished) == ("replay", 3, 600.0, False)
    assert packed.bars == [MovedBar("600519.SH", 100, 105, 95, 101, 10, 1000)]
    assert packed.references == [("600519.SH", 90)]


def test_the_checkpoint_has_the_window_the_choice_and_a_position_for_each_line() -> None:
    store = Kept()
    last = MarketWindow(ClosedWindow(FIRST, [], []), "closed", None, True, {"push": "7-0", "other": "x"})

    publisher(store).publish([last])

    assert json.loads(store.commits[0].checkpoint) == {
        "v": 1, "choice": {"feed": "replay"}, "seq": FIRST, "finished": True, "positions": {"push": "7-0", "other": "x"}, "leader": "", "since_ms": 0, "store": "",
    }  # fmt: skip


def test_the_first_window_of_ten_minutes_names_every_price_from_before_its_own_bars() -> None:
    store = Kept()
    opening = FIRST - FIRST % 400 + 400

    publisher(store).publish(
        [
            window(opening - 2, bar(100, 10), references=[("000001.SZ", 50)]),
            window(opening - 1),
            window(opening + 1, bar(200, 10)),
            window(opening + 2),
        ]
    )

    packed = [commit.window for commit in store.commits]
    assert [one.keyframe for one in packed] == [True, False, True, False]
    assert sorted(packed[2].references) == [("000001.SZ", 50), ("600519.SH", 101)]
    assert packed[3].references == []


def test_a_reference_after_the_first_trade_does_not_take_the_price_back() -> None:
    store = Kept()

    publisher(store).publish([window(FIRST, bar(100, 10)), window(FIRST + 1, references=[("600519.SH", 90)])])

    assert store.commits[1].window.references == [("600519.SH", 101)]


def test_a_new_epoch_is_told_the_bars_that_are_known() -> None:
    first = newest_after(window(FIRST, bar(100, 10)))
    store = Kept()

    publisher(store, {"600519.SH": first}).publish([window(FIRST + 1), window(FIRST + 2)])

    assert store.commits[0].newest == {"600519.SH": first}
    assert store.commits[1].newest == {}


def test_a_day_adds_up_over_its_bars() -> None:
    newest = newest_after(
        window(FIRST, bar(100, 10), references=[("600519.SH", 90)]), window(FIRST + 1, bar(200, 20)),
        window(FIRST + 2, bar(50, 30)),
    )  # fmt: skip

    assert (newest.seq, newest.close_e4, newest.volume) == (FIRST + 2, 51, 30)
    assert (newest.day, newest.prev_close_e4) == ("2023-02-01", 90)
    assert (newest.day_open_e4, newest.day_high_e4, newest.day_low_e4) == (100, 205, 45)
    assert (newest.day_volume, newest.day_turnover_e4) == (60, 1000 + 4000 + 1500)


def test_before_the_first_trade_an_instrument_stands_at_its_previous_close() -> None:
    newest = newest_after(window(FIRST, references=[("600519.SH", 90)]))

    assert (newest.seq, newest.close_e4, newest.prev_close_e4) == (0, 90, 90)
    assert (newest.day_open_e4, newest.day_volume) == (0, 0)


def test_a_new_day_begins_at_zero_with_the_last_close_behind_it() -> None:
    newest = newest_after(window(FIRST, bar(100, 10)), window(NEXT_DAY, bar(200, 20)))

    assert (newest.day, newest.prev_close_e4) == ("2023-02-02", 101)
    assert (newest.day_open_e4, newest.day_high_e4, newest.day_low_e4, newest.day_volume) == (200, 205, 195, 20)


def test_an_ex_rights_previous_close_replaces_the_last_price_of_the_day_before() -> None:
    newest = newest_after(window(FIRST, bar(100, 10)), window(NEXT_DAY, references=[("600519.SH", 70)]))

    assert (newest.prev_close_e4, newest.close_e4, newest.day_volume) == (70, 70, 0)


def test_a_successor_goes_on_with_the_day_it_finds() -> None:
    first = newest_after(window(FIRST, bar(100, 10)))
    store = Kept()

    publisher(store, {"600519.SH": first}).publish([window(FIRST + 1, bar(200, 20))])

    assert store.commits[0].newest["600519.SH"].day_volume == 30
    assert store.commits[0].newest["600519.SH"].day_open_e4 == 100


HOUR = 3_600_000
THOUSANDTH = end_ms(FIRST + 999)


@pytest.mark.parametrize(
    ("recorded", "written", "from_ms"),
    [
        (True, None, 0),
        (True, ("another", THOUSANDTH), 0),
        (True, ("e", THOUSANDTH - 100 * HOUR), THOUSANDTH - 100 * HOUR),
        (True, ("e", THOUSANDTH), THOUSANDTH - 72 * HOUR),
        # History that stays away must not fill the store of a market that never ends.
        (False, None, THOUSANDTH - 72 * HOUR),
        (False, ("e", THOUSANDTH - 100 * HOUR), THOUSANDTH - 72 * HOUR),
    ],
)
def test_a_recording_waits_for_history_and_a_running_market_does_not(
    recorded: bool, written: tuple[str, int] | None, from_ms: int
) -> None:
    store = Kept(written)

    publisher(store, recorded=recorded).publish([window(FIRST + nth) for nth in range(1000)])

    assert store.trimmed_before == [from_ms]


def stated(seq: int, *states: tuple[str, str], references=()) -> MarketWindow:
    return MarketWindow(ClosedWindow(seq, [], list(references), states=list(states)), "open", NINE_THIRTY + 7_200_000)


def test_a_change_of_state_stands_in_its_window_and_in_the_newest_values() -> None:
    store = Kept()
    opening = FIRST - FIRST % 400 + 400

    publisher(store).publish(
        [
            stated(opening - 3, ("600519.SH", "halted"), references=[("600519.SH", 90)]),
            window(opening - 2),
            stated(opening + 1, ("000001.SZ", "suspended")),
            stated(opening + 2, ("600519.SH", "trading")),
        ]
    )

    packed = [commit.window.states for commit in store.commits]
    assert packed[:2] == [[("600519.SH", "halted")], []]
    assert sorted(packed[2]) == [("000001.SZ", "suspended"), ("600519.SH", "halted")]  # a keyframe names all of them
    assert packed[3] == [("600519.SH", "trading")]
    assert store.commits[0].newest["600519.SH"].state == "halted"
    assert store.commits[3].newest["600519.SH"].state == "trading"
