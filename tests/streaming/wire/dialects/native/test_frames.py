"""Market data is written by format strings: every frame is JSON, and says what was told."""

import json

from hypothesis import example, given
from hypothesis import strategies as st

from streaming.domain.intervals import FormedBar
from streaming.records.window import Book, Print
from streaming.wire.dialects.native import frames

prices, counts = st.integers(1, 10**9), st.integers(0, 10**12)
BOOK = Book("600519.SH", 9, 1_500, 10_000, 20_000, 30_000, 15_000, 25_000, 6, 70_000, [(24_000, 1)], [(26_000, 2)])
NOBODY = Book("600519.SH", 9, 1_500, 10_000, 20_000, 30_000, 15_000, 25_000, 6, 70_000, [], [])


def test_a_bar_says_its_window_and_when_it_ended():
    assert frames.bar_encoder(1)("600519.SH", 10_000, 20_000, 5_000, 15_000, 7, 105_000) == (
        '{"type":"kline","symbol":"600519.SH","seq":1,"data":{"open":1.0,"high":2.0,"low":0.5,"close":1.5,'
        '"volume":7,"amount":10.5,"timestamp":"1970-01-01T00:00:01.500Z"}}'
    )


@example(1, 1, 1, 1, 500, 0)
@example(1, 1, 1, 1, 0, 0)
@given(prices, prices, prices, prices, counts, counts)
def test_every_bar_is_json_and_reads_back(open_e4, high_e4, low_e4, close_e4, volume, turnover_e4):
    said = json.loads(frames.bar_encoder(7)("x", open_e4, high_e4, low_e4, close_e4, volume, turnover_e4))

    read = [round(said["data"][name] * 10_000) for name in ("open", "high", "low", "close")]
    assert read == [open_e4, high_e4, low_e4, close_e4]
    amount = None if volume and not turnover_e4 else turnover_e4 / 10_000  # nobody tells it
    assert (said["seq"], said["data"]["volume"], said["data"]["amount"]) == (7, volume, amount)


def test_a_stamp_is_added_to_the_whole_message():
    said = json.loads(frames.stamped('{"type":"kline","data":{}}', closed_ms=1, sent_ms=2))

    assert said == {"type": "kline", "data": {}, "stamp": {"closed_ms": 1, "sent_ms": 2}}


def test_a_bar_of_a_longer_interval_says_where_it_opened_and_whether_it_is_final():
    bar = FormedBar(60_000, 10_000, 20_000, 5_000, 15_000, 7, 105_000)

    said = [json.loads(frames.formed("600519.SH", "1m", 41, bar, final=final)) for final in (False, True)]

    assert [one["final"] for one in said] == [False, True]
    assert (said[0]["interval"], said[0]["seq"], said[0]["data"]["timestamp"]) == ("1m", 41, "1970-01-01T00:01:00.000Z")


def test_a_trade_says_its_own_number_and_instant():
    said = json.loads(frames.tick("600519.SH", Print("600519.SH", 5, 1_501, 15_000, 100, 1_500_000, "S")))

    assert said == {
        "type": "tick", "symbol": "600519.SH", "seq": 5,
        "data": {"price": 1.5, "volume": 100, "amount": 150.0, "side": "S", "timestamp": "1970-01-01T00:00:01.501Z"},
    }  # fmt: skip


def test_a_quote_says_the_day_and_the_best_orders_and_null_where_nobody_offers():
    full, empty = (json.loads(frames.quote("600519.SH", one))["data"] for one in (BOOK, NOBODY))

    assert full == {
        "last": 2.5, "prev_close": 1.0, "open": 2.0, "high": 3.0, "low": 1.5, "volume": 6, "amount": 7.0,
        "bid": 2.4, "bid_volume": 1, "ask": 2.6, "ask_volume": 2, "timestamp": "1970-01-01T00:00:01.500Z",
    }  # fmt: skip
    assert (empty["bid"], empty["bid_volume"], empty["ask"], empty["ask_volume"]) == (None, 0, None, 0)


def test_an_etfs_indicative_value_is_told_where_the_feed_has_one():
    etf = Book("510300.SH", 9, 1_500, 1, 1, 1, 1, 1, 1, 1, [], [], 40_045)

    assert json.loads(frames.quote("510300.SH", etf))["data"]["iopv"] == 4.0045


def test_depth_has_every_order_best_first_and_empty_sides_are_empty():
    full, empty = (json.loads(frames.depth("600519.SH", one))["data"] for one in (BOOK, NOBODY))

    assert (full["bids"], full["asks"]) == ([[2.4, 1]], [[2.6, 2]])
    assert (empty["bids"], empty["asks"]) == ([], [])
