"""Proves bars and minutes against a second computation of them: SQL over the raw ticks, bit for bit.

The rule is written down where the SQL is (tests/streaming/ingest/oracle.py). `./dev soak oracle` has a million ticks.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.instruments import InstrumentId
from streaming.domain.ticks import Trade
from tests.streaming.ingest.oracle import BEGINS_MS, Told, by_market, by_sql, day_of_trades, in_order
from tests.streaming.ingest.scripted import NINE_THIRTY

SYMBOLS = [InstrumentId.parse(text) for text in ("600519.SH", "000001.SZ", "430047.BJ")]


def _same(told: list[Told], until_ms: int, begins_ms: int = BEGINS_MS) -> None:
    bars, minutes = by_market(told, until_ms, begins_ms)
    wanted_bars, wanted_minutes = by_sql(told)
    assert bars == wanted_bars
    assert minutes == wanted_minutes


@pytest.mark.parametrize("lines", ["a", "ab"])
def test_ticks_shuffled_within_the_closing_delay_make_the_bars_of_sql(lines: str) -> None:
    told, last_ms = day_of_trades(20_000, seed=7, lines=lines)

    _same(told, last_ms)


@pytest.mark.parametrize("lines", ["a", "ab"])
def test_up_to_five_seconds_late_volume_counts_and_prices_follow_the_rule(lines: str) -> None:
    told, last_ms = day_of_trades(20_000, seed=8, late_ms=5_000, lines=lines)

    _same(told, last_ms)


ugly = st.builds(
    lambda symbol, at_ms, price_e4, volume, side: Trade(symbol, at_ms, price_e4, volume, price_e4 * volume, side),
    st.sampled_from(SYMBOLS),
    st.one_of(st.sampled_from([NINE_THIRTY, NINE_THIRTY + 1_499, NINE_THIRTY + 1_500]), st.integers(NINE_THIRTY, NINE_THIRTY + 9_000)),
    st.sampled_from([1, 100, 101, 18_457_600]),  # a tick of one unit, and the dearest share
    st.sampled_from([1, 100, 2**30 - 1]),
    st.sampled_from("BSN"),
)  # fmt: skip


@given(st.lists(st.tuples(ugly, st.integers(0, 449)), min_size=1, max_size=25), st.integers(1, 3))
def test_ugly_trades_within_the_delay_make_the_bars_of_sql(ticks: list[tuple[Trade, int]], copies: int) -> None:
    told = [Told("a", trade, trade.at_ms + late_ms) for trade, late_ms in ticks for _ in range(copies)]

    _same(
        in_order([*told, *(Told("b", one.trade, one.came_ms) for one in told)]),
        NINE_THIRTY + 9_000,
        NINE_THIRTY - 3_000,
    )


@given(st.lists(st.tuples(ugly, st.integers(0, 5_000)), min_size=1, max_size=25))
def test_ugly_trades_that_come_late_make_the_bars_of_sql(ticks: list[tuple[Trade, int]]) -> None:
    told = in_order(Told("a", trade, trade.at_ms + late_ms) for trade, late_ms in ticks)

    _same(told, NINE_THIRTY + 9_000, NINE_THIRTY - 3_000)
