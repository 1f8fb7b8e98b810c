"""Proves that TEST.CN moves in every window, a cent at a time, from 10.00 up to 10.40 and down again."""

from streaming.domain.windows import end_ms, start_ms
from streaming.ingest.sources.test import always_moving


def test_two_minutes_of_test_cn_go_up_forty_cents_and_down_again() -> None:
    _, *windows = always_moving(first_seq=800).read(end_ms(879) - 1)

    prices = [window.ticks[0].price_e4 for window in windows]
    assert prices == [100_000 + 100 * step for step in (*range(40), *range(40, 0, -1))]
    assert {window.ticks[0].volume for window in windows} == {100}
    assert windows[0].ticks[0].at_ms == start_ms(800)


def test_every_window_has_a_price_to_buy_and_one_to_sell_at() -> None:
    _, window = always_moving(first_seq=800).read(end_ms(800) - 1)

    (levels,) = window.levels
    assert (levels.bids[0], levels.asks[0]) == ((99_900, 500), (100_100, 400))


def test_where_it_stands_is_said_at_every_start() -> None:
    (begins,) = always_moving(first_seq=800).read(start_ms(800) - 1)

    assert [(str(close.instrument), close.price_e4) for close in begins.previous_closes] == [("TEST.CN", 100_000)]
