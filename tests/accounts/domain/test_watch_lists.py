"""Names and symbols of watch lists, and two devices that change one list."""

import pytest

from accounts.domain.watch_lists import MOST_SYMBOLS, changed, name_of, symbols_of
from accounts.errors import BadWatchList, WatchListFull


def test_a_name_is_one_line_with_single_spaces():
    assert name_of("  my \n banks ") == "my banks"


@pytest.mark.parametrize("text", ["", "   ", "x" * 41, None, 7, "a\x00b"])
def test_what_is_no_name_is_refused(text):
    with pytest.raises(BadWatchList):
        name_of(text)


def test_symbols_are_canonical_once_and_in_their_order():
    assert symbols_of(["700.hk", "600519.SH", "00700.HK", "test.cn"]) == ["00700.HK", "600519.SH", "TEST.CN"]


@pytest.mark.parametrize("asked", ["600519.SH", ["600519"], [7], None, {"a": 1}])
def test_what_is_no_list_of_symbols_is_refused(asked):
    with pytest.raises(BadWatchList):
        symbols_of(asked)


def test_one_symbol_more_than_a_list_has_room_for_is_refused():
    full = [f"{code:05}.HK" for code in range(1, MOST_SYMBOLS + 1)]

    assert symbols_of(full) == full
    with pytest.raises(WatchListFull):
        symbols_of([*full, "600519.SH"])
    with pytest.raises(WatchListFull):
        changed(full, add=["600519.SH"])


def test_an_order_that_was_made_elsewhere_keeps_what_was_added_meanwhile():
    assert changed(["A", "B", "C"], order=["C", "A"]) == ["C", "A", "B"]


def test_an_order_brings_back_nothing_that_was_removed_meanwhile():
    assert changed(["A", "B"], order=["X", "B", "A"]) == ["B", "A"]


def test_adding_twice_and_removing_what_is_not_there_change_nothing():
    assert changed(["A", "B"], add=["B"], remove=["X"]) == ["A", "B"]
