"""Proves that the simulated market is repeatable, heavy-tailed, on every product's price grid, and always on."""

from collections import Counter

import pytest

from kernel.instruments import LANES
from streaming.ingest.sources import FeedWindow
from streaming.ingest.sources.simulated import BEST_KNOWN, Market, chances, simulated_market
from streaming.ingest.sources.wall import CATCH_UP_WINDOWS, WallFeed
from streaming.reference import directory

NOW = 1_795_000_000_000


def market(lane: str = "CN", *, seed: int = 7, now_ms: int = NOW, **more) -> WallFeed:
    options = {"last_prices": {}, "resume_after": None} | more
    return simulated_market(
        lane=lane, directory=directory(), seed=seed, now_ms=now_ms, close_delay_ms=500, **options
    )  # fmt: skip


def minutes(feed: WallFeed, count: float = 2) -> list[FeedWindow]:
    return list(feed.due(NOW + round(count * 60_000)))


def test_about_sixty_names_move_in_a_window_over_both_markets() -> None:
    windows = minutes(market("CN"), 5), minutes(market("HK"), 5)

    movers = sum(len(window.closed.bars) for lane in windows for window in lane) / len(windows[0])

    assert 55 <= movers <= 65


def test_the_best_known_names_move_in_every_window_and_most_move_rarely() -> None:
    windows = minutes(market("CN"), 5)
    moved = Counter(bar.symbol for window in windows for bar in window.closed.bars)

    best = [symbol for symbol in BEST_KNOWN if not symbol.endswith(".HK")]
    assert all(moved[symbol] == len(windows) for symbol in best)
    rare = [i.symbol for i in directory().in_lane("CN") if moved[i.symbol] < len(windows) / 10]
    assert len(rare) > len(directory().in_lane("CN")) / 2


def test_the_same_seed_makes_the_same_market_and_another_seed_another() -> None:
    assert minutes(market()) == minutes(market())
    assert minutes(market()) != minutes(market(seed=8))


@pytest.mark.parametrize("lane", ["CN", "HK"])
def test_prices_stand_on_the_grid_and_volumes_are_lots(lane: str) -> None:
    for window in minutes(market(lane), 3):
        for bar in window.closed.bars:
            instrument = directory().resolve(bar.symbol)
            assert 0 < bar.low_e4 <= min(bar.open_e4, bar.close_e4) <= max(bar.open_e4, bar.close_e4) <= bar.high_e4
            assert bar.volume > 0
            assert bar.turnover_e4 > 0
            if instrument.kind != "index":
                assert bar.close_e4 % instrument.tick_e4(bar.close_e4) == 0, bar
                assert bar.volume % instrument.lot == 0


def test_prices_stay_near_where_they_started_for_long() -> None:
    closes = {bar.symbol: bar.close_e4 for window in minutes(market("HK"), 90) for bar in window.closed.bars}

    for symbol, close_e4 in closes.items():
        assert 0.8 < close_e4 / directory().resolve(symbol).prev_close_e4 < 1.25, symbol


def test_a_window_closes_half_a_second_after_its_end_and_not_before() -> None:
    feed = market(now_ms=NOW)
    end = (NOW - 500) // 1500 * 1500 + 1500

    assert list(feed.due(end + 499)) == []
    assert [window.closed.seq * 1500 for window in feed.due(end + 500)] == [end]


def test_a_stream_that_goes_on_has_no_gap_and_catches_up_ten_minutes_at_most() -> None:
    last = NOW // 1500

    short = next(market(resume_after=last - 20).due(NOW))
    long = next(market(resume_after=last - 5000).due(NOW))

    assert short.closed.seq == last - 19
    assert last - CATCH_UP_WINDOWS - 1 <= long.closed.seq <= last - CATCH_UP_WINDOWS + 1


def test_a_new_stream_begins_with_every_previous_close() -> None:
    first = minutes(market("HK"))[0]

    assert {symbol for symbol, _ in first.closed.references} == {i.symbol for i in directory().in_lane("HK")}


def test_the_turn_of_the_day_makes_last_prices_previous_closes() -> None:
    midnight = (NOW + 8 * 3_600_000) // 86_400_000 * 86_400_000 + 86_400_000 - 8 * 3_600_000
    feed = market("HK", now_ms=midnight - 60_000)

    windows = list(feed.due(midnight + 10_000))

    before = [w for w in windows if w.closed.seq * 1500 <= midnight]
    turned = next(w for w in windows if w.closed.seq * 1500 > midnight)
    closes = {bar.symbol: bar.close_e4 for w in before for bar in w.closed.bars}
    assert dict(turned.closed.references).items() >= closes.items()


def test_test_cn_is_not_part_of_any_market() -> None:
    assert "TEST.CN" not in chances(directory(), 7)
    assert LANES == ("CN", "HK", "TEST")


def test_an_etf_has_an_indicative_value_and_a_stock_has_none():
    market = Market(lane="CN", directory=directory(), seed=7, last_prices={})
    told = {}
    for seq in range(1_000, 1_020):
        list(market.trades_of(seq))
        told |= {str(one.instrument): one.iopv_e4 for one in market.levels_of(seq)}
    assert abs(told["510300.SH"] - 40_000) < 10_000
    assert told["600519.SH"] == 0
