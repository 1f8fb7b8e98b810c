"""What a client may say by the clock, and for how long it may say nothing."""

from hypothesis import given
from hypothesis import strategies as st

from streaming.wire.budget import MOST_WAITING, Budget
from streaming.wire.dialect import Rules

NOW = 1_790_000_000_000


def begun(**rules) -> Budget:
    budget = Budget(Rules(**rules))
    budget.begin(NOW)
    return budget


def test_a_burst_is_taken_at_once_and_the_messages_behind_it_wait_one_after_another():
    budget = begun(burst=3, per_second=2.0)

    assert [budget.wait_ms(NOW) for _ in range(6)] == [0, 0, 0, 500, 1000, 1500]


def test_each_second_gives_so_many_back():
    budget = begun(burst=2, per_second=2.0)
    for _ in range(2):
        budget.wait_ms(NOW)

    assert [budget.wait_ms(NOW + 1_000) for _ in range(3)] == [0, 0, 500]


def test_only_who_fills_what_may_wait_is_told_that_it_is_a_flood_and_the_refused_are_not_owed():
    budget = begun(burst=1, per_second=20.0)
    waits = [budget.wait_ms(NOW) for _ in range(MOST_WAITING + 3)]

    assert waits[: MOST_WAITING + 1] == [50 * nth for nth in range(MOST_WAITING + 1)]
    assert waits[MOST_WAITING + 1 :] == [None, None]
    assert budget.wait_ms(NOW + 50) == MOST_WAITING * 50


def test_an_hour_of_silence_saves_no_more_than_a_burst():
    budget = begun(burst=2, per_second=20.0)

    assert [budget.wait_ms(NOW + 3_600_000) for _ in range(3)] == [0, 0, 50]


def test_a_clock_that_goes_back_gives_nothing():
    budget = begun(burst=1, per_second=1.0)
    budget.wait_ms(NOW)

    assert budget.wait_ms(NOW - 60_000) == 1000


@given(st.lists(st.integers(0, 5_000), max_size=60), st.integers(1, 10), st.integers(1, 10))
def test_nobody_is_served_more_than_a_burst_and_the_rate_and_nobody_out_of_turn(steps, burst, per_second):
    budget, at, turns = begun(burst=burst, per_second=float(per_second)), NOW, []
    for step in steps:
        at += step
        turns.append(at + budget.wait_ms(at))

    assert turns == sorted(turns)
    for nth, turn in enumerate(turns):
        assert nth + 1 <= burst + (turn - NOW) / 1000 * per_second + 1e-6


def test_who_has_never_pinged_may_be_silent_for_ever():
    budget = begun(silence_s=60)
    budget.wait_ms(NOW)

    assert budget.silent_at_s() is None


def test_who_has_pinged_is_gone_a_grace_after_its_next_sign_was_due_and_every_message_is_one():
    budget = begun(silence_s=60)

    budget.pinged(NOW)
    pinged = budget.silent_at_s()
    budget.wait_ms(NOW + 10_000)

    assert pinged == NOW / 1000 + 60 + 15
    assert budget.silent_at_s() == NOW / 1000 + 10 + 60 + 15


def test_a_language_without_the_rule_expects_no_sign():
    budget = begun(silence_s=None)
    budget.pinged(NOW)

    assert budget.silent_at_s() is None
