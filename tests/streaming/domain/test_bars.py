"""Proves how ticks become window bars: trades, snapshots by difference, late ticks, the turn of a day."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kernel.instruments import InstrumentId
from streaming.domain.bars import Bar, Correction, LatePrice, WindowFold
from streaming.domain.calendar import exchange_day
from streaming.domain.ticks import Levels, Moved, News, Restated, Snapshot, Stated, Trade
from streaming.domain.totals import RolledBack
from streaming.domain.windows import end_ms, seq_of, start_ms

MOUTAI = InstrumentId.parse("600519.SH")
BEGIN = 1_675_215_000_000  # 2023-02-01 09:30 in Shanghai, the edge of a window
FIRST = seq_of(BEGIN)
DAY = 86_400_000


def trade(after_ms: int, price: int, volume: int = 100) -> Trade:
    return Trade(MOUTAI, BEGIN + after_ms, price, volume, price * volume)


def snapshot(after_ms: int, last: int, volume: int, *, high: int = 0, low: int = 0, begins: int = 0) -> Snapshot:
    return Snapshot(
        MOUTAI, BEGIN + after_ms, 1000, begins or last, high or last, low or last, last, volume, volume * 10
    )


def trades_in(news: list[News]) -> list[Trade]:
    return [one for one in news if isinstance(one, Trade)]


def closed(fold: WindowFold, seq: int) -> list[Bar]:
    return fold.close(seq).bars


def test_an_instant_on_the_edge_belongs_to_the_window_it_opens() -> None:
    assert (start_ms(FIRST), end_ms(FIRST)) == (BEGIN, BEGIN + 1500)
    assert (seq_of(BEGIN + 1499), seq_of(BEGIN + 1500)) == (FIRST, FIRST + 1)


def test_trades_of_one_window_make_one_bar() -> None:
    fold = WindowFold(exchange_day)

    for tick in (trade(0, 10, 100), trade(700, 12, 200), trade(800, 9, 300), trade(1499, 11, 400), trade(1500, 99)):
        fold.add(tick)

    assert closed(fold, FIRST) == [Bar("600519.SH", 10, 12, 9, 11, 1000, 1000 + 2400 + 2700 + 4400)]
    assert closed(fold, FIRST + 1) == [Bar("600519.SH", 99, 99, 99, 99, 100, 9900)]
    assert closed(fold, FIRST + 2) == []


def test_a_late_trade_adds_its_volume_to_the_oldest_open_window_and_never_its_price() -> None:
    fold = WindowFold(exchange_day)
    fold.add(trade(0, 10))
    fold.close(FIRST)

    fold.add(trade(100, 50, 700))
    fold.add(trade(1600, 11, 100))

    assert closed(fold, FIRST + 1) == [Bar("600519.SH", 11, 11, 11, 11, 800, 35_000 + 1100)]
    assert fold.late == 1


def test_late_volume_alone_makes_a_bar_that_is_flat_at_the_last_price() -> None:
    fold = WindowFold(exchange_day)
    fold.add(trade(0, 10))
    fold.close(FIRST)

    fold.add(trade(100, 50, 700))

    assert closed(fold, FIRST + 1) == [Bar("600519.SH", 10, 10, 10, 10, 700, 35_000)]


def test_a_snapshots_volume_is_the_difference_to_the_one_before() -> None:
    fold = WindowFold(exchange_day)

    fold.add(snapshot(0, 10, 500))
    fold.add(snapshot(3000, 11, 800))
    fold.add(snapshot(6000, 11, 800))

    assert [bar.volume for seq in range(FIRST, FIRST + 6) for bar in closed(fold, seq)] == [500, 300]


def test_a_day_high_that_moved_between_two_snapshots_belongs_to_the_bar() -> None:
    fold = WindowFold(exchange_day)
    fold.add(snapshot(0, 10, 500, high=10, low=10))
    fold.close(FIRST)

    fold.add(snapshot(1500, 11, 800, high=15, low=10))
    fold.add(snapshot(3000, 11, 900, high=15, low=8))
    fold.add(snapshot(4500, 12, 950, high=15, low=8))

    assert [closed(fold, FIRST + n)[0] for n in (1, 2, 3)] == [
        Bar("600519.SH", 11, 15, 11, 11, 300, 3000),
        Bar("600519.SH", 11, 11, 8, 11, 100, 1000),
        Bar("600519.SH", 12, 12, 12, 12, 50, 500),
    ]


def test_a_days_first_picture_has_its_open_high_and_low_in_one_bar() -> None:
    fold = WindowFold(exchange_day)

    fold.add(snapshot(0, 11, 500, high=15, low=8, begins=9))

    assert closed(fold, FIRST) == [Bar("600519.SH", 9, 15, 8, 11, 500, 5000)]


def test_a_bar_begins_at_the_days_open_once_a_day() -> None:
    fold = WindowFold(exchange_day)
    fold.add(snapshot(0, 11, 500, begins=9))
    fold.add(snapshot(1500, 12, 600, begins=9))
    fold.add(snapshot(DAY, 21, 100, begins=20))

    assert [closed(fold, seq)[0].open_e4 for seq in (FIRST, FIRST + 1, seq_of(BEGIN + DAY))] == [9, 12, 20]


@pytest.mark.parametrize(("begins", "high", "low"), [(9, 11, 9), (13, 13, 11), (1, 11, 1), (0, 11, 11)])
def test_where_no_high_and_low_are_told_the_open_and_the_last_price_bound_the_bar(
    begins: int, high: int, low: int
) -> None:
    fold = WindowFold(exchange_day)

    fold.add(replace(snapshot(0, 11, 500), open_e4=begins, high_e4=0, low_e4=0))

    assert closed(fold, FIRST) == [Bar("600519.SH", begins or 11, high, low, 11, 500, 5000)]


def test_a_low_of_one_is_a_low_and_none_is_none() -> None:
    fold = WindowFold(exchange_day)
    fold.add(replace(snapshot(0, 3, 500), low_e4=1))
    fold.add(replace(snapshot(1500, 2, 600), low_e4=0))

    assert [closed(fold, FIRST + n)[0].low_e4 for n in (0, 1)] == [1, 2]


def test_a_picture_without_a_price_makes_no_bar() -> None:
    fold = WindowFold(exchange_day)
    fold.add(snapshot(0, 10, 0))
    fold.add(snapshot(1500, 0, 0))

    assert closed(fold, FIRST) == []
    assert closed(fold, FIRST + 1) == []


def test_one_share_at_an_unchanged_price_of_one_makes_a_bar_and_is_told_as_a_trade() -> None:
    fold = WindowFold(exchange_day)
    fold.add(snapshot(0, 1, 500))
    fold.add(snapshot(1500, 1, 501))
    fold.close(FIRST)

    window = fold.close(FIRST + 1)

    assert window.bars == [Bar("600519.SH", 1, 1, 1, 1, 1, 10)]
    assert trades_in(fold.news())[-1] == Trade(MOUTAI, BEGIN + 1500, 1, 1, 10)


def test_a_price_that_moves_without_volume_is_a_picture_and_no_bar() -> None:
    """Hong Kong's nominal price follows the best orders all day, and jumps back in the closing auction."""
    fold = WindowFold(exchange_day)
    fold.add(snapshot(0, 10, 500))
    fold.add(snapshot(1500, 11, 500, high=10, low=10))
    fold.add(snapshot(3000, 12, 600, high=12, low=10))
    fold.close(FIRST)

    window, traded = fold.close(FIRST + 1), fold.close(FIRST + 2)

    assert window.bars == []
    news = fold.news()
    assert [one.at_ms for one in trades_in(news)] == [BEGIN, BEGIN + 3000]
    assert [one.at_ms for one in news if isinstance(one, Levels)] == [BEGIN, BEGIN + 1500, BEGIN + 3000]
    assert traded.bars == [Bar("600519.SH", 12, 12, 12, 12, 100, 1000)]


