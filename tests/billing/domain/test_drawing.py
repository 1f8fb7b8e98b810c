"""Timelines as rectangles: inside the drawing, in order, and as high as they have symbols."""

from datetime import UTC, datetime, timedelta

from billing.domain.drawing import HEADROOM, HEIGHT, WIDTH, draw, scale
from billing.domain.stacking import Grant, timeline

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def pack(symbols: int, days: int, start: int = 0) -> Grant:
    begin = NOW + timedelta(days=start)
    return Grant(begin, begin + timedelta(days=days), symbols, 2, frozenset({"CN"}), frozenset({"L1"}))


def test_the_most_symbols_fill_the_height_and_the_last_end_the_width():
    segments = timeline([pack(5, 30), pack(15, 60)], NOW)
    until_at, most = scale(segments)

    first, second = draw(segments, until_at=until_at, most=most)

    assert (first.x, first.width, first.height) == (0, WIDTH // 2, HEIGHT - HEADROOM)
    assert (second.x + second.width, second.symbols) == (WIDTH, 15)
    assert first.y + first.height == second.y + second.height == HEIGHT


def test_a_gap_stays_empty():
    segments = timeline([pack(5, 10), pack(5, 10, start=20)], NOW)

    blocks = draw(segments, until_at=NOW + timedelta(days=30), most=5)

    assert [(block.x, block.width) for block in blocks] == [(0, 200), (400, 200)]


def test_two_drawings_share_a_scale():
    before, after = timeline([pack(5, 30)], NOW), timeline([pack(5, 30), pack(5, 60)], NOW)

    assert scale(before, after) == (NOW + timedelta(days=60), 10)


def test_nothing_draws_nothing():
    assert draw(timeline([], NOW), until_at=NOW, most=0) == []
    assert scale(timeline([], NOW)) == (None, 0)
