"""Each source's words for an instrument's state, and that what nobody knows says nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.domain.states import STATES, state_of


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("TRADE", "trading"), ("OCALL", "trading"), ("CLOSE", "trading"), ("SUSP", "suspended"), ("VOLA", "halted"),
        ("T111", "trading"), ("P111", "suspended"), ("M110", "halted"), ("N000", "halted"), ("V111", "halted"),
        ("T0", "trading"), ("E0", "trading"), ("T1", "suspended"), ("S1", "suspended"), ("H0", "halted"), ("H1", "suspended"),
        ("00", "trading"), ("01", "halted"), ("04", "halted"), ("02", "suspended"), ("03", "suspended"), ("07", "suspended"),
        ("-2", "delisted"), ("-3", "delisted"),
        ("3", "trading"), ("11", "trading"), ("8", "halted"), ("9", "halted"), ("16", "halted"), ("20", "suspended"),
        ("halted", "halted"), ("Suspended", "suspended"), (" trading ", "trading"), ("停牌", "suspended"), ("临时停牌", "halted"),
        ("", ""), ("X0", ""), ("T5", ""), ("T11", ""), ("-1", ""), ("99", ""), ("?", ""), ("TRADING!", ""), ("T٣", ""),
    ],
)  # fmt: skip
def test_a_word_says_one_state_or_none(word, state):
    assert state_of(word) == state


@given(st.text(max_size=12))
def test_no_word_says_anything_else(word):
    assert state_of(word) in ("", *STATES)