def test_an_index_moves_without_volume() -> None:
    fold = WindowFold(exchange_day, is_index=lambda symbol: True)
    fold.add(snapshot(0, 10, 0))
    fold.add(snapshot(1500, 11, 0))

    assert closed(fold, FIRST) == [Bar("600519.SH", 10, 10, 10, 10, 0, 0)]
    assert closed(fold, FIRST + 1) == [Bar("600519.SH", 11, 11, 11, 11, 0, 0)]


def test_what_was_counted_too_much_is_told_to_be_taken_out_of_its_window_and_counting_goes_on_below() -> None:
    fold = WindowFold(exchange_day)
    fold.add(snapshot(0, 10, 500))
    fold.add(snapshot(1500, 10, 9_000))
    fold.close(FIRST)
    fold.close(FIRST + 1)

    lower = snapshot(9_000, 10, 700)
    fold.take_back(RolledBack("600519.SH", BEGIN + 1500, 8_300, 83_000), lower)
    fold.add(lower)
    fold.add(snapshot(9_100, 10, 750))

    window = fold.close(FIRST + 6)
    assert window.corrections == [Correction("600519.SH", FIRST + 1, -8_300, -83_000)]
    assert window.bars == [Bar("600519.SH", 10, 10, 10, 10, 50, 500)]
    assert fold.close(FIRST + 7).corrections == []


