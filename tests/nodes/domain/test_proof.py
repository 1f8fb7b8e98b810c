"""What a report of deliveries or of symbols' days must look like, and how a share is written."""

import pytest

from nodes.domain.proof import misses_aim, read_delivery, read_symbol_days, share_text

ROW = {"customer": "c", "market": "CN", "day": "2026-03-10", "bars": {"600519.SH": [40, 39, 2]}}
DELIVERY = {"id": "p:1", "node": "sh-1", "rows": [ROW]}
SYMBOL = {
    "rows": 9, "bars": 4, "gaps": 1, "longest_gap_ms": 61_000, "first_ms": 1, "last_ms": 2, "lines": {"a": 4},
    "refused": {"price": 1}, "copies": 3,
}  # fmt: skip
SYMBOLS = {"market": "CN", "day": "2026-03-10", "symbols": {"600519.SH": SYMBOL}}


def test_bodies_are_read_and_unknown_fields_are_left_alone():
    assert read_delivery({**DELIVERY, "newer": 1}).rows[0].bars == {"600519.SH": (40, 39, 2)}
    assert read_symbol_days(SYMBOLS).symbols["600519.SH"].refused == {"price": 1}


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": ""},
        {"id": "x" * 111},
        {"rows": [{**ROW, "day": "yesterday"}]},
        {"rows": [{**ROW, "bars": {"600519.SH": [40, 39]}}]},
        {"rows": [{**ROW, "bars": {"600519.SH": [-1, 0, 0]}}]},
        {"rows": [{**ROW, "bars": {"x" * 17: [1, 1, 0]}}]},
        {"rows": [{**ROW, "bars": {"600519.SH": [2**54, 0, 0]}}]},
    ],
)
def test_what_is_no_delivery_is_refused(wrong):
    with pytest.raises(ValueError, match=r"Expected|Invalid"):
        read_delivery({**DELIVERY, **wrong})


@pytest.mark.parametrize("wrong", [{"rows": -1}, {"copies": None}, {"first_ms": 2**60}, {"lines": ["a"]}])
def test_what_is_no_symbols_day_is_refused(wrong):
    with pytest.raises(ValueError, match=r"Expected|Invalid"):
        read_symbol_days({**SYMBOLS, "symbols": {"600519.SH": {**SYMBOL, **wrong}}})


@pytest.mark.parametrize(
    ("part", "whole", "text", "misses"),
    [
        (0, 0, "", False),
        (1_000_000, 1_000_000, "100.00 %", False),
        (999_999, 1_000_000, "99.99 %", False),  # never rounded up
        (9_990, 10_000, "99.90 %", False),
        (9_989, 10_000, "99.89 %", True),
        (0, 7, "0.00 %", True),
    ],
)
def test_a_share_is_cut_and_held_against_the_aim(part, whole, text, misses):
    assert share_text(part, whole) == text
    assert misses_aim(part, whole) is misses
