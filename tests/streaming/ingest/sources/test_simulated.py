"""Proves that the simulated market is repeatable, heavy-tailed, on every product's price grid, and always on."""

from collections import Counter

import pytest

from kernel.instruments import LANES
from streaming.domain.windows import end_ms, seq_of, start_ms
from streaming.ingest.sources import Reading
from streaming.ingest.sources.simulated import BEST_KNOWN, SimulatedMarket, chances, simulated_source
from streaming.reference import directory

FIRST = seq_of(1_795_000_000_000)


def windows(lane: str = "CN", minutes: float = 2, *, seed: int = 7, last_prices: dict[str, int] | None = None):
    """What the source says of each window, without the previous closes that it says first."""
    source = simulated_source(
        lane=lane, directory=directory(), seed=seed, last_prices=last_prices or {}, begins_anew=False, first_seq=FIRST
    )
    return list(source.read(end_ms(FIRST - 1 + round(minutes * 40))))


def moved(window: Reading) -> set[str]:
    return {str(trade.instrument) for trade in window.ticks}


def test_about_sixty_names_move_in_a_window_over_both_markets() -> None:
    of_both = windows("CN", 5), windows("HK", 5)

    movers = sum(len(moved(window)) for lane in of_both for window in lane) / len(of_both[0])

    assert 55 <= movers <= 65


def test_the_best_known_names_move_in_every_window_and_most_move_rarely() -> None:
    told = windows("CN", 5)
    counts = Counter(symbol for window in told for symbol in moved(window))

    best = [symbol for symbol in BEST_KNOWN if not symbol.endswith(".HK")]
    assert all(counts[symbol] == len(told) for symbol in best)
    rare = [i.symbol for i in directory().in_lane("CN") if counts[i.symbol] < len(told) / 10]
    assert len(rare) > len(directory().in_lane("CN")) / 2


def test_the_same_seed_makes_the_same_market_and_another_seed_another() -> None:
    assert windows() == windows()
    assert windows() != windows(seed=8)


@pytest.mark.parametrize("lane", ["CN", "HK"])
def test_prices_stand_on_the_grid_and_volumes_are_lots(lane: str) -> None:
    for window in windows(lane, 3):
        for trade in window.ticks:
            instrument = directory().resolve(str(trade.instrument))
            assert trade.price_e4 > 0
            assert trade.volume > 0
            assert trade.turnover_e4 > 0
            if instrument.kind != "index":
                assert trade.price_e4 % instrument.tick_e4(trade.price_e4) == 0, trade
                assert trade.volume % instrument.lot == 0


def test_prices_stay_near_where_they_started_for_long() -> None:
    closes = {str(trade.instrument): trade.price_e4 for window in windows("HK", 90) for trade in window.ticks}

    for symbol, close_e4 in closes.items():
        assert 0.8 < close_e4 / directory().resolve(symbol).prev_close_e4 < 1.25, symbol


def test_prices_go_on_from_where_they_stood() -> None:
    # Twice the price of the list: the pull towards it takes hours.
    twice = 2 * directory().resolve("600519.SH").prev_close_e4

    told = windows("CN", 0.1, last_prices={"600519.SH": twice})

    prices = [trade.price_e4 for window in told for trade in window.ticks if str(trade.instrument) == "600519.SH"]
    assert all(0.95 < price / twice < 1.05 for price in prices)


def test_a_trade_is_told_at_its_time_and_the_best_orders_at_the_windows_end() -> None:
    source = simulated_source(
        lane="CN", directory=directory(), seed=7, last_prices={}, begins_anew=False, first_seq=FIRST
    )
    told = []
    for now_ms in range(start_ms(FIRST), end_ms(FIRST), 10):
        for reading in source.read(now_ms):
            assert all(now_ms - 10 < trade.at_ms <= now_ms for trade in reading.ticks)
            told += reading.ticks
            assert not reading.levels
    last, *_ = source.read(end_ms(FIRST))

    assert {seq_of(trade.at_ms) for trade in told} == {FIRST}
    assert {seq_of(levels.at_ms) for levels in last.levels} == {FIRST}
    assert last.received_ms == end_ms(FIRST)
    assert list(source.read(end_ms(FIRST))) == []


def test_a_new_stream_begins_with_every_previous_close() -> None:
    source = simulated_source(
        lane="HK", directory=directory(), seed=7, last_prices={}, begins_anew=True, first_seq=FIRST
    )

    (first,) = source.read(start_ms(FIRST))

    told = {str(close.instrument): close.price_e4 for close in first.previous_closes}
    assert told == {i.symbol: i.prev_close_e4 for i in directory().in_lane("HK")}
    assert list(source.read(start_ms(FIRST))) == []


def test_test_cn_is_not_part_of_any_market() -> None:
    assert "TEST.CN" not in chances(directory(), 7)
    assert LANES == ("CN", "HK", "TEST")


def test_an_etf_has_an_indicative_value_and_a_stock_has_none() -> None:
    market = SimulatedMarket(lane="CN", directory=directory(), seed=7, last_prices={})
    values = {}
    for seq in range(1_000, 1_020):
        list(market.trades_of(seq))
        values |= {str(levels.instrument): levels.iopv_e4 for levels in market.levels_of(seq)}
    assert abs(values["510300.SH"] - 40_000) < 10_000
    assert values["600519.SH"] == 0