def test_a_source_without_turnovers_takes_none_away() -> None:
    fold = WindowFold(exchange_day)
    fold.add(snapshot(0, 10, 500))
    fold.add(replace(snapshot(100, 10, 600), cum_turnover_e4=0))
    fold.add(snapshot(200, 10, 700))

    assert closed(fold, FIRST) == [Bar("600519.SH", 10, 10, 10, 10, 700, 7000)]


def test_a_turnover_that_the_venue_corrects_down_counts_as_none() -> None:
    fold = WindowFold(exchange_day)
    fold.add(snapshot(0, 10, 500))
    fold.add(replace(snapshot(1500, 10, 600), cum_turnover_e4=4_000))
    fold.close(FIRST)

    assert closed(fold, FIRST + 1) == [Bar("600519.SH", 10, 10, 10, 10, 100, 0)]


def test_a_new_day_counts_from_zero_again() -> None:
    fold = WindowFold(exchange_day)
    fold.add(snapshot(0, 10, 90_000))
    fold.close(FIRST)

    fold.add(snapshot(DAY, 11, 300))

    assert closed(fold, seq_of(BEGIN + DAY)) == [Bar("600519.SH", 11, 11, 11, 11, 300, 3000)]


def test_a_live_feed_that_joins_in_the_middle_of_a_day_does_not_count_the_morning() -> None:
    fold = WindowFold(exchange_day, starts_at_zero=lambda day: False, recorded=False)

    fold.add(snapshot(0, 10, 90_000, high=15, low=8, begins=9))
    fold.add(snapshot(1500, 11, 90_300, high=15, low=8, begins=9))

    assert closed(fold, FIRST) == [Bar("600519.SH", 10, 10, 10, 10, 0, 0)]
    assert closed(fold, FIRST + 1) == [Bar("600519.SH", 11, 11, 11, 11, 300, 3000)]


def test_what_was_traded_during_a_restart_counts_with_the_next_picture() -> None:
    fold = WindowFold(exchange_day, starts_at_zero=lambda day: False, recorded=False)

    fold.go_on(snapshot(0, 10, 90_000, high=15, low=8))
    fold.add(snapshot(1500, 11, 90_300, high=16, low=8))

    assert closed(fold, FIRST + 1) == [Bar("600519.SH", 11, 16, 11, 11, 300, 3000)]
    assert fold.close(FIRST + 2).references == []


def test_late_volume_after_a_restart_is_flat_at_the_price_from_before_it() -> None:
    fold = WindowFold(exchange_day)
    fold.know("600519.SH", 10)
    fold.close(FIRST)

    fold.add(trade(100, 50, 700))

    assert closed(fold, FIRST + 1) == [Bar("600519.SH", 10, 10, 10, 10, 700, 35_000)]


def test_before_a_window_has_closed_nothing_is_late() -> None:
    fold = WindowFold(exchange_day)

    fold.add(replace(trade(0, 10), at_ms=0))

    assert (fold.late, fold.oldest_open()) == (0, 1)


