"""Lines are compared at the venue's own instants; what they count and how their clocks go follows."""

from msgspec.structs import replace

from kernel.instruments import InstrumentId
from streaming.domain.agreement import FEWER, SYMBOLS, Agreement
from streaming.domain.ticks import NO_VENUE_TIME
from tests.streaming.ingest.scripted import NINE_THIRTY, snapshot

SYMBOLS_NAMED = [str(InstrumentId.parse(f"{600000 + nth}.SH")) for nth in range(SYMBOLS)]


def compared(extra: int, *, symbols: int = SYMBOLS, rows: int = 2, ahead_ms: int = 0) -> Agreement:
    agreement = Agreement()
    for nth in range(rows):
        for symbol in SYMBOLS_NAMED[:symbols]:
            one = snapshot(NINE_THIRTY + nth * 3_000, 100, 1_000 + nth * 500)
            agreement.see(symbol, "a", one)
            told = replace(one, cum_volume=one.cum_volume + extra, at_ms=one.at_ms + ahead_ms)
            agreement.see(symbol, "b", told)
    return agreement


def test_totals_that_are_the_same_but_for_lots_agree():
    assert not compared(0).differ("a", "b")
    assert not compared(99).differ("b", "a")


def test_totals_that_differ_by_a_lot_and_more_are_of_another_scope():
    assert compared(100).differ("a", "b")
    assert compared(-700).differ("b", "a")


def test_one_instrument_says_nothing_and_a_small_market_is_compared_longer():
    assert not compared(700, symbols=1, rows=500).differ("a", "b")
    assert not compared(700, symbols=FEWER, rows=19).differ("a", "b")
    assert compared(700, symbols=FEWER, rows=20).differ("a", "b")


def test_another_day_is_compared_anew():
    agreement = compared(700)
    agreement.forget()
    assert not agreement.differ("a", "b")


def test_a_clock_that_is_three_seconds_ahead_is_seen_by_equal_totals():
    agreement = compared(0, rows=10, ahead_ms=2_900)
    assert agreement.ahead_ms("b", "a") == 2_900
    assert agreement.ahead_ms("a", "b") == -2_900


def test_few_totals_say_nothing_of_clocks():
    assert compared(0, symbols=1, rows=10, ahead_ms=2_900).ahead_ms("b", "a") == 0
    assert Agreement().ahead_ms("a", "b") == 0


def test_a_total_that_stands_still_says_nothing_of_clocks():
    agreement = Agreement()
    for nth in range(50):
        for line in ("a", "b"):
            agreement.see("600519.SH", line, snapshot(NINE_THIRTY + nth * 3_000 + 1_500 * (line == "b"), 100, 1_000))
    assert agreement.ahead_ms("a", "b") == 0


def pair(agreement: Agreement, symbol: str, nth: int, *, extra: int = 0, later_ms: int = 0, lines: str = "ab") -> None:
    one = snapshot(NINE_THIRTY + nth * 3_000, 100, 1_000 + nth * 500)
    agreement.see(symbol, lines[0], one)
    agreement.see(symbol, lines[1], replace(one, cum_volume=one.cum_volume + extra, at_ms=one.at_ms + later_ms))


def test_two_hundred_instruments_are_enough_and_one_less_is_not():
    assert compared(700, symbols=200, rows=1).differ("a", "b")
    assert not compared(700, symbols=199, rows=1).differ("a", "b")


def test_a_small_market_has_twenty_instruments_compared_four_hundred_times():
    assert compared(700, symbols=20, rows=20).differ("a", "b")
    assert not compared(700, symbols=19, rows=40).differ("a", "b")


def differing(others: int, *, rows: int = 3, of_rows: int = 3) -> bool:
    """200 instruments, of which some are told otherwise in so many of their rows."""
    agreement = Agreement()
    for nth in range(rows):
        for place, symbol in enumerate(SYMBOLS_NAMED):
            pair(agreement, symbol, nth, extra=700 if place < others and nth < of_rows else 0)
    return agreement.differ("a", "b")


