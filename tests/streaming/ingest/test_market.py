"""Proves the one fold of all sources: the same bars from either clock, restarts, lateness, the day's turn, the close."""

from dataclasses import replace
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace as replace_struct

from kernel.instruments import InstrumentId
from kernel.trading_days import TradingDay
from streaming.domain.calendar import AlwaysOpen, exchange_day
from streaming.domain.ticks import Levels, PreviousClose, Trade
from streaming.domain.windows import end_ms, seq_of, start_ms
from streaming.ingest.sources import Reading
from streaming.records.newest import Running
from tests.streaming.ingest.scripted import (
    DAY_MS,
    MOUTAI,
    NINE_THIRTY,
    Scripted,
    bars_of,
    calendar,
    live,
    newest_after,
    recorded,
    snapshot,
    trade,
)

FIRST = seq_of(NINE_THIRTY)


def told_in(windows) -> list:
    """Return the trades and pictures that came with windows."""
    told = [window.told for window in windows if window.told is not None]
    return [one for each in told for news, _ in each.runs for one in news if isinstance(one, Trade | Levels)]


BANK = InstrumentId.parse("000001.SZ")
MIDNIGHT = NINE_THIRTY - 9 * 3_600_000 - 30 * 60_000 + DAY_MS

trades = st.lists(
    st.builds(
        Trade,
        st.sampled_from([MOUTAI, BANK]),
        st.integers(NINE_THIRTY, NINE_THIRTY + 20_000),
        st.integers(1, 1000),
        st.integers(1, 100),
        st.integers(0, 10_000),
        st.sampled_from("BSN"),
    ),
    min_size=1,
    max_size=30,
).map(lambda ticks: sorted(ticks, key=lambda tick: tick.at_ms))


# -- one fold, two clocks ------------------------------------------------------------------------------------------


@given(trades)
def test_the_same_trades_make_the_same_bars_live_and_recorded(ticks: list[Trade]) -> None:
    market = live(Scripted([Reading([tick], received_ms=tick.at_ms) for tick in ticks]), now_ms=NINE_THIRTY)

    windows = [window for now_ms in range(NINE_THIRTY, NINE_THIRTY + 25_000, 50) for window in market.due(now_ms)]

    played = list(recorded(ticks).due(0))
    assert bars_of(windows) == bars_of(played)
    assert told_in(windows) == told_in(played) == ticks


def test_a_window_of_the_wall_clock_closes_a_delay_after_its_end_and_not_before() -> None:
    market = live(Scripted([Reading([trade(NINE_THIRTY)], received_ms=NINE_THIRTY + 1900)]), now_ms=NINE_THIRTY + 500)

    assert list(market.due(end_ms(FIRST) + 499)) == []
    (window,) = market.due(end_ms(FIRST) + 500)

    assert (window.closed.seq, window.closed.bars[0].volume, window.state) == (FIRST, 10, "open")


def test_every_window_of_the_wall_clock_is_told_once_also_an_empty_one() -> None:
    market = live(Scripted(), now_ms=NINE_THIRTY + 500)

    windows = [
        window.closed.seq for now_ms in range(NINE_THIRTY, NINE_THIRTY + 6_600, 70) for window in market.due(now_ms)
    ]

    assert windows == [FIRST, FIRST + 1, FIRST + 2, FIRST + 3]


def test_a_recording_ends_with_a_window_that_says_so_and_says_no_more() -> None:
    market = recorded([trade(NINE_THIRTY)])

    *_, before, last = market.due(0)

    assert (before.closed.seq, before.finished) == (FIRST, False)
    assert (last.closed.seq, last.state, last.until_ms, last.finished) == (FIRST + 1, "closed", None, True)
    assert market.finished
    assert list(market.due(10**9)) == []


def test_whoever_asks_may_stop_in_between_and_ask_again() -> None:
    ticks = [trade(NINE_THIRTY + nth * 700) for nth in range(20)]
    market, whole = recorded(ticks), list(recorded(ticks).due(0))

    windows = []
    while page := list(islice(market.due(0), 3)):
        windows += page

    assert windows == whole


# -- what is known before ------------------------------------------------------------------------------------------


def test_volume_from_before_a_new_stream_began_to_listen_is_no_bar_of_its() -> None:
    told = [(snapshot(NINE_THIRTY + 100, 100, 5000), 100), (snapshot(NINE_THIRTY + 1600, 101, 5300), 1600)]
    market = live(
        Scripted([Reading([tick], received_ms=NINE_THIRTY + at_ms) for tick, at_ms in told]), now_ms=NINE_THIRTY + 500
    )

    windows = list(market.due(NINE_THIRTY + 3500))

    assert [bar.volume for bars in bars_of(windows).values() for bar in bars] == [0, 300]