def test_the_oldest_open_window_is_the_first_that_holds_a_tick() -> None:
    fold = WindowFold(exchange_day)
    assert fold.oldest_open() is None

    fold.add(trade(4500, 10))
    fold.add(trade(0, 10))
    assert fold.oldest_open() == FIRST

    fold.close(FIRST)
    assert fold.oldest_open() == FIRST + 3


def test_trades_and_orders_are_told_in_the_order_of_their_coming_whatever_window_they_count_in() -> None:
    fold = WindowFold(exchange_day)
    orders = Levels(MOUTAI, BEGIN + 100, ((9, 100),), ())
    fold.close(FIRST)

    for one in (trade(1600, 11), trade(100, 10), trade(3000, 12)):
        fold.add(one)
    fold.show(orders)

    assert fold.news() == [trade(1600, 11), trade(100, 10), trade(3000, 12), orders]
    assert fold.news() == []


def test_what_a_picture_is_made_of_is_told_before_it() -> None:
    fold = WindowFold(exchange_day)

    fold.add(replace(snapshot(0, 10, 500), prev_close_e4=9, state="halted"))

    assert [type(one) for one in fold.news()] == [Stated, Restated, Trade, Levels]


def test_an_index_that_moves_without_volume_is_told_before_its_picture() -> None:
    fold = WindowFold(exchange_day, is_index=lambda symbol: True)
    fold.add(snapshot(0, 10, 0))
    fold.news()

    fold.add(snapshot(1500, 11, 0))

    assert [type(one) for one in fold.news()] == [Moved, Levels]


def test_a_picture_keeps_its_window_open_also_of_one_that_is_leapt_over() -> None:
    fold = WindowFold(exchange_day)
    fold.show(Levels(MOUTAI, BEGIN + 100, (), ()))

    assert fold.oldest_open() == FIRST
    assert fold.close(FIRST + 5).shown == {"600519.SH": None}
    assert fold.oldest_open() is None


def test_an_order_without_a_price_is_none() -> None:
    fold = WindowFold(exchange_day)

    fold.add(replace(snapshot(0, 10, 500), bids=((9, 100), (0, 5)), asks=((1, 7), (0, 0))))

    [levels] = [one for one in fold.news() if isinstance(one, Levels)]
    assert (levels.bids, levels.asks) == (((9, 100),), ((1, 7),))


def test_the_venues_own_day_is_told_only_where_our_sums_do_not_have_it() -> None:
    for recorded, told in ((True, None), (False, snapshot(0, 10, 500))):
        fold = WindowFold(exchange_day, recorded=recorded)
        fold.add(snapshot(0, 10, 500))

        assert fold.close(FIRST).shown == {"600519.SH": told}


def test_a_previous_close_of_nought_is_none_and_one_is_one() -> None:
    fold = WindowFold(exchange_day)

    fold.refer("600519.SH", 0)
    fold.refer("000001.SZ", 1)

    assert fold.close(FIRST).references == [("000001.SZ", 1)]


def test_a_days_first_previous_close_is_told_whatever_it_is() -> None:
    fold = WindowFold(exchange_day)

    fold.add(replace(snapshot(0, 0, 0), prev_close_e4=1))

    assert fold.close(FIRST).references == [("600519.SH", 1)]


def test_a_previous_close_is_told_once_with_the_next_window() -> None:
    fold = WindowFold(exchange_day)

    fold.add(snapshot(0, 0, 0))
    fold.add(snapshot(100, 0, 0))

    assert fold.close(FIRST).references == [("600519.SH", 1000)]
    assert fold.close(FIRST + 1).references == []


