"""Proves that what is told before its window shows at once, counts once, and that no value ever goes back."""

from hypothesis import given
from hypothesis import strategies as st

from streaming.domain.windows import end_ms, seq_of, start_ms
from streaming.latest.ahead import Ahead
from streaming.latest.market import LatestMarket
from streaming.records.newest import Newest
from streaming.records.window import Book, MovedBar, Print, Window
from tests.streaming.latest.test_market import Hours

MOUTAI = "600519.SH"
NINE_THIRTY = 1_675_215_000_000  # 2023-02-01 in Shanghai
FIRST, DAY = seq_of(NINE_THIRTY), "2023-02-01"


def newest(volume: int, *, day: str = DAY, close_e4: int = 100) -> Newest:
    return Newest(FIRST - 1, *[close_e4] * 4, 5, 500, "trading", 90, day, 95, 110, 94, volume, volume * 100)


def trade(at_ms: int, price_e4: int, volume: int, number: int = 1) -> Print:
    return Print(MOUTAI, number, at_ms, price_e4, volume, price_e4 * volume, "B")


def book(at_ms: int, volume: int, *, last_e4: int = 120, number: int = 1) -> Book:
    return Book(MOUTAI, number, at_ms, 90, 95, 130, 80, last_e4, volume, volume * 100, [(99, 1)], [])


def test_a_trade_shows_in_its_day_before_its_window_and_leaves_the_bar_as_it_is() -> None:
    ahead = Ahead()
    ahead.trade(trade(NINE_THIRTY + 10, 120, 7))

    shown = ahead.day(newest(50))

    assert (shown.day_volume, shown.day_high_e4, shown.day_turnover_e4) == (57, 120, 5_000 + 840)
    assert (shown.seq, shown.close_e4, shown.volume) == (FIRST - 1, 100, 5)
    assert ahead.last_e4(newest(50)) == 120


def test_a_windows_trades_are_its_bars_and_the_next_ones_wait() -> None:
    ahead = Ahead()
    ahead.trade(trade(NINE_THIRTY + 10, 120, 7))
    ahead.trade(trade(end_ms(FIRST), 121, 3, 2))

    assert ahead.settle(FIRST)
    assert ahead.day(newest(57)).day_volume == 60
    assert not ahead.settle(FIRST + 1)
    assert ahead.day(newest(60)).day_volume == 60


def test_the_pictures_day_is_shown_where_it_is_further_than_the_sum() -> None:
    ahead = Ahead()
    ahead.show(book(NINE_THIRTY, 80))

    shown = ahead.day(newest(50))

    assert (shown.day_volume, shown.day_high_e4, shown.day_low_e4) == (80, 130, 80)
    assert ahead.last_e4(newest(50)) == 120
    assert ahead.day(newest(81)).day_volume == 81
    assert ahead.last_e4(newest(81)) == 100


def test_a_new_days_first_picture_begins_it_and_yesterdays_has_no_say() -> None:
    ahead = Ahead()
    ahead.show(book(NINE_THIRTY, 0, last_e4=0))
    begun = ahead.day(newest(50, day="2023-01-31"))
    assert (begun.day, begun.day_volume, begun.prev_close_e4) == (DAY, 0, 90)
    assert ahead.last_e4(newest(50, day="2023-01-31")) == 100

    assert ahead.day(newest(50, day="2023-02-02")).day_volume == 50


def test_what_no_window_has_yet_is_carried_with_its_picture() -> None:
    market = LatestMarket("CN")
    market.begin("e", {}, Hours(), from_start=True)

    market.apply_events([], [book(NINE_THIRTY, 80)])

    shown = market.newest(MOUTAI)
    assert shown is not None
    assert (shown.day_volume, shown.prev_close_e4, market.last_e4(MOUTAI)) == (80, 90, 120)


steps = st.lists(
    st.tuples(st.integers(0, 4_000), st.integers(1, 50), st.booleans()), min_size=1, max_size=25
)  # ms since the one before, volume, whether a picture follows


@given(steps, st.integers(0, 1_400))
def test_the_day_is_the_sum_of_what_was_told_at_every_step_and_never_falls(
    told: list[tuple[int, int, bool]], delay_ms: int
) -> None:
    """Trades come at their time; each window's bars come a while after its end, between later trades."""
    market = LatestMarket("CN")
    market.begin("e", {MOUTAI: newest(0, day="2023-01-31")}, Hours(), from_start=False)
    at_ms, seq, total, waiting = NINE_THIRTY, FIRST, 0, []  # type: tuple[int, int, int, list[tuple[int, int]]]

    def close_until(now_ms: int) -> None:
        nonlocal seq, waiting
        while end_ms(seq) + delay_ms <= now_ms:
            volume = sum(size for at, size in waiting if at < end_ms(seq))
            waiting = [one for one in waiting if one[0] >= end_ms(seq)]
            bars = [MovedBar(MOUTAI, 100, 100, 100, 100, volume, volume * 100)] if volume else []
            market.apply(Window(seq, "open", None, "replay", 1, bars))
            seq += 1
            check()

    def check() -> None:
        known = market.newest(MOUTAI)
        assert known is not None
        if total:
            assert (known.day, known.day_volume) == (DAY, total)

    for wait_ms, volume, pictured in told:
        at_ms += wait_ms
        close_until(at_ms)
        total += volume
        waiting.append((at_ms, volume))
        market.apply_events([trade(at_ms, 100, volume)], [book(at_ms, total)] if pictured else [])
        check()
    close_until(at_ms + 10_000)
    assert start_ms(seq) > at_ms
    assert market.since == []
