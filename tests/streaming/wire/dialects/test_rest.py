"""A node can be another's upstream: of every shape of market data, reading undoes printing; a peer's garbage is refused."""

import json
from dataclasses import replace as replace_bar
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from kernel.errors import Malformed, PlatformError
from kernel.instruments import InstrumentId
from streaming.domain.intervals import FormedBar
from streaming.domain.statistics import Statistics
from streaming.domain.ticks import Levels, Snapshot, Trade
from streaming.errors import BadParameter
from streaming.reference import directory
from streaming.wire.dialects.alltick import rest as alltick
from streaming.wire.dialects.itick import rest as itick
from streaming.wire.dialects.numbers import e4_of, whole
from streaming.wire.dialects.rt_receiver import rows as rt_rows
from streaming.wire.dialects.tickdb import rest as tickdb

MOUTAI = InstrumentId.parse("600519.SH")
PRICES = st.integers(1, 10**10)
MAYBE = st.integers(0, 10**10)
VOLUMES = st.integers(0, 10**12)
MONEY = st.integers(0, 2**51)  # 225 thousand million: what a float still gives back to the last 1/10,000
INSTANTS = st.integers(10**12, 2 * 10**12)
SIDES = st.lists(st.tuples(PRICES, VOLUMES), max_size=10).map(tuple)
TRADES = st.builds(Trade, st.just(MOUTAI), INSTANTS, PRICES, VOLUMES, MONEY, st.sampled_from("BSN"))
LEVELS = st.builds(Levels, st.just(MOUTAI), INSTANTS, SIDES, SIDES)
PICTURES = st.builds(
    Snapshot, st.just(MOUTAI), INSTANTS, MAYBE, MAYBE, MAYBE, MAYBE, PRICES, VOLUMES, MONEY,
    st.sampled_from(["trading", "halted", "delisted"]),
)  # fmt: skip
BARS = st.lists(
    st.builds(FormedBar, st.integers(10**9, 2 * 10**9).map(lambda s: s * 1000), PRICES, PRICES, PRICES, PRICES, VOLUMES, MONEY),
    max_size=5,
)  # fmt: skip


def wired(value):
    """Send something over a wire."""
    return json.loads(json.dumps(value))


@given(TRADES)
def test_itick_reads_its_ticks_back(trade):
    assert itick.read_tick(wired(itick.tick("600519", trade)), MOUTAI) == replace(trade, side="N")


@given(PICTURES)
def test_itick_reads_its_quotes_back(picture):
    assert itick.read_quote(wired(itick.quote("600519", picture)), MOUTAI) == picture


@given(LEVELS)
def test_itick_reads_its_depth_back(levels):
    assert itick.read_depth(wired(itick.depth("600519", levels, 10)), MOUTAI, levels.at_ms) == levels


@given(BARS)
def test_every_dialect_reads_its_bars_back(bars):
    asked = alltick.Bars("600519.SH", "1m", 5)
    assert itick.read_kline(wired(itick.kline(bars))) == bars
    assert tickdb.read_klines(wired(tickdb.kline("600519.SH", "stock", "1m", bars))) == bars
    assert alltick.read_bars(wired(alltick.kline(asked, bars))["kline_list"]) == bars
    assert alltick.read_bars(wired(alltick.batch_kline([(asked, bars)]))["kline_list"][0]["kline_data"]) == bars


@given(PICTURES)
def test_tickdb_reads_of_its_tickers_what_they_tell(picture):
    told = tickdb.read_ticker(wired(tickdb.ticker("600519.SH", "stock", "Moutai", picture, best=True)), MOUTAI)

    assert told == replace(picture, open_e4=0, cum_turnover_e4=0, phase="")


@given(LEVELS)
def test_tickdb_and_alltick_read_their_depth_back(levels):
    assert tickdb.read_depth(wired(tickdb.depth("600519.SH", "stock", levels, 10)), MOUTAI) == levels
    assert alltick.read_depth_tick(wired(alltick.depth_tick("600519.SH", levels, 1, 10)), MOUTAI) == levels


