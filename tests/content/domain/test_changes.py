"""Lines that went and came between two versions of a text."""

from content.domain.changes import MOST_LINES, changed_lines


def test_what_went_and_what_came_are_told_in_their_order():
    assert changed_lines("a\n\nb\nc\n", "a\n\nB\nc\nd\n") == [("-", "b"), ("+", "B"), ("+", "d")]


def test_the_same_text_has_no_changes():
    assert changed_lines("a\nb", "a\nb\n") == []


def test_a_long_change_is_cut():
    assert len(changed_lines("", "x\n" * 500)) == MOST_LINES
