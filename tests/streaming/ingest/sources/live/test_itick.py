"""iTick as a line of a market, through a server that speaks its socket and its REST."""

import json

from kernel.instruments import Venue
from streaming.domain.ticks import Trade
from streaming.reference import directory
from tests.streaming.ingest.sources.live.emulators.sockets import KEY, ITickVendor, serving
from tests.streaming.ingest.sources.live.playing import Day, Playing

SYMBOLS = ("600519.SH", "000001.SZ", "700.HK")


def quote(day: Day, volume: int, *, code: str = "600519", region: str = "SH", unit: int = 100, **more) -> str:
    """Return a quote at ten a share, whose volume is in lots unless told otherwise."""
    data = {"s": code, "r": region, "ld": 10.0, "o": 9.9, "h": 10.5, "l": 9.5, "p": 9.9, "t": day.now_ms(),
            "v": volume // unit, "tu": volume * 10.0, "ts": 0, "type": "quote", **more}  # fmt: skip
    return json.dumps({"code": 1, "data": data})


def tick(
    day: Day, volume: int, *, code: str = "600519", region: str = "SH", price: float = 10.0, at_ms: int = 0
) -> str:
    data = {"s": code, "r": region, "ld": price, "v": volume, "t": at_ms or day.now_ms(), "type": "tick"}
    return json.dumps({"code": 1, "data": data})


def a_line(day: Day, where: dict[str, str], **more):
    return {"itick": day.source("itick", **where, **{"key": KEY, "symbols": SYMBOLS, **more})}


def ready(playing: Playing, vendor: ITickVendor, *symbols: str) -> None:
    playing.until(lambda: all(vendor.follows("depth", symbol) for symbol in symbols or ("600519$SH", "000001$SZ")))


def condition(playing: Playing):
    return playing.market.lines.conditions()["itick"]


def test_quotes_make_bars_in_shares_whatever_they_are_counted_in():
    day, vendor = Day(), ITickVendor()
    with serving(vendor) as where, Playing(day, a_line(day, where)) as playing:
        ready(playing, vendor)
        vendor.say("quote", "600519$SH", quote(day, 100_000))
        vendor.say("quote", "000001$SZ", quote(day, 100_000, code="000001", region="SZ", unit=1))
        playing.until(lambda: len(playing.references()) == 2)
        vendor.say("quote", "600519$SH", quote(day, 100_700))
        vendor.say("quote", "000001$SZ", quote(day, 100_050, code="000001", region="SZ", unit=1))
        playing.until(lambda: len(playing.volumes()) == 2)

    assert playing.volumes() == {"600519.SH": 700, "000001.SZ": 50}
    assert playing.turnovers() == {"600519.SH": 7_000 * 10_000, "000001.SZ": 500 * 10_000}
    assert playing.references() == {"600519.SH": 99_000, "000001.SZ": 99_000}
    assert (condition(playing).state, condition(playing).problem) == ("ended", "")


def test_a_quote_whose_turnover_fits_neither_unit_does_not_count():
    day, vendor = Day(), ITickVendor()
    with serving(vendor) as where, Playing(day, a_line(day, where)) as playing:
        ready(playing, vendor)
        vendor.say("quote", "600519$SH", quote(day, 100_000, unit=10))
        playing.until(lambda: playing.market.counters()["unit_unknown"])

    assert playing.pictures("600519.SH") == []


def test_until_it_is_known_what_a_ticks_volume_is_quotes_count_and_nothing_is_lost():
    day, vendor = Day(), ITickVendor()
    with serving(vendor) as where, Playing(day, a_line(day, where)) as playing:
        ready(playing, vendor)
        vendor.say("quote", "600519$SH", quote(day, 100_000, unit=1))
        playing.until(lambda: playing.references())
        vendor.say("tick", "600519$SH", tick(day, 300))
        vendor.say("quote", "600519$SH", quote(day, 100_300, unit=1))
        playing.until(lambda: playing.volumes())

        assert playing.volumes() == {"600519.SH": 300}
        assert playing.market.counters()["tick_undecided"] == 1


def test_volumes_that_fall_are_of_one_trade_each_and_become_the_tape():
    day, vendor = Day(), ITickVendor()
    with serving(vendor) as where, Playing(day, a_line(day, where)) as playing:
        ready(playing, vendor)
        vendor.say("quote", "600519$SH", quote(day, 100_000, unit=1))
        playing.until(lambda: playing.references())
        playing.play(0.1)
        sent = [500, 200, 100, 400]  # what is told before 200 is undecided
        for volume in sent:
            vendor.say("tick", "600519$SH", tick(day, volume))
            playing.play(0.05)
        vendor.say("quote", "600519$SH", quote(day, 101_200, unit=1))
        # 500 shares were told before it was known what a tick is: the total has them, three seconds later.
        playing.until(lambda: playing.volumes() == {"600519.SH": 1_200})

    trades = [one.volume for one in playing.news if isinstance(one, Trade)]
    assert trades[:3] == [200, 100, 400]
    assert sum(trades) == 1_200


def test_volumes_that_never_fall_and_are_the_quotes_are_the_days_total():
    day, vendor = Day(), ITickVendor()
    with serving(vendor) as where, Playing(day, a_line(day, where)) as playing:
        ready(playing, vendor)
        for nth in range(25):
            volume = 100_000 + nth * 100
            vendor.say("tick", "600519$SH", tick(day, volume))
            vendor.say("quote", "600519$SH", quote(day, volume, unit=1))
            playing.play(0.02)
        playing.until(lambda: playing.volumes().get("600519.SH") == 2_400)

        assert "the day's total" in condition(playing).remark
        assert playing.market.counters()["tick_is_total"] >= 1


def test_a_dropped_connection_subscribes_everything_again_and_the_sum_is_whole():
    day, vendor = Day(), ITickVendor()
    with serving(vendor) as where, Playing(day, a_line(day, where, batch=1)) as playing:
        ready(playing, vendor)
        vendor.say("quote", "600519$SH", quote(day, 100_000))
        playing.until(lambda: playing.references())
        vendor.drop()
        playing.until(lambda: vendor.connected >= 2)
        ready(playing, vendor)
        vendor.say("quote", "600519$SH", quote(day, 105_000))  # with what was traded meanwhile
        playing.until(lambda: playing.volumes() == {"600519.SH": 5_000})

    subscribed = [message["params"] for _, message in vendor.asked if message["ac"] == "subscribe"]
    assert sorted(subscribed) == sorted([*["600519$SH", "000001$SZ"] * 2])


def test_what_is_told_again_after_a_reconnect_counts_once():
    day, vendor = Day(), ITickVendor()
    with serving(vendor) as where, Playing(day, a_line(day, where)) as playing:
        ready(playing, vendor)
        vendor.say("quote", "600519$SH", quote(day, 100_000, unit=1))
        playing.until(lambda: playing.references())
        playing.play(0.05)
        vendor.say("tick", "600519$SH", tick(day, 300))
        last = tick(day, 200, at_ms=day.now_ms() + 5)
        vendor.say("tick", "600519$SH", last)
        playing.until(lambda: playing.volumes().get("600519.SH") == 200)
        vendor.drop()
        playing.until(lambda: vendor.connected >= 2)
        ready(playing, vendor)
        vendor.say("tick", "600519$SH", last)
        playing.until(lambda: playing.market.counters()["told_again"])

    assert playing.volumes() == {"600519.SH": 200}


def test_a_bad_key_is_one_sentence_with_the_variable_and_without_the_key():
    day, vendor = Day(), ITickVendor()
    with serving(vendor) as where, Playing(day, a_line(day, where, key="another-key")) as playing:
        playing.until(lambda: condition(playing).state == "refused")

        assert condition(playing).problem == "iTick does not accept the key; look at TICKPACK_ITICK_KEY."
    assert vendor.connected <= 3


def test_too_many_symbols_are_a_refusal_with_the_variable_and_no_loop():
    day, vendor = Day(), ITickVendor(most=1)
    with serving(vendor) as where, Playing(day, a_line(day, where)) as playing:
        playing.until(lambda: condition(playing).state == "refused")
        problem = condition(playing).problem
        playing.play(1.0)

    assert "exceeding the maximum subscription limit" in problem
    assert "TICKPACK_ITICK_MOST" in problem
    assert vendor.connected <= 6  # 0.2 s, then twice as long each time


def test_what_was_accepted_goes_on_beside_what_was_not():
    day, vendor = Day(), ITickVendor(most=1)
    with serving(vendor) as where, Playing(day, a_line(day, where, batch=1)) as playing:
        ready(playing, vendor, "600519$SH")
        playing.until(lambda: "MOST" in condition(playing).remark)
        vendor.say("quote", "600519$SH", quote(day, 100_000))
        playing.until(lambda: playing.references())

        assert condition(playing).state == "live"


def test_who_asks_for_the_key_in_a_message_is_told_it(monkeypatch):
    class Older(ITickVendor):
        def greet(self, connection) -> bool:
            connection.send('{"code":1,"msg":"Connected Successfully"}')
            return True

        def take(self, connection, message) -> None:
            if message["ac"] == "auth":
                self._authenticated(connection, message["params"])
            else:
                super().take(connection, message)

    monkeypatch.setattr("streaming.ingest.sources.live.itick._GREETING_SECONDS", 0.1)
    day, vendor = Day(), Older()
    with serving(vendor) as where, Playing(day, a_line(day, where)) as playing:
        ready(playing, vendor)

        assert condition(playing).problem == ""


def test_silence_is_a_dead_connection():
    day, vendor = Day(), ITickVendor()
    vendor.silent = True
    with serving(vendor) as where, Playing(day, a_line(day, where, silence_seconds=0.3)) as playing:
        playing.until(lambda: condition(playing).problem)

        assert "said nothing" in condition(playing).problem
        vendor.silent = False
        ready(playing, vendor)


def test_signs_of_life_come_and_go_while_nothing_is_traded():
    day, vendor = Day(), ITickVendor()
    with serving(vendor) as where, Playing(day, a_line(day, where, silence_seconds=0.6)) as playing:
        ready(playing, vendor)
        playing.play(1.5)

        assert vendor.connected == 1
    assert sum(message["ac"] == "ping" for _, message in vendor.asked) >= 5


def test_garbage_is_counted_and_the_next_message_is_read():
    day, vendor = Day(), ITickVendor()
    with serving(vendor) as where, Playing(day, a_line(day, where)) as playing:
        ready(playing, vendor)
        for text in ("[[[", '{"code":1,"data":{"type":"quote","s":[],"ts":[]}}', quote(day, 100_000)[:40]):
            vendor.say("quote", "600519$SH", text)
        vendor.say("quote", "600519$SH", quote(day, 100_000))
        playing.until(lambda: playing.references())

    assert playing.market.counters()["unreadable"] == 3


def test_a_halted_instrument_is_said_to_be():
    day, vendor = Day(), ITickVendor()
    with serving(vendor) as where, Playing(day, a_line(day, where)) as playing:
        ready(playing, vendor)
        vendor.say("quote", "600519$SH", quote(day, 100_000, ts=3))
        playing.until(lambda: playing.states())

    assert playing.states() == {"600519.SH": "halted"}


def test_previous_closes_that_no_quote_has_are_asked_for_over_http():
    day, vendor = Day(), ITickVendor()
    vendor.rest["/stock/quotes"] = (200, lambda query: {
        "code": 0, "msg": None, "data": {code: {"s": code, "p": 9.87} for code in query["codes"].split(",")},
    })  # fmt: skip
    with serving(vendor) as where, Playing(day, a_line(day, where)) as playing:
        playing.until(lambda: len(playing.references()) == 2)

    assert playing.references() == {"600519.SH": 98_700, "000001.SZ": 98_700}
    assert [query["region"] for query, _ in vendor.asked_of("/stock/quotes")] == ["SH", "SZ"]


def test_a_rest_that_refuses_leaves_a_remark_and_the_socket_goes_on():
    day, vendor = Day(), ITickVendor()
    vendor.rest["/stock/quotes"] = (200, {"code": "E002", "msg": "auth failed", "data": None})
    with serving(vendor) as where, Playing(day, a_line(day, where)) as playing:
        playing.until(lambda: "previous closes" in condition(playing).remark)

        assert (condition(playing).state, condition(playing).problem) == ("live", "")


def test_beijing_and_indices_are_told_to_be_none_of_what_it_has():
    day, vendor = Day(), ITickVendor()
    with serving(vendor) as where:
        source = day.source("itick", **where, key=KEY, most=3)
        remark = source.condition.remark

    listed = directory().in_lane("CN")
    without = sum(one.kind == "index" or one.id.venue is Venue.BJ for one in listed)
    assert f"{without} of {len(listed)} instruments are none that it has." in remark
    assert f"3 of {len(listed) - without} instruments are asked for, which is the limit (TICKPACK_ITICK_MOST)" in remark


def test_without_a_key_the_state_names_the_variable_and_nothing_is_connected():
    day, vendor = Day(), ITickVendor()
    with serving(vendor) as where, Playing(day, a_line(day, where, key="")) as playing:
        playing.play(0.2)

        assert condition(playing).state == "not started"
        assert "TICKPACK_ITICK_KEY" in condition(playing).problem
    assert vendor.connected == 0
