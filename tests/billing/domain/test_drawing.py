"""Timelines as rectangles: inside the drawing, in order, and as high as they have symbols."""

from datetime import UTC, datetime, timedelta

from billing.domain.drawing import Block, draw, scale, ticks
from billing.domain.stacking import Grant, timeline

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def pack(symbols: int, days: int, start: int = 0) -> Grant:
    begin = NOW + timedelta(days=start)
    return Grant(begin, begin + timedelta(days=days), symbols, 2, frozenset({"CN"}), frozenset({"L1"}))


def test_the_most_symbols_fill_the_height_and_the_last_end_the_width():
    segments = timeline([pack(5, 30), pack(15, 60)], NOW)
    until_at, most = scale(segments)

    first, second = draw(segments, until_at=until_at, most=most)

    # 600 wide and 72 high, 6 of them left free above: 20 symbols are 66 high, 15 are 50 (49.5).
    assert first == Block(x=0, y=6, width=300, height=66, symbols=20)
    assert second == Block(x=300, y=22, width=300, height=50, symbols=15)


def test_a_gap_stays_empty():
    segments = timeline([pack(5, 10), pack(5, 10, start=20)], NOW)

    blocks = draw(segments, until_at=NOW + timedelta(days=30), most=5)

    assert [(block.x, block.width) for block in blocks] == [(0, 200), (400, 200)]


def test_what_lies_beyond_the_right_edge_is_cut_off():
    segments = timeline([pack(5, 30), pack(15, 60)], NOW)

    assert draw(segments, until_at=NOW + timedelta(days=15), most=20) == [Block(0, 6, 600, 66, 20)]
    assert len(draw(segments, until_at=NOW + timedelta(days=30), most=20)) == 1
    assert draw(segments, until_at=NOW, most=20) == []


def test_the_shortest_and_the_lowest_block_can_still_be_seen():
    minute = timeline([Grant(NOW, NOW + timedelta(minutes=1), 1, 2, frozenset({"CN"}), frozenset({"L1"}))], NOW)

    assert draw(minute, until_at=NOW + timedelta(days=30), most=1000) == [
        Block(x=0, y=70, width=1, height=2, symbols=1)
    ]


def test_one_symbol_out_of_one_is_as_high_as_can_be():
    assert draw(timeline([pack(1, 30)], NOW), until_at=NOW + timedelta(days=30), most=1) == [Block(0, 6, 600, 66, 1)]


def test_two_drawings_share_a_scale():
    before, after = timeline([pack(5, 30)], NOW), timeline([pack(5, 30), pack(5, 60)], NOW)

    assert scale(before, after) == (NOW + timedelta(days=60), 10)


def test_nothing_draws_nothing():
    assert draw(timeline([], NOW), until_at=NOW, most=0) == []
    assert draw([], until_at=NOW, most=5) == []
    assert draw(timeline([pack(5, 30)], NOW), until_at=NOW + timedelta(days=30), most=0) == []
    assert scale(timeline([], NOW)) == scale() == (None, 0)


def test_the_axis_has_the_beginning_the_end_and_the_changes_that_have_room():
    before, after = timeline([pack(5, 30)], NOW), timeline([pack(5, 30), pack(15, 60)], NOW)

    axis = ticks(before, after, until_at=NOW + timedelta(days=60))

    # 30 of 60 days are half of the width.
    assert [(one.at, one.anchor, one.now) for one in axis] == [
        (0, "start", True), (50.0, "middle", False), (100, "end", False),
    ]  # fmt: skip
    assert axis[1].instant == NOW + timedelta(days=30)


def test_dates_that_would_touch_are_left_out():
    crowded = timeline([pack(5, 2), pack(5, 30), pack(5, 31), pack(5, 60)], NOW)

    assert [one.at for one in ticks(crowded, until_at=NOW + timedelta(days=60))] == [0, 50.0, 100]
    assert ticks([], until_at=NOW) == []