def test_a_restart_in_the_middle_of_a_window_loses_and_doubles_nothing() -> None:
    readings = [
        Reading(
            [snapshot(NINE_THIRTY + nth * 400, 100 + nth, 5000 + 10 * nth)],
            received_ms=NINE_THIRTY + nth * 400,
            position=str(nth),
        )
        for nth in range(20)
    ]
    begins, stops, ends = NINE_THIRTY + 500, NINE_THIRTY + 4_900, NINE_THIRTY + 12_000
    whole = list(live(Scripted(readings), now_ms=begins).due(ends))

    first = live(Scripted(readings), now_ms=begins)
    before = [window for now_ms in range(begins, stops, 50) for window in first.due(now_ms)]
    last = before[-1]
    rest = Scripted(readings[int(last.positions["scripted"]) + 1 :])
    successor = live(rest, now_ms=stops + 800, newest=newest_after(before), resume_after=last.closed.seq)
    after = list(successor.due(ends))

    assert [window.closed.seq for window in (*before, *after)] == [window.closed.seq for window in whole]
    assert bars_of([*before, *after]) == bars_of(whole)
    assert sum(bar.volume for bars in bars_of(whole).values() for bar in bars) == 190  # 19 times 10


def test_what_was_traded_during_a_longer_pause_counts_with_the_next_tick() -> None:
    began = [Reading([snapshot(NINE_THIRTY, 100, 5000)], received_ms=NINE_THIRTY)]
    before = list(live(Scripted(began), now_ms=NINE_THIRTY + 500).due(NINE_THIRTY + 2_000))
    later = NINE_THIRTY + 120_000

    went_on = live(
        Scripted([Reading([snapshot(later, 103, 5700)], received_ms=later)]),
        now_ms=later,
        newest=newest_after(before),
        resume_after=before[-1].closed.seq,
    )

    windows = list(went_on.due(later + 2_000))
    assert [(bar.volume, bar.close_e4) for bars in bars_of(windows).values() for bar in bars] == [(700, 103)]
    assert windows[0].closed.seq == before[-1].closed.seq + 1


def test_a_recording_that_goes_on_folds_again_what_was_written_and_tells_the_rest() -> None:
    ticks = [snapshot(NINE_THIRTY + nth * 400, 100 + nth, 10 * nth) for nth in range(1, 20)]
    whole = list(recorded(ticks).due(0))

    rest = list(recorded(ticks, resume_after=FIRST + 1).due(0))

    assert rest == [window for window in whole if window.closed.seq > FIRST + 1]


def test_a_recording_that_was_told_to_its_end_has_nothing_more_to_say() -> None:
    last = list(recorded([trade(NINE_THIRTY)]).due(0))[-1].closed.seq

    assert list(recorded([trade(NINE_THIRTY)], resume_after=last).due(0)) == []


# -- lateness ------------------------------------------------------------------------------------------------------


def test_a_late_trade_adds_its_volume_to_the_oldest_open_window_and_never_its_price() -> None:
    late = trade(NINE_THIRTY + 1_400, price_e4=999, volume=7)
    source = Scripted(
        [
            Reading([trade(NINE_THIRTY + 100)], received_ms=NINE_THIRTY + 100),
            Reading([late, trade(NINE_THIRTY + 1_600)], received_ms=NINE_THIRTY + 2_100),
        ]
    )
    market = live(source, now_ms=NINE_THIRTY + 500)

    windows = [window for now_ms in range(NINE_THIRTY, NINE_THIRTY + 4_000, 50) for window in market.due(now_ms)]

    first, second = bars_of(windows).values()
    assert [(bar.volume, bar.close_e4) for bar in first] == [(10, 100)]
    assert [(bar.volume, bar.high_e4, bar.close_e4) for bar in second] == [(17, 100, 100)]
    assert market.counters()["late"] == 1


# -- the day's turn ------------------------------------------------------------------------------------------------


def test_when_the_day_turns_last_prices_become_previous_closes() -> None:
    begins = MIDNIGHT - 60_000
    source = Scripted(
        [
            Reading(previous_closes=[PreviousClose(MOUTAI, 90), PreviousClose(BANK, 50)], received_ms=begins),
            Reading([trade(begins + 100, price_e4=123)], received_ms=begins + 100),
        ]
    )

    windows = list(live(source, now_ms=begins + 500).due(MIDNIGHT + 5_000))

    told = {start_ms(window.closed.seq) - MIDNIGHT: dict(window.closed.references) for window in windows}
    assert told.pop(-60_000) == {"600519.SH": 90, "000001.SZ": 50}
    assert told.pop(0) == {"600519.SH": 123, "000001.SZ": 50}
    assert set(map(len, told.values())) == {0}


