"""TickDB as a line of a market, through a server that speaks its socket and its REST."""

import json

import pytest

from streaming.domain.calendar import day_start_ms
from tests.streaming.ingest.sources.live.emulators.sockets import KEY, TickDBVendor, serving
from tests.streaming.ingest.sources.live.playing import FRIDAY, Day, Playing

SYMBOLS = ("600519.SH", "000001.SZ")


def ticker(day: Day, volume: int, *, symbol: str = "600519", **more) -> str:
    """Return a ticker at ten; no opening, no turnover."""
    data = {"symbol": symbol, "last_price": "10.00", "volume_24h": str(volume), "high_24h": "10.50", "low_24h": "9.50",
            "price_change_24h": "0.10", "timestamp": day.now_ms(), **more}  # fmt: skip
    return json.dumps({"cmd": "ticker", "data": data})


def row(day: Day, number: int, quantity: int, price: str = "10.00") -> dict:
    return {"id": str(number), "price": price, "quantity": str(quantity), "side": "buy", "timestamp": day.now_ms()}


def trades(symbol: str, *rows: dict) -> str:
    return json.dumps({"cmd": "trade", "data": {"symbol": symbol, "trades": list(rows)}})


def a_line(day: Day, where: dict[str, str], lane: str = "CN", **more):
    return {"tickdb": day.source("tickdb", lane=lane, **where, **{"key": KEY, "symbols": SYMBOLS, **more})}


def ready(playing: Playing, vendor: TickDBVendor, symbol: str = "600519.SH", channel: str = "depth") -> None:
    playing.until(lambda: vendor.follows(channel, symbol))


def condition(playing: Playing):
    return playing.market.lines.conditions()["tickdb"]


def test_tickers_make_bars_of_shares_out_of_lots():
    day, vendor = Day(), TickDBVendor()
    with serving(vendor) as where, Playing(day, a_line(day, where)) as playing:
        ready(playing, vendor)
        vendor.say("ticker", "600519.SH", ticker(day, 1_000))
        playing.until(lambda: playing.references())
        vendor.say("ticker", "600519.SH", ticker(day, 1_007))
        playing.until(lambda: playing.volumes())

    assert (playing.volumes(), playing.references()) == ({"600519.SH": 700}, {"600519.SH": 99_000})


def test_hong_kong_is_in_shares():
    day, vendor = Day(), TickDBVendor()
    with serving(vendor) as where:
        lines = a_line(day, where, lane="HK", symbols=("700.HK",))
        with Playing(day, lines, lane="HK") as playing:
            ready(playing, vendor, "700.HK")
            vendor.say("ticker", "700.HK", ticker(day, 1_000, symbol="700"))
            playing.until(lambda: playing.references())
            vendor.say("ticker", "700.HK", ticker(day, 1_007, symbol="700"))
            playing.until(lambda: playing.volumes())

    assert playing.volumes() == {"00700.HK": 7}


def test_a_push_without_an_exchange_is_of_what_was_subscribed():
    day, vendor = Day(), TickDBVendor()
    with serving(vendor) as where, Playing(day, a_line(day, where)) as playing:
        ready(playing, vendor, "000001.SZ")
        vendor.say("ticker", "000001.SZ", ticker(day, 1_000, symbol="000001"))
        playing.until(lambda: playing.references())

    assert playing.references() == {"000001.SZ": 99_000}


def test_a_push_that_may_be_of_two_instruments_is_of_none_and_that_is_said():
    day, vendor = Day(), TickDBVendor()
    with serving(vendor) as where:
        lines = a_line(day, where, symbols=("000001.SZ", "000001.SH"), units=("index=lots",))
        with Playing(day, lines) as playing:
            ready(playing, vendor, "000001.SZ")
            vendor.say("ticker", "000001.SZ", ticker(day, 1_000, symbol="000001"))
            playing.until(lambda: playing.market.counters()["ambiguous_symbol"])
            vendor.say("ticker", "000001.SZ", ticker(day, 1_000, symbol="000001.SZ"))
            playing.until(lambda: playing.references())

            assert "000001" in condition(playing).remark
    assert playing.references() == {"000001.SZ": 99_000}


@pytest.mark.parametrize("flat", [False, True])
def test_trades_are_read_as_a_list_and_alone(flat):
    day, vendor = Day(), TickDBVendor()
    with serving(vendor) as where, Playing(day, a_line(day, where)) as playing:
        ready(playing, vendor)
        one, two = row(day, 1, 3), row(day, 2, 2)
        if flat:
            for told in (one, two):
                text = json.dumps({"cmd": "trade", "data": {"symbol": "600519", **told}})
                vendor.say("trade", "600519.SH", text)
        else:
            vendor.say("trade", "600519.SH", trades("600519", one, two))
        playing.until(lambda: playing.volumes() == {"600519.SH": 500})

    assert playing.turnovers() == {"600519.SH": 5_000 * 10_000}  # of a trade that is price times shares


def test_trades_that_are_told_again_after_a_reconnect_count_once():
    day, vendor = Day(), TickDBVendor()
    with serving(vendor) as where, Playing(day, a_line(day, where)) as playing:
        ready(playing, vendor)
        one, two = row(day, 1, 3), row(day, 2, 2)
        vendor.say("trade", "600519.SH", trades("600519", one))
        playing.until(lambda: playing.volumes() == {"600519.SH": 300})
        vendor.drop()
        playing.until(lambda: vendor.connected >= 2)
        ready(playing, vendor)
        vendor.say("trade", "600519.SH", trades("600519", one, two))
        playing.until(lambda: playing.volumes() == {"600519.SH": 500})


