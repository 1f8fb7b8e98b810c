"""How many levels a side a plan sees."""

import pytest

from kernel.instruments import InstrumentId
from streaming.domain.levels import most_levels


@pytest.mark.parametrize(
    ("symbol", "levels", "most"),
    [
        ("600519.SH", {"L1"}, 5),
        ("920186.BJ", {"L1"}, 5),
        ("00700.HK", {"L1"}, 1),
        ("TEST.CN", {"L1"}, 5),
        ("600519.SH", {"L2"}, 1000),
        ("00700.HK", {"L1", "L2"}, 1000),
        ("600519.SH", set(), 0),
        ("00700.HK", set(), 0),
    ],
)
def test_l2_shows_all_and_l1_five_or_in_hong_kong_one(symbol, levels, most):
    assert most_levels(levels, InstrumentId.parse(symbol)) == most