def test_a_recording_tells_the_previous_closes_that_it_has_and_none_are_made_up() -> None:
    ticks = [trade(NINE_THIRTY, price_e4=123), trade(NINE_THIRTY + DAY_MS), snapshot(NINE_THIRTY + DAY_MS, 100, 50)]

    references = [pair for window in recorded(ticks).due(0) for pair in window.closed.references]

    assert references == [("600519.SH", 90)]


def test_a_previous_close_that_is_told_later_does_not_take_the_last_price_back() -> None:
    begins = MIDNIGHT - 60_000
    source = Scripted(
        [
            Reading([trade(begins + 100, price_e4=123)], received_ms=begins + 100),
            Reading(previous_closes=[PreviousClose(MOUTAI, 90)], received_ms=begins + 3_000),
        ]
    )
    market = live(source, now_ms=begins + 500)

    windows = [window for now_ms in range(begins, MIDNIGHT + 5_000, 500) for window in market.due(now_ms)]

    assert [dict(window.closed.references) for window in windows if window.closed.references] == [
        {"600519.SH": 90},
        {"600519.SH": 123},
    ]


# -- sessions ------------------------------------------------------------------------------------------------------

SUNDAY = NINE_THIRTY + 4 * DAY_MS


def test_a_closed_market_says_so_once_and_then_only_what_moves() -> None:
    source = Scripted([Reading([trade(SUNDAY + 3_100)], received_ms=SUNDAY + 3_100)])

    windows = list(live(source, now_ms=SUNDAY + 500, sessions=calendar).due(SUNDAY + 30_000))

    assert [((w.closed.seq - seq_of(SUNDAY)), w.state, len(w.closed.bars)) for w in windows] == [
        (0, "closed", 0),
        (2, "closed", 1),
    ]


def test_a_live_market_shows_orders_while_it_is_closed_and_a_recording_does_not() -> None:
    levels = Levels(MOUTAI, SUNDAY + 3_100, ((99, 5),), ())
    source = Scripted([Reading(levels=[levels], received_ms=SUNDAY + 3_100)])

    windows = list(live(source, now_ms=SUNDAY + 500, sessions=calendar).due(SUNDAY + 30_000))

    assert told_in(windows) == [levels]
    assert [window.closed.seq - seq_of(SUNDAY) for window in windows] == [0, 2], "a window stands behind what is told"
    # The recorded picture's previous close waits for the first window of the next morning.
    evening = NINE_THIRTY + 8 * 3_600_000
    ticks = [trade(NINE_THIRTY), snapshot(evening, 0, 0, prev_close_e4=77), trade(NINE_THIRTY + DAY_MS)]
    played = list(recorded(ticks).due(0))
    assert all(isinstance(one, Trade) for one in told_in(played))
    (with_close,) = [window for window in played if window.closed.references]
    assert (with_close.closed.references, with_close.state) == ([("600519.SH", 77)], "opening_auction")


def test_the_night_between_two_recorded_days_is_leapt_over() -> None:
    played = list(recorded([trade(NINE_THIRTY), trade(NINE_THIRTY + DAY_MS)]).due(0))

    seqs = [window.closed.seq for window in played]
    quarter_past_nine = seq_of(NINE_THIRTY - 15 * 60_000)
    assert seqs[: FIRST - quarter_past_nine + 1] == list(range(quarter_past_nine, FIRST + 1))
    assert seqs[FIRST - quarter_past_nine + 1] == quarter_past_nine + DAY_MS // 1500
    assert len(seqs) == 2 * (FIRST - quarter_past_nine + 1) + 1


def test_an_operators_change_of_the_calendar_holds_within_a_second() -> None:
    changed = [calendar()]
    market = live(Scripted(), now_ms=SUNDAY, sessions=lambda: changed[-1])
    assert [window.state for window in market.due(SUNDAY + 1_000)] == ["closed"]

    changed.append(replace(changed[0], overrides={exchange_day(SUNDAY): TradingDay("full")}))

    assert [window for now_ms in range(SUNDAY + 1_050, SUNDAY + 1_900, 50) for window in market.due(now_ms)] == []
    assert {window.state for window in market.due(SUNDAY + 4_000)} == {"open"}


