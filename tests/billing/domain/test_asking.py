"""When a gateway is asked again, and numbers that nobody guesses or reads wrongly."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.domain.asking import next_ask, number

START = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)


def asked_at(minutes):
    """Return the seconds after its start at which an attempt that ends so soon is asked for."""
    end, now, found = START + timedelta(minutes=minutes), START, []
    while (at := next_ask(started_at=START, expires_at=end, now=now)) is not None:
        found.append(int((at - START).total_seconds()))
        now = at
    return found


def test_it_is_asked_more_and_more_seldom_and_at_its_end():
    assert asked_at(14) == [5, 30, 60, 180, 300, 600, 840, 900, 2640]
    assert asked_at(120) == [5, 30, 60, 180, 300, 600, 1800, 7200, 7260, 9000]


def test_one_that_ends_soon_is_asked_before_and_after():
    assert asked_at(0.5) == [5, 30, 90, 1830]


@pytest.mark.parametrize("prefix", ["P", "R"])
@given(random=st.integers(0, 2**96))
def test_numbers_have_26_characters_that_every_gateway_takes(prefix, random):
    made = number(prefix, START, random)
    assert re.fullmatch(rf"{prefix}261121[0-9A-HJ-NP-Z]{{19}}", made)


def test_another_random_gives_another_number():
    assert len({number("P", START, nth * 7919) for nth in range(10_000)}) == 10_000
