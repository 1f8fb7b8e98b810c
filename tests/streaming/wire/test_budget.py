"""What a client may say by the clock, and for how long it may say nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.wire.budget import Budget
from streaming.wire.dialect import Rules

NOW = 1_790_000_000_000


def begun(**rules) -> Budget:
    budget = Budget(Rules(**rules))
    budget.begin(NOW)
    return budget


def test_a_burst_is_taken_at_once_and_no_message_more():
    budget = begun(burst=3, per_second=1.0)

    assert [budget.takes(NOW) for _ in range(4)] == [True, True, True, False]


def test_each_second_gives_so_many_back():
    budget = begun(burst=2, per_second=2.0)
    for _ in range(2):
        budget.takes(NOW)

    assert [budget.takes(NOW + 1_000) for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize(("later_ms", "served"), [(2_000, False), (3_000, True)])
def test_what_was_refused_is_owed_too_so_that_who_does_not_stop_is_not_served(later_ms, served):
    budget = begun(burst=1, per_second=1.0)
    at_once = [budget.takes(NOW) for _ in range(3)]

    assert at_once == [True, False, False]  # two are owed
    assert budget.takes(NOW + later_ms) is served


def test_an_hour_of_silence_saves_no_more_than_a_burst():
    budget = begun(burst=2, per_second=20.0)

    assert [budget.takes(NOW + 3_600_000) for _ in range(3)] == [True, True, False]


def test_a_clock_that_goes_back_gives_nothing():
    budget = begun(burst=1, per_second=1.0)
    budget.takes(NOW)

    assert not budget.takes(NOW - 60_000)


@given(st.lists(st.integers(0, 5_000), max_size=60), st.integers(1, 10), st.integers(1, 10))
def test_nobody_is_served_more_than_a_burst_and_the_rate(steps, burst, per_second):
    budget, at, served = begun(burst=burst, per_second=float(per_second)), NOW, 0
    for step in steps:
        at += step
        served += budget.takes(at)

    assert served <= burst + (at - NOW) / 1000 * per_second


def test_who_has_never_pinged_may_be_silent_for_ever():
    budget = begun(silence_s=60)
    budget.takes(NOW)

    assert budget.silent_at_s() is None


def test_who_has_pinged_is_gone_a_grace_after_its_next_sign_was_due_and_every_message_is_one():
    budget = begun(silence_s=60)

    budget.pinged(NOW)
    pinged = budget.silent_at_s()
    budget.takes(NOW + 10_000)

    assert pinged == NOW / 1000 + 60 + 15
    assert budget.silent_at_s() == NOW / 1000 + 10 + 60 + 15


def test_a_language_without_the_rule_expects_no_sign():
    budget = begun(silence_s=None)
    budget.pinged(NOW)

    assert budget.silent_at_s() is None