def test_ninety_five_of_a_hundred_instruments_must_be_told_the_same():
    assert not differing(10)
    assert differing(11)


def test_an_instrument_is_told_the_same_where_most_of_its_rows_are():
    assert not differing(200, of_rows=1)
    assert differing(200, of_rows=2)
    assert differing(200, rows=2, of_rows=1), "half is not most"


def test_the_names_of_lines_do_not_matter():
    for lines in ("ab", "ba"):
        agreement = Agreement()
        for nth in range(30):
            pair(agreement, "600519.SH", nth, later_ms=400, lines=lines)
        assert agreement.ahead_ms(lines[1], lines[0]) == 400
        assert agreement.ahead_ms(lines[0], lines[1]) == -400


def test_clocks_are_compared_from_twenty_totals_on():
    agreement = Agreement()
    for nth in range(20):
        pair(agreement, "600519.SH", nth, later_ms=400)
    assert (
        agreement.ahead_ms("b", "a") == 0
    )  # the first total of all says nothing: since when it is there, nobody knows
    pair(agreement, "600519.SH", 20, later_ms=400)
    assert agreement.ahead_ms("b", "a") == 400


def test_the_newest_two_hundred_and_one_totals_say_how_clocks_go():
    agreement = Agreement()
    for nth in range(1 + 101 + 100):
        pair(agreement, "600519.SH", nth, later_ms=400 if nth <= 101 else 900)
    assert agreement.ahead_ms("b", "a") == 400
    pair(agreement, "600519.SH", 202, later_ms=900)
    assert agreement.ahead_ms("b", "a") == 900


def test_of_three_lines_each_two_are_compared():
    agreement = Agreement()
    for symbol in SYMBOLS_NAMED:
        one = snapshot(NINE_THIRTY, 100, 1_000)
        for line, extra in (("a", 0), ("b", 700), ("c", 0)):
            agreement.see(symbol, line, replace(one, cum_volume=1_000 + extra))
    told = [(one, other) for one in "abc" for other in "abc" if one < other and agreement.differ(one, other)]
    assert told == [("a", "b"), ("b", "c")]


def test_a_row_that_is_told_again_is_compared_but_not_kept_twice():
    agreement = Agreement()
    for _ in range(20):
        agreement.see("600519.SH", "a", snapshot(NINE_THIRTY, 100, 1_000))
    agreement.see("600519.SH", "b", snapshot(NINE_THIRTY, 100, 1_000))
    assert agreement._compared["a", "b"]["600519.SH"].times == 1


def test_the_newest_eight_rows_of_a_line_are_compared():
    agreement = Agreement()
    for nth in range(9):
        agreement.see("600519.SH", "a", snapshot(NINE_THIRTY + nth * 3_000, 100, 1_000 + nth))
    agreement.see("600519.SH", "b", snapshot(NINE_THIRTY, 100, 1_000))
    assert ("a", "b") not in agreement._compared
    agreement.see("600519.SH", "b", snapshot(NINE_THIRTY + 3_000, 100, 1_001))
    assert agreement._compared["a", "b"]["600519.SH"].times == 1


def test_rows_without_a_time_of_the_venue_are_not_compared():
    """What two lines push in one look came in one moment, and may be of two."""
    agreement = Agreement()
    for nth in range(4):
        for symbol in SYMBOLS_NAMED:
            one = replace(snapshot(NINE_THIRTY + nth * 3_000, 100, 1_000 + nth * 500), venue_ms=NO_VENUE_TIME)
            agreement.see(symbol, "a", one)
            agreement.see(symbol, "b", replace(one, cum_volume=one.cum_volume - 500))
    assert not agreement.differ("a", "b")
    assert agreement.ahead_ms("a", "b") == 0
