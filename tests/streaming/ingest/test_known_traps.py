"""What other people's recorders got wrong, as small inputs with the right values."""

import pytest
from msgspec.structs import replace

from kernel.instruments import InstrumentId
from streaming.domain.ticks import Snapshot, Trade
from streaming.domain.windows import seq_of, start_ms
from streaming.ingest.minutes import MINUTE_MS
from streaming.ingest.sources import Reading
from tests.streaming.ingest.scripted import MOUTAI, Scripted, calendar, live
from tests.streaming.ingest.test_true_days import PRICE_E4, at, play, readings, row, told

STAR, FUND = InstrumentId.parse("688981.SH"), InstrumentId.parse("510300.SH")


def minutes(bars, market: str = "CN") -> dict[str, int]:
    """Fold (window's beginning, volume) into minutes of the exchange's wall clock; "" is no minute."""
    days, sums = calendar(market), {}
    for begins_ms, volume in bars:
        minute = days.minute_of(seq_of(begins_ms))
        name = (
            "" if minute is None else f"{(minute // MINUTE_MS + 480) % 1440 // 60:02d}:{minute // MINUTE_MS % 60:02d}"
        )
        sums[name] = sums.get(name, 0) + volume
    return sums


def test_a_total_that_begins_again_with_the_day_is_no_negative_bar():
    rows = [row(at("14:59:57"), 900_000), row(at("9:00:00", 1), 0), row(at("9:25:03", 1), 5_000)]
    _, bars, windows = play(Scripted(readings(*rows)), begins=at("9:00:00"), ends=at("9:25:10", 1))
    assert [volume for _, volume in bars] == [900_000, 5_000]
    assert not any(window.closed.corrections for window in windows)


def test_a_day_that_begins_below_the_last_one_counts():
    rows = [row(at("14:59:57"), 900_000), row(at("9:25:03", 1), 700), row(at("9:30:03", 1), 1_100)]
    _, bars, _ = play(Scripted(readings(*rows)), begins=at("9:00:00"), ends=at("9:30:10", 1))
    assert [volume for _, volume in bars] == [900_000, 700, 400]


@pytest.mark.parametrize(
    ("clock", "minute"),
    [
        ("11:30:00", "11:29"),
        ("11:30:02", "11:29"),
        ("12:59:59", "11:29"),
        ("13:00:00", "13:00"),
        ("9:25:03", "09:30"),
        ("14:57:30", "14:57"),
        ("15:00:03", "14:59"),
        ("15:01:59", "14:59"),
    ],
)
def test_a_tick_at_a_boundary_is_in_the_minute_of_its_session(clock, minute):
    before = row(at("9:25:01"), 100)
    _, bars, _ = play(Scripted(readings(before, row(at(clock), 600))), begins=at("9:00:00"), ends=at("15:02:10"))
    sums = minutes(bars)
    assert sums == ({"09:30": 600} if minute == "09:30" else {"09:30": 100, minute: 500})


def test_after_hours_trades_count_in_the_day_and_in_no_minute():
    rows = [replace(one, instrument=STAR) for one in (row(at("15:00:03"), 1_000), row(at("15:12:00"), 2_300))]
    _, bars, _ = play(Scripted(readings(*rows)), begins=at("9:00:00"), ends=at("15:12:10"))
    assert minutes(bars) == {"14:59": 1_000, "": 1_300}


def test_the_last_tick_of_a_day_is_told_by_the_clock_though_nothing_follows():
    _, bars, _ = play(Scripted(readings(row(at("15:00:00"), 500))), begins=at("14:00:00"), ends=at("15:00:10"))
    assert [start for start, _ in bars] == [start_ms(seq_of(at("15:00:00")))]


def test_a_fund_ten_times_its_price_is_refused():
    """A decoder with steps of 0.01 makes 41.23 of 4.123."""
    right = Snapshot(FUND, at("10:00:00"), 41_000, 41_000, 41_230, 41_000, 41_230, 1_000, 41_230_000)
    wrong = replace(right, at_ms=at("10:00:03"), last_e4=412_300, high_e4=412_300, cum_volume=1_100)
    market = live(
        Scripted(readings(right, wrong)), now_ms=at("9:00:00"), sessions=lambda: calendar(),
    )  # fmt: skip
    next(iter(market.lines))._validator.kind_of = lambda symbol: "etf"
    bars, _ = told(market, begins_ms=at("9:00:00"), ends_ms=at("10:00:10"))
    assert [volume for _, volume in bars] == [1_000]
    assert market.counters()["price_jump"] == 1


