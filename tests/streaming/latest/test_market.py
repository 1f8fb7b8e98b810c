"""One market as a process has read it: each window counts once, in its order; and bars of longer intervals grow."""

import pytest

from streaming.domain.calendar import AlwaysOpen
from streaming.domain.intervals import Forming
from streaming.latest.market import TRADES_KEPT, LatestMarket
from streaming.records.window import Book, MovedBar, Newest, Print, Window

MOUTAI, PINGAN = "600519.SH", "000001.SZ"


class Hours(AlwaysOpen):
    """A market's own hours, to be told from a feed that has none."""


def newest(close_e4: int, state: str = "trading") -> Newest:
    return Newest(0, 0, 0, 0, close_e4, 0, 0, state, close_e4, "", 0, 0, 0, 0, 0)


def begun(known=None, *, from_start: bool = False) -> LatestMarket:
    market = LatestMarket("CN")
    market.begin("e1", known or {}, Hours(), from_start=from_start)
    return market


def window(seq: int, *bars: MovedBar, state: str = "open", feed: str = "replay", **more) -> Window:
    return Window(seq, state, None, feed, 1, list(bars), **more)


def bar(price: int, volume: int = 5, symbol: str = MOUTAI) -> MovedBar:
    return MovedBar(symbol, price, price, price, price, volume, price * volume)


def day_volume(market: LatestMarket, symbol: str = MOUTAI) -> int:
    known = market.newest(symbol)
    assert known is not None
    return known.day_volume


# -- windows -----------------------------------------------------------------------------------------------------------


def test_a_window_counts_once():
    market = begun()

    first, second = market.apply(window(5, bar(100))), market.apply(window(5, bar(100)))

    assert first.moved == {MOUTAI: bar(100)}
    assert (second.moved, second.states, second.market_state) == ({}, [], False)
    assert (market.seq, day_volume(market)) == (5, 5)


def test_nothing_of_an_older_window_counts():
    market = begun()
    market.apply(window(5, bar(100)))

    market.apply(
        window(
            4, bar(99), state="closed", feed="test", states=[(MOUTAI, "halted")], references=[(PINGAN, 7)],
            previous=[(MOUTAI, 1)], speed=9.0,
        )
    )  # fmt: skip

    assert (market.seq, market.state, market.feed, market.speed) == (5, "open", "replay", 1.0)
    assert (market.prices, market.halted, day_volume(market)) == ({MOUTAI: 100}, {}, 5)


def test_what_the_store_had_counted_ahead_of_the_stream_is_shown_but_counts_once():
    ahead = Newest(7, 100, 100, 100, 100, 5, 500, "trading", 90, "1970-01-01", 100, 100, 100, 20, 2_000)
    market = begun({MOUTAI: ahead})

    changes = market.apply(window(6, bar(101)))
    assert changes.moved == {MOUTAI: bar(101)}  # who follows it gets the frame
    assert (market.prices[MOUTAI], market.quotes[MOUTAI].newest()) == (101, ahead)
    market.apply(window(8, bar(102)))

    assert day_volume(market) == 20 + 5


def test_a_halt_is_news_once_and_so_is_its_end():
    market = begun()

    told = [
        market.apply(window(seq, states=states)).states
        for seq, states in enumerate(
            ([(MOUTAI, "trading")], [(MOUTAI, "halted")], [(MOUTAI, "halted")], [(MOUTAI, "trading")]), start=1
        )
    ]

    assert told == [[], [(MOUTAI, "halted")], [], [(MOUTAI, "trading")]]
    assert market.halted == {}


def test_a_new_state_of_the_market_is_news_and_a_new_end_of_it_is_not():
    market = begun()

    told = [
        market.apply(one).market_state
        for one in (window(1), window(2), Window(3, "open", 9_000, "replay", 1, []), window(4, state="lunch_break"))
    ]

    assert told == [True, False, False, True]
    assert (market.state, market.until_ms) == ("lunch_break", None)


def test_a_price_is_a_trade_or_what_the_window_says_to_be_flat_at():
    market = begun()

    market.apply(window(1, bar(100), references=[(MOUTAI, 90), (PINGAN, 150)]))

    assert market.prices == {MOUTAI: 100, PINGAN: 150}


def test_a_reference_alone_makes_an_instrument_known_without_a_previous_close():
    market = begun()

    market.apply(window(1, references=[(PINGAN, 150)]))
    assert market.quotes[PINGAN].newest().prev_close_e4 == 0
    market.apply(window(2, previous=[(PINGAN, 149)]))

    assert market.quotes[PINGAN].newest().prev_close_e4 == 149


def test_the_hours_are_those_of_the_market_unless_its_feed_has_none():
    market = begun()
    market.apply(window(1))
    keeps_hours = isinstance(market.sessions, Hours)

    market.apply(window(2, feed="simulated"))

    assert keeps_hours
    assert not isinstance(market.sessions, Hours)


# -- a beginning and a silence -----------------------------------------------------------------------------------------


def test_a_stream_that_is_joined_at_its_end_begins_with_the_stores_prices_and_halts():
    market = begun({MOUTAI: newest(100), PINGAN: newest(0, "suspended")})

    assert market.prices == {MOUTAI: 100}  # 0 is no price
    assert market.halted == {PINGAN: "suspended"}


def test_a_stream_that_is_read_from_its_start_begins_without_prices_but_knows_the_quotes():
    market = begun({MOUTAI: newest(100, "halted")}, from_start=True)

    assert (market.prices, market.halted) == ({}, {})
    assert market.quotes[MOUTAI].newest().close_e4 == 100


