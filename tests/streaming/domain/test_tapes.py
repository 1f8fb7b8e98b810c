"""Trades of several tapes: each once, repeated ones as often as the line that told most of them."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from streaming.domain.tapes import AGREES_FROM, KEPT_MS, Tapes
from tests.streaming.ingest.scripted import NINE_THIRTY, trade


def test_one_line_counts_all_of_its_trades_also_equal_ones():
    tapes = Tapes()
    assert [tapes.is_new(trade(NINE_THIRTY), "a", "a") for _ in range(3)] == [True] * 3


def test_the_copies_of_the_leading_line_are_not_counted_again():
    tapes = Tapes()
    said = [tapes.is_new(trade(NINE_THIRTY + 400), line, "a") for line in "aabba"]
    assert said == [True, True, False, False, True]


def test_the_side_and_the_millisecond_do_not_make_another_trade():
    tapes = Tapes()
    assert tapes.is_new(replace(trade(NINE_THIRTY + 120), side="B"), "a", "a")
    assert not tapes.is_new(trade(NINE_THIRTY), "b", "a")


def agreeing(tapes: Tapes, count: int = AGREES_FROM, begins_ms: int = NINE_THIRTY) -> int:
    """Let two lines tell the same trades, and time go by; return when."""
    for nth in range(count):
        for line in "ab":
            tapes.is_new(trade(begins_ms + nth * 10, volume=nth + 1), line, "a")
    after_ms = begins_ms + count * 10 + KEPT_MS + 1_000
    tapes.is_new(trade(after_ms), "a", "a")
    return after_ms


def test_a_line_that_is_not_known_waits_and_one_that_agrees_is_first_where_it_is_quicker():
    tapes = Tapes()
    assert not tapes.is_new(trade(NINE_THIRTY), "b", "a"), "nobody knows whether it tells the same trades"
    assert tapes.is_new(trade(NINE_THIRTY), "a", "a")
    after_ms = agreeing(tapes, begins_ms=NINE_THIRTY + 2_000)
    assert tapes.agrees()
    assert tapes.is_new(trade(after_ms + 1_000, volume=77), "b", "a")
    assert not tapes.is_new(trade(after_ms + 1_000, volume=77), "a", "a")


def test_a_line_of_another_scope_is_never_trusted():
    tapes = Tapes()
    for nth in range(400):
        tapes.is_new(trade(NINE_THIRTY + nth * 1_000, volume=nth + 1), "a", "a")
        tapes.is_new(trade(NINE_THIRTY + nth * 1_000, volume=10_000 + nth), "b", "a")
    assert not tapes.agrees()
    assert not tapes.is_new(trade(NINE_THIRTY + 401_000, volume=3), "b", "a")


def test_who_takes_over_brings_what_the_other_has_not_told():
    tapes = Tapes()
    both, only = trade(NINE_THIRTY), trade(NINE_THIRTY + 2_000, volume=30)
    tapes.is_new(both, "a", "a")
    tapes.is_new(both, "b", "a")
    tapes.is_new(only, "b", "a")
    assert tapes.take_over("b") == [only]
    assert tapes.take_over("b") == []
    assert not tapes.is_new(only, "a", "b"), "the line that comes back tells it again"


def test_after_a_minute_it_is_another_trade_and_nothing_is_kept():
    tapes = Tapes()
    assert tapes.is_new(trade(NINE_THIRTY), "a", "a")
    assert tapes.is_new(trade(NINE_THIRTY + KEPT_MS + 1), "a", "a")
    assert sum(map(len, tapes._told.values())) == 1
    assert len(tapes._counted) == 1


@given(
    st.lists(st.tuples(st.integers(0, 20_000), st.integers(1, 3), st.integers(1, 3)), max_size=40),
    st.lists(st.booleans(), min_size=80, max_size=80),
    st.randoms(use_true_random=False),
)
def test_whatever_the_order_nothing_is_doubled_and_all_of_the_leading_line_counts(told, dropped, random):
    """Both lines tell one tape in any interleaving; the other drops some."""
    tape = sorted((trade(NINE_THIRTY + ms, price, volume) for ms, price, volume in told), key=lambda one: one.at_ms)
    other = [one for one, drop in zip(tape, dropped, strict=False) if not drop]
    merged = [("a", one) for one in tape]
    for one in other:
        merged.insert(random.randint(0, len(merged)), ("b", one))
    tapes, counted = Tapes(), Counter()
    for line, one in merged:
        if tapes.is_new(one, line, "a"):
            counted[(one.at_ms // 1_000, one.price_e4, one.volume)] += 1
    assert counted == Counter((one.at_ms // 1_000, one.price_e4, one.volume) for one in tape)


def test_copies_of_one_second_are_one_trade_and_those_of_the_next_are_not():
    tapes = Tapes()
    assert tapes.is_new(trade(NINE_THIRTY), "a", "a")
    assert not tapes.is_new(trade(NINE_THIRTY + 999), "b", "a")
    assert tapes.is_new(trade(NINE_THIRTY + 1_000), "a", "a")
    assert [tapes.is_new(trade(NINE_THIRTY + 1_000 + ms), "b", "a") for ms in (1, 999)] == [False, False]
    assert tapes.take_over("b") == [trade(NINE_THIRTY + 1_999)]


def test_the_trust_needs_two_hundred_comparisons_and_not_one_less():
    few, enough = Tapes(), Tapes()
    agreeing(few, 199)
    agreeing(enough, 200)
    assert (few.agrees(), enough.agrees()) == (False, True)


def compared(missed: int, count: int) -> Tapes:
    """Two tapes, of which the second one has not told some trades; the newest 2,000 comparisons count."""
    tapes = Tapes()
    for nth in range(count):
        for line in "ab" if nth >= missed else "a":
            tapes.is_new(trade(NINE_THIRTY + nth * 10, volume=nth + 1), line, "a")
    tapes.is_new(trade(NINE_THIRTY + count * 10 + KEPT_MS + 1_000), "a", "a")
    tapes.is_new(trade(NINE_THIRTY + count * 10 + KEPT_MS + 1_000), "b", "a")
    return tapes


def test_ninety_five_of_a_hundred_are_agreement_and_one_less_is_not():
    assert compared(10, 200).agrees()
    assert not compared(11, 200).agrees()


def test_what_was_not_told_twice_counts_as_often_as_it_was_missed():
    tapes = Tapes()
    for _ in range(12):
        tapes.is_new(trade(NINE_THIRTY), "a", "a")
    tapes.is_new(trade(NINE_THIRTY), "b", "a")
    agreeing(tapes, 208, begins_ms=NINE_THIRTY + 2_000)
    assert list(tapes._compared).count(False) == 11
    assert list(tapes._compared).count(True) == 209


def test_only_the_newest_two_thousand_comparisons_count():
    assert compared(101, 2_101).agrees()  # the first hundred of the missed ones are forgotten, and one is left
    tapes = compared(100, 2_000)
    assert len(tapes._compared) == 2_000
    assert tapes.agrees()
    more = agreeing(tapes, 1, begins_ms=NINE_THIRTY + 300_000)
    assert len(tapes._compared) == 2_000
    assert more


def test_a_copy_is_known_for_a_minute_to_the_millisecond():
    tapes = Tapes()
    tapes.is_new(trade(NINE_THIRTY), "a", "a")
    tapes.is_new(trade(NINE_THIRTY + 60_000, volume=7), "a", "a")
    assert not tapes.is_new(trade(NINE_THIRTY), "b", "a")
    assert len(tapes._counted) == 2
    tapes.is_new(trade(NINE_THIRTY + 60_001, volume=8), "a", "a")
    assert (str(trade(NINE_THIRTY).instrument), NINE_THIRTY // 1_000, 100, 10) not in tapes._counted


def test_one_tape_alone_is_compared_with_nothing():
    tapes = Tapes()
    for nth in range(300):
        tapes.is_new(trade(NINE_THIRTY + nth * 1_000), "a", "a")
    assert (tapes.several, len(tapes._compared)) == (False, 0)
    tapes.is_new(trade(NINE_THIRTY + 300_000), "b", "a")
    assert tapes.several


def test_who_takes_over_brings_its_own_and_what_others_wait_with_stays():
    tapes = Tapes()
    of_b, of_c = trade(NINE_THIRTY, volume=3), trade(NINE_THIRTY + 1, volume=4)
    tapes.is_new(of_b, "b", "a")
    tapes.is_new(of_b, "b", "a")
    tapes.is_new(of_c, "c", "a")
    assert tapes.take_over("b") == [of_b, of_b]
    assert not any(tapes.is_new(of_b, "a", "b") for _ in range(2)), "both were counted"
    assert tapes.is_new(of_b, "a", "a")
    assert tapes.take_over("c") == [of_c]


def test_what_waits_is_forgotten_after_a_minute():
    tapes = Tapes()
    waiting = trade(NINE_THIRTY, volume=3)
    tapes.is_new(waiting, "b", "a")
    tapes.is_new(trade(NINE_THIRTY + 60_000), "a", "a")
    assert len(tapes._pending) == 1
    tapes.is_new(trade(NINE_THIRTY + 60_001), "a", "a")
    assert tapes.take_over("b") == []


def test_a_trade_of_two_lines_is_remembered_once():
    tapes = Tapes()
    for line in "aab":
        tapes.is_new(trade(NINE_THIRTY), line, "a")
    assert len(tapes._keys) == 1


def test_what_waits_is_remembered_once_and_counts_once_when_the_leader_tells_it_too():
    tapes = Tapes()
    one = trade(NINE_THIRTY)
    assert [tapes.is_new(one, "b", "a") for _ in range(2)] == [False, False]
    assert len(tapes._keys) == 1
    assert tapes.is_new(one, "a", "a")
    assert tapes.take_over("b") == [one], "the second one, which the leader has not told"
    assert not tapes.is_new(one, "a", "a")
    assert tapes.is_new(one, "a", "a")
