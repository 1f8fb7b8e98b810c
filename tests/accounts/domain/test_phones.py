"""A number is the same however it is written, and one of another country is none."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.domain.phones import PATTERN, masked, normal_number


@pytest.mark.parametrize(
    "written",
    [
        "13800138000", "+8613800138000", "8613800138000", "008613800138000", "138 0013 8000", "+86 138-0013-8000",
        "（86）13800138000", " 138\u00a00013\u30008000 ", "１３８００１３８０００", "＋８６１３８００１３８０００",
    ],
)  # fmt: skip
def test_a_number_is_kept_in_one_way(written):
    assert normal_number(written) == "+8613800138000"


@pytest.mark.parametrize(
    "written",
    [
        "", "1380013800", "138001380001", "12800138000", "010 8888 8888", "+85251234567", "+1 415 555 0100", "86",
        "+86 86 13800138000", "13800l38000", "١٣٨٠٠١٣٨٠٠٠", "+8613800138000\n+8613900139000",
    ],
)  # fmt: skip
def test_what_is_none_is_refused(written):
    with pytest.raises(ValueError, match="mainland"):
        normal_number(written)


@given(st.text())
def test_nothing_that_can_be_written_comes_out_as_anything_but_a_number(written):
    try:
        number = normal_number(written)
    except ValueError:
        return
    assert re.fullmatch(PATTERN, number)


def test_four_digits_in_the_middle_are_hidden():
    assert masked("+8613800138000") == "138****8000"
