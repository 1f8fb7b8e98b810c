"""AllTick as a line of a market, through a server that speaks its socket and its REST."""

import itertools
import json
import logging

import pytest

from streaming.domain.calendar import day_start_ms
from tests.streaming.ingest.sources.live.emulators.sockets import KEY, AllTickVendor, serving
from tests.streaming.ingest.sources.live.playing import FRIDAY, Day, Playing

SYMBOLS = ("600519.SH", "000001.SZ")
CODES = SYMBOLS


def trade(
    day: Day, volume: int, *, code: str = "600519.SH", unit: int = 1, number: int = 0, at: str = "", **more
) -> str:
    """Return a trade at ten a share; its volume in lots where `unit` is a hundred."""
    data = {"code": code, "seq": str(number or day.now_ms()), "tick_time": at or str(day.now_ms()), "price": "10.00",
            "volume": str(volume // unit), "turnover": f"{volume * 10}.0", "trade_direction": 1, **more}  # fmt: skip
    return json.dumps({"cmd_id": 22998, "data": data})


def depth(day: Day, **more) -> str:
    data = {"code": "600519.SH", "seq": "1", "tick_time": str(day.now_ms()),
            "bids": [{"price": "9.99", "volume": "3"}], "asks": [{"price": "10.01", "volume": "4"}], **more}  # fmt: skip
    return json.dumps({"cmd_id": 22999, "data": data})


def a_line(day: Day, where: dict[str, str], **more):
    return {"alltick": day.source("alltick", **where, **{"key": KEY, "symbols": SYMBOLS, **more})}


def ready(playing: Playing, vendor: AllTickVendor) -> None:
    playing.until(lambda: vendor.follows("depth", "600519.SH") and vendor.follows("tick", "600519.SH"))


def condition(playing: Playing):
    return playing.market.lines.conditions()["alltick"]


@pytest.mark.parametrize("unit", [1, 100])
def test_trades_make_bars_in_shares_whatever_they_are_counted_in(unit):
    day, vendor = Day(), AllTickVendor()
    with serving(vendor) as where, Playing(day, a_line(day, where)) as playing:
        ready(playing, vendor)
        for volume in (300, 200):
            vendor.say("tick", "600519.SH", trade(day, volume, unit=unit))
        vendor.say("depth", "600519.SH", depth(day))
        playing.until(lambda: playing.volumes() == {"600519.SH": 500} and playing.pictures("600519.SH"))

    assert playing.turnovers() == {"600519.SH": 5_000 * 10_000}
    assert playing.closes() == {"600519.SH": 100_000}
    picture = playing.pictures("600519.SH")[0]
    assert (picture.bids, picture.asks) == (((99_900, 3 * unit),), ((100_100, 4 * unit),))


def test_a_trade_whose_turnover_fits_neither_unit_does_not_count():
    day, vendor = Day(), AllTickVendor()
    with serving(vendor) as where, Playing(day, a_line(day, where)) as playing:
        ready(playing, vendor)
        vendor.say("tick", "600519.SH", trade(day, 300, turnover="31000"))
        playing.until(lambda: playing.market.counters()["unit_unknown"])

    assert playing.volumes() == {}


def test_times_in_seconds_are_read_too():
    day, vendor = Day(), AllTickVendor()
    with serving(vendor) as where, Playing(day, a_line(day, where)) as playing:
        ready(playing, vendor)
        vendor.say("tick", "600519.SH", trade(day, 300, at=str(day.now_ms() // 1000)))
        playing.until(lambda: playing.volumes() == {"600519.SH": 300})


def test_all_codes_are_sent_at_once_and_so_far_apart_as_it_wants():
    day, vendor = Day(), AllTickVendor()
    vendor.gap_seconds = 0.02
    with serving(vendor) as where, Playing(day, a_line(day, where)) as playing:
        ready(playing, vendor)
        vendor.drop()
        playing.until(lambda: vendor.connected >= 2)
        ready(playing, vendor)
        assert condition(playing).problem == ""

    asked = [(at, message) for at, message in vendor.asked if message["cmd_id"] in (22002, 22004)]
    assert [[one["code"] for one in message["data"]["symbol_list"]] for _, message in asked] == [list(CODES)] * 4
    gaps = [after - before for (before, _), (after, _) in itertools.pairwise(asked)]
    assert min(gaps) >= 0.02  # a minute has a thousand here: 0.06 s each


def test_heartbeats_keep_the_connection():
    day, vendor = Day(), AllTickVendor()
    with serving(vendor) as where, Playing(day, a_line(day, where, silence_seconds=0.6)) as playing:
        ready(playing, vendor)
        playing.play(1.5)

        assert vendor.connected == 1
    assert sum(message["cmd_id"] == 22000 for _, message in vendor.asked) >= 5


def test_what_it_passes_over_without_a_word_is_named():
    day, vendor = Day(), AllTickVendor(most=1)
    with serving(vendor) as where, Playing(day, a_line(day, where)) as playing:
        ready(playing, vendor)
        vendor.say("tick", "600519.SH", trade(day, 300))
        playing.until(lambda: "told nothing" in condition(playing).remark)

        assert "000001.SZ" in condition(playing).remark
        assert "TICKPACK_ALLTICK_MOST" in condition(playing).remark


@pytest.mark.parametrize(
    ("code", "words"),
    [(605, "asked too often"), (606, "closes the connection"), (600, "TICKPACK_ALLTICK_SYMBOLS"), (603, "plan"),
     (604, "TICKPACK_ALLTICK_SYMBOLS"), (401, "TICKPACK_ALLTICK_KEY"), (499, "499")],
)  # fmt: skip
def test_a_code_of_refusal_is_one_sentence_and_it_is_tried_again_later(code, words):
    day, vendor = Day(), AllTickVendor()
    vendor.refuses = code
    with serving(vendor) as where, Playing(day, a_line(day, where)) as playing:
        playing.until(lambda: condition(playing).state == "refused")
        assert words in condition(playing).problem
        assert KEY not in condition(playing).problem
        ready(playing, vendor)
        vendor.say("tick", "600519.SH", trade(day, 300))
        playing.until(lambda: playing.volumes() == {"600519.SH": 300})

        assert condition(playing).problem == ""


def test_a_bad_key_is_refused_before_the_upgrade():
    day, vendor = Day(), AllTickVendor()
    with serving(vendor) as where, Playing(day, a_line(day, where, key="another-key")) as playing:
        playing.until(lambda: condition(playing).state == "refused")

        assert condition(playing).problem.startswith("It answers 401 to the connection")
        assert "TICKPACK_ALLTICK_KEY" in condition(playing).problem
        assert "another-key" not in condition(playing).problem


def test_the_same_trade_told_again_counts_once_and_its_twin_counts():
    day, vendor = Day(), AllTickVendor()
    with serving(vendor) as where, Playing(day, a_line(day, where)) as playing:
        ready(playing, vendor)
        at = str(day.now_ms())
        vendor.say("tick", "600519.SH", trade(day, 300, number=7, at=at))
        vendor.say("tick", "600519.SH", trade(day, 300, number=7, at=at))
        vendor.say("tick", "600519.SH", trade(day, 300, number=8, at=at))
        playing.until(lambda: playing.volumes() == {"600519.SH": 600})

    assert playing.market.counters()["told_again"] == 1


def test_yesterdays_last_trade_is_none_of_today():
    day, vendor = Day(), AllTickVendor()
    with serving(vendor) as where, Playing(day, a_line(day, where)) as playing:
        ready(playing, vendor)
        vendor.say("tick", "600519.SH", trade(day, 300, at=str(day_start_ms(FRIDAY) - 3_600_000)))
        playing.until(lambda: playing.market.counters()["another_day"])

    assert playing.volumes() == {}


def test_an_instrument_at_its_limit_has_one_side():
    day, vendor = Day(), AllTickVendor()
    with serving(vendor) as where, Playing(day, a_line(day, where)) as playing:
        ready(playing, vendor)
        vendor.say("tick", "600519.SH", trade(day, 300))
        vendor.say("depth", "600519.SH", depth(day, asks=[{"price": "0", "volume": "0"}]))
        playing.until(lambda: playing.pictures("600519.SH"))

    assert playing.pictures("600519.SH")[0].asks == ()


def test_previous_closes_come_from_its_day_bars():
    day, vendor = Day(), AllTickVendor()
    yesterday, today = ((day_start_ms(FRIDAY) - days * 86_400_000) // 1000 for days in (1, 0))
    bars = [{"timestamp": str(yesterday), "close_price": "9.87"}, {"timestamp": str(today), "close_price": "10.00"}]
    vendor.rest["/batch-kline"] = (
        200, {"ret": 200, "msg": "ok", "data": {"kline_list": [{"code": code, "kline_data": bars} for code in CODES]}},
    )  # fmt: skip
    with serving(vendor) as where, Playing(day, a_line(day, where)) as playing:
        playing.until(lambda: len(playing.references()) == 2)

    assert playing.references() == {"600519.SH": 98_700, "000001.SZ": 98_700}
    ((_, body),) = vendor.asked_of("/batch-kline")
    assert [row["query_kline_num"] for row in body["data"]["data_list"]] == [2, 2]


def test_a_key_in_addresses_stands_in_no_log_at_any_level(caplog):
    caplog.set_level(logging.DEBUG)
    day, vendor = Day(), AllTickVendor()
    vendor.rest["/batch-kline"] = (200, {"ret": 401, "msg": "token invalid"})
    with serving(vendor) as where, Playing(day, a_line(day, where)) as playing:
        ready(playing, vendor)
        playing.until(lambda: condition(playing).remark)
        vendor.drop()
        playing.until(lambda: vendor.connected >= 2)
        remark = condition(playing).remark

    ours = [record for record in caplog.records if record.name != "websockets.server"]  # the emulator's own
    assert len(ours) > 3
    assert not [record for record in ours if KEY in record.getMessage()]
    assert KEY not in remark