@given(st.lists(TRADES, max_size=5))
def test_tickdb_and_alltick_read_their_trades_back(trades):
    numbers = list(range(len(trades)))
    by_price = [replace(one, turnover_e4=one.price_e4 * one.volume) for one in trades]
    assert tickdb.read_trades(wired(tickdb.trades("600519.SH", "stock", by_price, numbers)), MOUTAI) == by_price
    for trade in trades:
        assert alltick.read_trade_tick(wired(alltick.trade_tick("600519.SH", trade, 1)), MOUTAI) == trade


def test_a_tick_of_alltick_in_seconds_is_read_as_well():
    assert alltick.read_time("1677830357") == 1_677_830_357_000
    assert alltick.read_time(1_677_830_357_227) == 1_677_830_357_227


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["s", "ld", "t", "v", "a", "b", "p", "code",
    "data", "ret", "klines", "time", "open", "bids", "asks", "trades", "price", "data_list", "symbol_list", "kline_type"]), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(ANYTHING)
def test_whatever_a_peer_answers_is_read_or_refused(answer):
    for read in (
        lambda: itick.read_answer(answer), lambda: itick.read_tick(answer, MOUTAI), lambda: itick.read_quote(answer, MOUTAI),
        lambda: itick.read_depth(answer, MOUTAI, 0), lambda: itick.read_kline(answer), lambda: tickdb.read_answer(answer),
        lambda: tickdb.read_klines(answer), lambda: tickdb.read_ticker(answer, MOUTAI), lambda: tickdb.read_depth(answer, MOUTAI),
        lambda: tickdb.read_trades(answer, MOUTAI), lambda: tickdb.read_trade_days(answer), lambda: alltick.read_answer(answer),
        lambda: alltick.read_bars(answer), lambda: alltick.read_trade_tick(answer, MOUTAI),
        lambda: alltick.read_depth_tick(answer, MOUTAI),
    ):  # fmt: skip
        try:
            read()
        except Malformed:
            continue


@given(st.text(max_size=60) | ANYTHING.map(lambda data: json.dumps({"trace": "1", "data": data})))
def test_whatever_a_client_of_alltick_asks_is_read_or_refused(text):
    try:
        _, data = alltick.read_request(text)
    except PlatformError:
        return
    for read in (alltick.read_bars_request, alltick.read_batch_request, alltick.read_codes):
        try:
            read(data)
        except BadParameter as refused:
            assert refused.message  # noqa: PT017


HUGE = ("1e999999", "-1e999999", 1e308, "nan", "Infinity", 10**5000, "9" * 5000, "", " ", "0x1", True, [], {})


@pytest.mark.parametrize("number", HUGE, ids=range(len(HUGE)))
def test_a_number_that_no_market_has_is_refused_at_once(number):
    for read in (e4_of, whole):
        with pytest.raises(Malformed):
            read(number)


@given(
    st.one_of(
        st.floats(-1e16, 1e16), st.integers(-(10**17) + 1, 10**17 - 1),
        st.builds(lambda e4, places: e4 / 10**places, st.integers(-(10**15), 10**15), st.integers(0, 8)),
    )
)  # fmt: skip
@example(1.00005)
@example(2**50 / 10_000)
@example(0.00005)
def test_a_number_is_read_as_its_decimal_digits_are(number):
    assert e4_of(number) == int((Decimal(str(number)) * 10_000).to_integral_value())


def test_a_query_that_is_nested_without_end_is_refused():
    with pytest.raises(BadParameter, match="nested"):
        alltick.read_request("[" * 100_000)


def test_an_error_of_a_peer_is_told_in_its_own_words():
    with pytest.raises(Malformed, match="E002 auth failed"):
        itick.read_answer({"code": "E002", "msg": "auth failed", "data": None})