def test_a_suspended_instrument_has_no_bar_keeps_its_previous_close_and_says_its_state():
    silent = Snapshot(MOUTAI, at("9:31:00"), 100_000, 0, 0, 0, 0, 0, 0, state="suspended")
    _, bars, windows = play(Scripted(readings(silent)), begins=at("9:00:00"), ends=at("9:31:10"))
    assert bars == []
    assert [state for window in windows for state in window.closed.states] == [("600519.SH", "suspended")]
    assert [one for window in windows for one in window.closed.references] == [("600519.SH", 100_000)]


def test_at_the_upper_limit_nobody_sells_and_the_row_counts():
    locked = replace(row(at("10:00:00"), 500), bids=((100_000, 900_000),), asks=((0, 0),))
    market, bars, _ = play(Scripted(readings(locked)), begins=at("9:00:00"), ends=at("10:00:10"))
    assert [volume for _, volume in bars] == [500]
    assert not market.counters()["crossed_book"]


def test_the_previous_close_is_what_the_feed_says_and_an_old_one_is_replaced_by_the_first_row_of_the_day():
    """On an ex-day the exchange's reference is 6.53; a computed one would be 6.5333, yesterday's last is another."""
    rows = [row(at("14:59:57"), 900), replace(row(at("9:25:03", 1), 700), prev_close_e4=65_300)]
    _, _, windows = play(Scripted(readings(*rows)), begins=at("9:00:00"), ends=at("9:25:10", 1))
    assert [one for window in windows for one in window.closed.references][-1] == ("600519.SH", 65_300)


def test_the_same_picture_polled_again_is_no_news():
    one = row(at("10:00:00"), 500)
    again = [Reading([one], received_ms=one.at_ms + ms) for ms in (0, 1_500, 3_000, 62_000)]
    market, bars, _ = play(Scripted(again), begins=at("9:00:00"), ends=at("10:01:10"))
    assert [volume for _, volume in bars] == [500]
    assert market.counters()["repeated"] == 3


def test_a_tick_ten_seconds_older_than_the_newest_is_counted_as_late():
    late = Trade(MOUTAI, at("10:00:00"), PRICE_E4, 70, 70 * PRICE_E4)
    ticks = [
        Reading([Trade(MOUTAI, at("10:00:10"), PRICE_E4, 30, 30 * PRICE_E4)], received_ms=at("10:00:10")),
        Reading([late], received_ms=at("10:00:12")),
    ]
    market, bars, _ = play(Scripted(ticks), begins=at("9:00:00"), ends=at("10:00:20"))
    assert sum(volume for _, volume in bars) == 100
    assert market.counters()["late"] == 1


def test_a_line_that_was_away_brings_what_was_traded_meanwhile():
    rows = [row(at("10:00:00"), 500), row(at("10:04:00"), 9_500), row(at("10:04:03"), 9_600)]
    _, bars, _ = play(Scripted(readings(*rows)), begins=at("9:00:00"), ends=at("10:04:10"))
    assert [volume for _, volume in bars] == [500, 9_000, 100]


def test_an_auctions_volume_beyond_32_bits_counts():
    huge = row(at("9:25:03"), 2**31 + 100)
    _, bars, _ = play(Scripted(readings(huge)), begins=at("9:00:00"), ends=at("9:25:10"))
    assert [volume for _, volume in bars] == [2**31 + 100]


def test_a_shanghai_fund_trades_through_until_the_rule_and_prints_at_the_close_since():
    """The closing auction of funds began on 2026-07-06; what is traded at 14:58:30 on the day before counts there."""
    _, bars, _ = play(
        Scripted(readings(replace(row(at("14:58:30"), 500), instrument=FUND))),
        begins=at("9:00:00"),
        ends=at("14:58:40"),
    )
    assert minutes(bars) == {"14:58": 500}