def test_totals_fill_what_the_tape_has_missed():
    day, vendor = Day(), TickDBVendor()
    with serving(vendor) as where, Playing(day, a_line(day, where)) as playing:
        ready(playing, vendor)
        vendor.say("ticker", "600519.SH", ticker(day, 1_000))
        playing.until(lambda: playing.references())
        playing.play(0.05)
        vendor.say("trade", "600519.SH", trades("600519", row(day, 1, 3)))
        playing.until(lambda: playing.volumes() == {"600519.SH": 300})
        vendor.say("ticker", "600519.SH", ticker(day, 1_010))
        playing.until(lambda: playing.volumes() == {"600519.SH": 1_000})

    assert playing.market.counters()["tape_filled"] == 700


def test_a_unit_that_nobody_has_published_is_asked_of_the_operator():
    day, vendor = Day(), TickDBVendor()
    with serving(vendor) as where, Playing(day, a_line(day, where, symbols=("688981.SH",))) as playing:
        ready(playing, vendor, "688981.SH")
        vendor.say("ticker", "688981.SH", ticker(day, 1_000, symbol="688981"))
        playing.until(lambda: playing.market.counters()["unit_unknown"])

        assert "TICKPACK_TICKDB_UNITS" in condition(playing).remark
        assert "star=shares" in condition(playing).remark
    with serving(vendor) as where:
        lines = a_line(day, where, symbols=("688981.SH",), units=("star=shares",))
        with Playing(day, lines) as playing:
            ready(playing, vendor, "688981.SH")
            vendor.say("ticker", "688981.SH", ticker(day, 1_000, symbol="688981"))
            playing.until(lambda: playing.references())
            vendor.say("ticker", "688981.SH", ticker(day, 1_017, symbol="688981"))
            playing.until(lambda: playing.volumes() == {"688981.SH": 17})

            assert condition(playing).remark == ""


def test_a_bad_key_is_refused_before_the_upgrade():
    day, vendor = Day(), TickDBVendor()
    with serving(vendor) as where, Playing(day, a_line(day, where, key="another-key")) as playing:
        playing.until(lambda: condition(playing).state == "refused")

        assert "TICKPACK_TICKDB_KEY" in condition(playing).problem
        assert "another-key" not in condition(playing).problem


def test_too_many_symbols_are_a_refusal_with_the_variable_and_no_loop():
    day, vendor = Day(), TickDBVendor(most=1)
    with serving(vendor) as where, Playing(day, a_line(day, where)) as playing:
        playing.until(lambda: condition(playing).state == "refused")
        assert "TICKPACK_TICKDB_MOST" in condition(playing).problem
        playing.play(1.0)

    assert vendor.connected <= 6


def test_a_channel_that_the_plan_has_not_leaves_the_totals():
    day, vendor = Day(), TickDBVendor()
    vendor.without = ("trade", "depth")
    with serving(vendor) as where, Playing(day, a_line(day, where)) as playing:
        ready(playing, vendor, channel="ticker")
        playing.until(lambda: "plan" in condition(playing).remark)
        vendor.say("ticker", "600519.SH", ticker(day, 1_000))
        playing.until(lambda: playing.references())

        assert condition(playing).state == "live"


def test_symbols_that_it_does_not_follow_are_named():
    day, vendor = Day(), TickDBVendor()
    vendor.unknown = ("000001.SZ",)
    with serving(vendor) as where, Playing(day, a_line(day, where)) as playing:
        playing.until(lambda: "000001.SZ" in condition(playing).remark)
        ready(playing, vendor)

        assert condition(playing).state == "live"


def test_a_dropped_connection_subscribes_everything_again_and_the_sum_is_whole():
    day, vendor = Day(), TickDBVendor()
    with serving(vendor) as where, Playing(day, a_line(day, where, batch=1)) as playing:
        ready(playing, vendor, "000001.SZ")
        vendor.say("ticker", "600519.SH", ticker(day, 1_000))
        playing.until(lambda: playing.references())
        vendor.drop()
        playing.until(lambda: vendor.connected >= 2)
        ready(playing, vendor, "000001.SZ")
        vendor.say("ticker", "600519.SH", ticker(day, 1_050))
        playing.until(lambda: playing.volumes() == {"600519.SH": 5_000})


def test_hong_kongs_previous_closes_are_asked_for_one_by_one():
    day, vendor = Day(), TickDBVendor()
    times = [day_start_ms(FRIDAY) - days * 86_400_000 for days in (2, 1, 0)]
    bars = [
        {"time": at, "open": "9", "high": "11", "low": "9", "close": f"9.{nth}", "volume": "1", "quote_volume": "1"}
        for nth, at in enumerate(times)
    ]
    vendor.rest["/v1/market/kline"] = (200, {"code": 0, "message": "success", "data": {"klines": bars}})
    with serving(vendor) as where:
        lines = a_line(day, where, lane="HK", symbols=("700.HK", "5.HK"))
        with Playing(day, lines, lane="HK") as playing:
            playing.until(lambda: len(playing.references()) == 2)

    assert playing.references() == {"00700.HK": 91_000, "00005.HK": 91_000}
    assert [query["symbol"] for query, _ in vendor.asked_of("/v1/market/kline")] == ["700.HK", "5.HK"]
