"""A tax number's last character checks the others, as GB 32100-2015 says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.domain.tax_numbers import ALPHABET, check_character, clean, is_valid

# The standard's own example, and three companies' as they print them.
KNOWN = ["91350100M000100Y43", "91110000600037341L", "91440300708461136T", "91330100799655058B"]


@pytest.mark.parametrize("number", KNOWN)
def test_real_numbers_are_valid(number):
    assert is_valid(number)


@pytest.mark.parametrize(
    "number", ["", "91350100M000100Y4", "91350100M000100Y433", "91350100M000100Y44", "9135010OM000100Y43", "x" * 18]
)
def test_others_are_not(number):
    assert not is_valid(number)


@given(st.sampled_from(KNOWN), st.integers(0, 17), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_always_found(number, place, other):
    wrong = number[:place] + other + number[place + 1 :]

    assert is_valid(wrong) == (wrong == number)


@given(st.text(ALPHABET, min_size=17, max_size=17))
def test_the_check_character_makes_a_number(first):
    assert is_valid(first + check_character(first))


def test_what_people_type_is_brought_into_shape():
    assert clean(" 9135 0100-m000100y43 ") == "91350100M000100Y43"
    assert clean("９１３５０１００Ｍ０００１００Ｙ４３") == "91350100M000100Y43"


@given(st.text(max_size=40))
def test_whatever_is_typed_is_judged(text):
    is_valid(clean(text))


def test_a_check_character_is_of_seventeen():
    with pytest.raises(ValueError, match="17 characters"):
        check_character("1")