# -- lines ---------------------------------------------------------------------------------------------------------


def test_each_line_has_a_position_of_its_own_kept_with_the_window_that_its_ticks_count_in() -> None:
    one = Scripted(
        [
            Reading([trade(NINE_THIRTY + 100)], received_ms=NINE_THIRTY + 100, position="1"),
            Reading([trade(NINE_THIRTY + 1_600)], received_ms=NINE_THIRTY + 1_600, position="2"),
        ],
        name="one",
    )
    other = Scripted([Reading([], received_ms=NINE_THIRTY + 1_700, position="x")], name="other")

    windows = list(live(one, other, now_ms=NINE_THIRTY + 500).due(NINE_THIRTY + 4_000))

    assert [window.positions for window in windows] == [{"one": "1"}, {"one": "2", "other": "x"}]


def test_a_position_waits_for_the_newest_window_that_anything_before_it_counts_in() -> None:
    source = Scripted(
        [
            Reading([trade(NINE_THIRTY + 1_600)], received_ms=NINE_THIRTY + 1_100, position="1"),  # its clock is ahead
            Reading([trade(NINE_THIRTY + 1_200)], received_ms=NINE_THIRTY + 1_200, position="2"),
        ]
    )

    windows = list(live(source, now_ms=NINE_THIRTY + 500).due(NINE_THIRTY + 4_000))

    assert [window.positions for window in windows] == [{}, {"scripted": "2"}]
    assert [len(window.closed.bars) for window in windows] == [1, 1]


def test_what_was_refused_is_counted_by_reason_with_what_the_source_could_not_read() -> None:
    ticks = [trade(NINE_THIRTY, volume=0), trade(NINE_THIRTY, instrument=BANK), trade(NINE_THIRTY + 60_000)]
    source = Scripted([Reading(ticks, received_ms=NINE_THIRTY)], carries="600519.SH".__eq__)
    market = live(source, now_ms=NINE_THIRTY + 500)

    windows = list(market.due(NINE_THIRTY + 3_000))

    assert bars_of(windows) == {}
    assert +market.counters() == {"volume": 1, "unknown_symbol": 1, "clock": 1, "unreadable": 1}


@pytest.mark.parametrize("sessions", [AlwaysOpen, calendar])
def test_a_crossed_book_is_refused_while_the_market_is_open(sessions) -> None:
    crossed = replace_struct(snapshot(NINE_THIRTY, 100, 10), bids=((11, 1),), asks=((10, 1),))
    market = live(Scripted([Reading([crossed], received_ms=NINE_THIRTY)]), now_ms=NINE_THIRTY + 500, sessions=sessions)

    list(market.due(NINE_THIRTY + 3_000))

    assert market.counters()["crossed_book"] == 1


# -- states ----------------------------------------------------------------------------------------------------------


def test_a_state_is_news_also_while_the_market_is_closed_and_is_known_after_a_restart() -> None:
    closed = calendar()
    at_night = NINE_THIRTY + 12 * 3_600_000
    told = replace_struct(snapshot(at_night, 0, 0), state="suspended")
    known = Running().newest()
    market = live(
        Scripted([Reading([told], received_ms=at_night)]), now_ms=at_night - 3000, sessions=lambda: closed,
        newest={"600519.SH": known},
    )  # fmt: skip
    windows = [window for now_ms in range(at_night - 3000, at_night + 6000, 500) for window in market.due(now_ms)]

    assert [window.closed.states for window in windows if window.closed.states] == [[("600519.SH", "suspended")]]

    again = live(
        Scripted([Reading([told], received_ms=at_night)]), now_ms=at_night, sessions=lambda: closed,
        newest={"600519.SH": replace_struct(known, state="suspended")},
    )  # fmt: skip
    assert [
        w.closed.states for now in range(at_night, at_night + 6000, 500) for w in again.due(now) if w.closed.states
    ] == []


def test_a_recording_tells_a_halt_in_the_window_of_its_row() -> None:
    rows = [
        snapshot(NINE_THIRTY, 100, 10), replace_struct(snapshot(NINE_THIRTY + 1600, 100, 10), state="halted"),
        snapshot(NINE_THIRTY + 3200, 100, 10), replace_struct(snapshot(NINE_THIRTY + 4700, 101, 20), state="trading"),
    ]  # fmt: skip

    windows = {window.closed.seq - FIRST: window.closed.states for window in recorded(rows).due(0)}

    assert {seq: states for seq, states in windows.items() if states} == {
        1: [("600519.SH", "halted")], 3: [("600519.SH", "trading")],
    }  # fmt: skip