@given(
    st.lists(st.tuples(st.integers(0, 60_000), st.integers(1, 10**8), st.integers(1, 10**6)), min_size=1, max_size=60),
    st.integers(0, 40),
)
def test_no_share_is_lost_or_doubled_however_late_ticks_are(rows: list[tuple[int, int, int]], closing: int) -> None:
    fold = WindowFold(exchange_day)
    bars: list[Bar] = []

    for at, (after_ms, price, volume) in enumerate(rows):
        fold.add(trade(after_ms, price, volume))
        if at % 7 == 3:
            target = FIRST + closing * at // len(rows)
            for seq in range(max(FIRST, fold.closed_through + 1), target):
                bars += closed(fold, seq)
    for seq in range(max(FIRST, fold.closed_through + 1), FIRST + 100):
        bars += closed(fold, seq)

    assert sum(bar.volume for bar in bars) == sum(volume for _, _, volume in rows)
    assert sum(bar.turnover_e4 for bar in bars) == sum(price * volume for _, price, volume in rows)
    assert all(bar.low_e4 <= min(bar.open_e4, bar.close_e4) <= max(bar.open_e4, bar.close_e4) <= bar.high_e4
               for bar in bars)  # fmt: skip


def said(at_ms: int, state: str, *, last_e4: int = 100) -> Snapshot:
    return replace(snap(at_ms, last_e4), state=state)


def snap(at_ms: int, last_e4: int) -> Snapshot:
    return Snapshot(InstrumentId.parse("600519.SH"), at_ms, 90, 95, 110, 90, last_e4, 10, 1000)


def test_a_state_is_told_in_the_window_in_which_it_changes_and_once() -> None:
    fold = WindowFold(exchange_day)
    for nth, state in enumerate(["trading", "halted", "halted", "", "trading", "suspended"]):
        fold.add(said(end_ms(nth) + 10, state))

    told = [fold.close(seq).states for seq in range(1, 7)]

    assert told == [[], [("600519.SH", "halted")], [], [], [("600519.SH", "trading")], [("600519.SH", "suspended")]]


def test_a_state_of_windows_that_were_leapt_over_is_told_with_the_next_and_keeps_the_market_going() -> None:
    fold = WindowFold(exchange_day)
    fold.add(said(end_ms(1) + 10, "halted", last_e4=0))

    assert fold.oldest_open() == 2
    assert fold.close(9).states == [("600519.SH", "halted")]
    assert fold.oldest_open() is None


def test_a_state_from_before_a_restart_is_no_news() -> None:
    fold = WindowFold(exchange_day)
    fold.stand("600519.SH", "halted")
    fold.add(said(10, "halted"))

    assert fold.close(1).states == []


# -- what comes late ---------------------------------------------------------------------------------------------------


NINE_THIRTY = 1_675_215_000_000


def at_(at_ms: int, price: int, volume: int) -> Trade:
    return Trade(MOUTAI, at_ms, price, volume, price * volume)


def test_a_late_price_is_told_for_its_minute_and_is_in_no_bar():
    fold = WindowFold(day_of=exchange_day)
    fold.add(at_(NINE_THIRTY + 100, 100, 10))
    seq = seq_of(NINE_THIRTY + 100)
    fold.close(seq)
    fold.add(at_(NINE_THIRTY + 200, 130, 5))

    closed = fold.close(seq + 1)

    assert [(bar.open_e4, bar.high_e4, bar.close_e4, bar.volume) for bar in closed.bars] == [(100, 100, 100, 5)]
    assert closed.late_prices == [LatePrice("600519.SH", seq, 130, 130, 130)]
    assert fold.close(seq + 2).late_prices == []


def test_a_closing_print_that_comes_late_has_its_price_in_the_window_it_comes_in():
    """Shanghai's closing prints come 18 to 21 s late; nothing is traded in between."""
    close_ms = NINE_THIRTY + 5 * 3_600_000 + 1_800_000  # 15:00
    fold = WindowFold(day_of=exchange_day, is_continuous=lambda at_ms: at_ms < close_ms - 180_000)
    fold.add(at_(close_ms - 200_000, 100, 10))
    fold.close(seq_of(close_ms - 200_000))
    fold.closed_through = seq_of(close_ms + 18_000)
    fold.add(at_(close_ms, 105, 5_000))

    closed = fold.close(seq_of(close_ms + 18_000) + 1)

    assert [(bar.open_e4, bar.close_e4, bar.volume) for bar in closed.bars] == [(105, 105, 5_000)]
    assert closed.late_prices == []