def test_tickdbs_line_of_a_minute_has_the_sums_of_the_day_so_far():
    minutes = [
        FormedBar(60_000, 1, 1, 1, 100_000, 100, 100_000_000),
        FormedBar(120_000, 1, 1, 1, 130_000, 200, 250_000_000),
    ]

    assert tickdb.intraday("700.HK", "stock", minutes) == {
        "symbol": "700.HK",
        "lines": [
            {"timestamp": 60_000, "price": "10", "volume": 100, "turnover": "10000", "avg_price": "100"},
            {"timestamp": 120_000, "price": "13", "volume": 300, "turnover": "35000", "avg_price": "116.666667"},
        ],
    }
    assert tickdb.intraday("HSI", "indices", minutes)["lines"][1]["avg_price"] == "13"


@given(PICTURES)
def test_tickdb_tells_no_null_where_its_schema_has_texts(picture):
    assert None not in tickdb.ticker("600519.SH", "stock", "Moutai", picture, best=True).values()


def test_a_volume_whose_turnover_nobody_tells_has_the_price_as_its_average():
    minute = FormedBar(1_790_000_000_000, 10_000, 10_000, 10_000, 10_000, 500, 0)

    (line,) = tickdb.intraday("600519.SH", "stock", [minute])["lines"]

    assert line == {"timestamp": 1_790_000_000_000, "price": "1", "volume": 500, "avg_price": "1"}


UNTOLD_BAR = FormedBar(1_790_000_000_000, 10_000, 10_000, 10_000, 10_000, 500, 0)
UNTOLD_DAY = Snapshot(MOUTAI, 1_790_000_000_000, 9_000, 9_500, 11_000, 9_000, 10_000, 500, 0, "trading")
ASKED = alltick.Bars("600519.SH", "1m", 1, 0)


def test_a_turnover_that_nobody_tells_is_told_as_unknown_in_each_languages_way():
    assert itick.quote("600519", UNTOLD_DAY)["tu"] is None
    assert itick.kline([UNTOLD_BAR])[0]["tu"] is None
    assert itick.tick("600519", Trade(MOUTAI, 1, 10_000, 500, 0))["tu"] is None
    assert alltick.kline(ASKED, [UNTOLD_BAR])["kline_list"][0]["turnover"] == ""
    assert "quote_volume" not in tickdb.klines([UNTOLD_BAR])[0]
    assert "turnover" not in tickdb.indicators("600519.SH", UNTOLD_DAY, None)
    assert rt_rows.row(UNTOLD_DAY, directory(), best=False)["amount"] is None


def test_nothing_traded_has_a_turnover_of_nothing():
    quiet = replace(UNTOLD_DAY, cum_volume=0)

    assert itick.quote("600519", quiet)["tu"] == 0.0
    assert alltick.bars([replace_bar(UNTOLD_BAR, volume=0)])[0]["turnover"] == "0"
    assert tickdb.klines([replace_bar(UNTOLD_BAR, volume=0)])[0]["quote_volume"] == "0"
    assert tickdb.indicators("600519.SH", quiet, None)["turnover"] == "0"
    assert rt_rows.row(quiet, directory(), best=False)["amount"] == 0.0


def test_an_unknown_turnover_is_read_back_as_unknown():
    assert itick.read_kline(wired(itick.kline([UNTOLD_BAR]))) == [UNTOLD_BAR]
    assert alltick.read_bars(wired(alltick.bars([UNTOLD_BAR]))) == [UNTOLD_BAR]
    assert tickdb.read_klines(wired(tickdb.kline("600519.SH", "stock", "1m", [UNTOLD_BAR]))) == [UNTOLD_BAR]


def test_tickdbs_day_has_its_price_and_ratios_with_what_is_known():
    told = Statistics(MOUTAI, date(2026, 9, 21), turnover_rate_e4=1_700, pe_ttm_e4=-203_100, market_cap=5)
    picture = replace(UNTOLD_DAY, cum_turnover_e4=50_000_000)

    assert tickdb.indicators("600519.SH", picture, told) == {
        "symbol": "600519.SH", "last_done": "1", "volume": "500", "change_val": "0.1", "change_rate": "11.11",
        "turnover": "5000", "turnover_rate": "0.17", "pe_ttm_ratio": "-20.31", "total_market_value": "5",
    }  # fmt: skip