def test_a_new_epoch_forgets_what_was_before_but_not_what_is_held():
    market = begun({MOUTAI: newest(100)})
    market.apply(window(9, bar(101)))
    market.apply_events([Print(MOUTAI, 1, 0, 100, 1, 100, "B")], [book(volume=1)])
    held = market.hold(MOUTAI, "1m")
    held.builder = Forming("1m", sessions=False)

    market.begin("e2", {}, Hours(), from_start=True)

    assert (market.epoch, market.seq, market.prices, market.quotes) == ("e2", 0, {}, {})
    assert (market.trades, market.books, market.snapshots) == ({}, {}, {})
    assert market.interval_bars == {(MOUTAI, "1m"): held}
    assert (held.builder, held.holders) == (None, 1)  # to be folded anew
    assert market.apply(window(1, bar(7))).moved == {MOUTAI: bar(7)}  # its clock may go back


def test_a_market_that_falls_silent_has_no_feed_and_keeps_its_prices():
    market = begun()
    market.apply(Window(1, "open", 9_000, "replay", 1, [bar(100)]))

    market.fall_silent()

    assert (market.state, market.until_ms, market.prices) == ("no_feed", None, {MOUTAI: 100})
    assert market.apply(window(2)).market_state  # it speaks again: news


# -- events ------------------------------------------------------------------------------------------------------------


def book(*, volume: int, number: int = 1) -> Book:
    return Book(MOUTAI, number, 0, 90, 95, 110, 94, 100, volume, volume * 100, [(99, 1)], [])


def test_the_newest_picture_of_an_instrument_is_kept():
    market = begun()

    market.apply_events([], [book(volume=1), book(volume=2, number=2)])

    assert market.books == {MOUTAI: book(volume=2, number=2)}


@pytest.mark.parametrize(("told", "shown"), [(50, 50), (4, 5)])
def test_a_picture_tells_the_day_to_who_began_to_listen_when_it_was_on(told, shown):
    """A feed that begins at noon has few bars of the day; one that was there from the start has all."""
    market = begun()
    market.apply(window(1, bar(100, volume=5)))

    market.apply_events([], [book(volume=told)])

    assert day_volume(market) == shown


def test_only_the_last_thousand_trades_of_an_instrument_are_kept():
    market = begun()

    market.apply_events([Print(MOUTAI, nth, 0, 1, 1, 1, "B") for nth in range(1, TRADES_KEPT + 3)], [])
    market.apply_events([Print(PINGAN, 1, 0, 1, 1, 1, "B")], [])

    numbers = [one.number for one in market.trades[MOUTAI]]
    assert (numbers[0], numbers[-1], len(numbers)) == (3, 1_002, 1_000)
    assert [one.number for one in market.trades[PINGAN]] == [1]


# -- bars of longer intervals: 40 windows are a minute -----------------------------------------------------------------


def formed(market: LatestMarket, one: Window) -> list[tuple[int, bool]]:
    """Apply a window; return (volume, whether it is final) of what the minute's bar has to tell."""
    parts = market.form(one, market.apply(one).moved)
    return [(part.volume, final) for part, final in parts.get((MOUTAI, "1m"), [])]


@pytest.fixture
def minute():
    """A market whose bar of a minute is folded up to here."""
    market = begun()
    market.hold(MOUTAI, "1m").builder = Forming("1m", sessions=False)
    return market


def test_a_bar_is_kept_until_its_last_holder_lets_it_go():
    market = begun()

    one, same = market.hold(MOUTAI, "5m"), market.hold(MOUTAI, "5m")
    market.let_go(MOUTAI, "5m")
    kept = dict(market.interval_bars)
    market.let_go(MOUTAI, "5m")

    assert one is same
    assert kept == {(MOUTAI, "5m"): one}
    assert market.interval_bars == {}


def test_a_bar_grows_with_every_trade_and_is_final_when_the_next_begins(minute):
    told = [formed(minute, one) for one in (window(1, bar(100, 5)), window(2), window(40, bar(101, 6)), window(41))]

    assert told == [[(5, False)], [], [(11, False)], [(11, True)]]


def test_a_bar_that_nobody_has_folded_yet_tells_nothing():
    market = begun()
    market.hold(MOUTAI, "1m")

    assert formed(market, window(1, bar(100))) == []


def test_a_trade_that_a_bar_was_folded_with_is_not_added_again():
    market = begun()
    market.hold(MOUTAI, "1m").builder = Forming("1m", sessions=False, through=2)

    told = [formed(market, window(seq, bar(100, 5))) for seq in (1, 2, 3)]

    assert told == [[], [], [(5, False)]]


@pytest.mark.parametrize("end", [{"state": "closed"}, {"finished": True}], ids=["closed", "a replay's end"])
def test_the_markets_end_makes_a_bar_final(minute, end):
    formed(minute, window(1, bar(100, 5)))

    assert formed(minute, window(2, **end)) == [(5, True)]
    assert minute.minute_of(window(2, **end)) == (None, True)


def test_a_window_belongs_to_the_minute_that_it_begins_in():
    market = begun()

    assert [market.minute_of(window(seq)) for seq in (1, 40, 41)] == [(0, False), (0, False), (60_000, False)]


def test_from_halted_to_suspended_is_news_and_one_without_a_price_has_a_state_too():
    market = begun({MOUTAI: newest(100)})

    first = market.apply(window(1, states=[(MOUTAI, "halted"), (PINGAN, "suspended")]))
    second = market.apply(window(2, states=[(MOUTAI, "suspended"), (PINGAN, "suspended")]))

    assert first.states == [(MOUTAI, "halted"), (PINGAN, "suspended")]
    assert second.states == [(MOUTAI, "suspended")]
    assert (market.quotes[MOUTAI].newest().state, market.quotes[PINGAN].newest().state) == ("suspended", "suspended")