def test_an_opening_print_that_comes_in_the_session_keeps_its_price_out_of_that_bar():
    fold = WindowFold(day_of=exchange_day, is_continuous=lambda at_ms: at_ms >= NINE_THIRTY)
    fold.closed_through = seq_of(NINE_THIRTY + 3_000)
    fold.add(at_(NINE_THIRTY - 300_000, 99, 700))
    fold.add(at_(NINE_THIRTY + 4_500, 101, 10))
    closed = fold.close(seq_of(NINE_THIRTY + 3_000) + 1)
    assert [(bar.open_e4, bar.low_e4, bar.volume) for bar in closed.bars] == [(101, 101, 710)]
    assert [one.low_e4 for one in closed.late_prices] == [99]


# -- trades and totals of one instrument ---------------------------------------------------------------------------


def total(after_ms: int, last: int, volume: int, turnover: int, *, high: int, low: int) -> Snapshot:
    return replace(snapshot(after_ms, last, volume, high=high, low=low), cum_turnover_e4=turnover)


def traded(*prices: int) -> WindowFold:
    """A live day of trades of 100 shares, of which the bars were told."""
    fold = WindowFold(exchange_day, recorded=False)
    for price in prices:
        fold.add(trade(0, price))
    fold.close(FIRST)
    return fold


def test_a_total_adds_what_trades_have_not_told_of_volume_turnover_high_and_low() -> None:
    fold = traded(10, 14, 8)
    fold.add(total(1500, 11, 350, 3_800, high=14, low=8))
    assert closed(fold, FIRST + 1) == [Bar("600519.SH", 11, 11, 11, 11, 50, 600)]

    higher, lower = traded(10, 14, 8), traded(10, 14, 8)
    higher.add(total(1500, 11, 350, 3_800, high=15, low=8))
    lower.add(total(1500, 11, 350, 3_800, high=14, low=7))
    assert closed(higher, FIRST + 1) == [Bar("600519.SH", 11, 15, 11, 11, 50, 600)]
    assert closed(lower, FIRST + 1) == [Bar("600519.SH", 11, 11, 7, 11, 50, 600)]


def test_a_trade_of_another_day_begins_a_day_of_its_own() -> None:
    fold = traded(10, 10)
    day_ms = 86_400_000
    fold.add(trade(day_ms, 20))
    fold.close(seq_of(BEGIN + day_ms))
    fold.add(total(day_ms + 1500, 20, 150, 3_000, high=20, low=20))
    assert closed(fold, seq_of(BEGIN + day_ms) + 1) == [Bar("600519.SH", 20, 20, 20, 20, 50, 1_000)]


def test_who_joins_in_the_middle_counts_on_from_the_first_picture_and_not_from_later_ones() -> None:
    fold = WindowFold(exchange_day, starts_at_zero=lambda day: False, recorded=False)
    fold.show_picture(total(0, 10, 1_000, 10_000, high=12, low=9))
    fold.show_picture(total(100, 10, 1_200, 12_000, high=12, low=9))
    fold.add(total(1500, 10, 1_300, 13_500, high=12, low=9))
    assert closed(fold, FIRST + 1) == [Bar("600519.SH", 10, 10, 10, 10, 300, 3_500)]


@pytest.mark.parametrize(("volume", "bars"), [(0, 0), (1, 1)])
def test_who_joins_in_the_middle_is_flat_from_the_first_total_that_has_a_share(volume: int, bars: int) -> None:
    fold = WindowFold(exchange_day, starts_at_zero=lambda day: False)
    fold.add(snapshot(0, 10, volume))
    assert len(closed(fold, FIRST)) == bars


def test_late_volume_alone_of_a_new_instrument_is_flat_at_its_late_price_at_all_four() -> None:
    fold = WindowFold(exchange_day)
    fold.close(FIRST)
    fold.add(trade(0, 7))
    (bar,) = closed(fold, FIRST + 1)
    assert (bar.open_e4, bar.high_e4, bar.low_e4, bar.close_e4) == (7, 7, 7, 7)
