"""Proves which ticks are refused, and that each refusal is counted by its reason."""

from dataclasses import replace

import pytest

from kernel.instruments import InstrumentId
from streaming.domain.calendar import exchange_day
from streaming.domain.ticks import Snapshot, Tick, Trade
from streaming.domain.validation import Validator

MOUTAI = InstrumentId.parse("600519.SH")
NOW = 1_675_215_000_000
TRADE = Trade(MOUTAI, NOW, 100, 100, 10_000)
SNAPSHOT = Snapshot(MOUTAI, NOW, 100, 100, 100, 100, 100, 500, 50_000, bids=((99, 1),), asks=((100, 1),))


def validator(*, is_open: bool = True) -> Validator:
    return Validator(known=lambda symbol: symbol == "600519.SH", is_open=lambda _: is_open, day_of=exchange_day)


@pytest.mark.parametrize(
    ("tick", "reason"),
    [
        (replace(TRADE, instrument=InstrumentId.parse("999999.SH")), "unknown_symbol"),
        (replace(TRADE, price_e4=0), "price"),
        (replace(TRADE, price_e4=-1), "price"),
        (replace(TRADE, volume=0), "volume"),
        (replace(TRADE, turnover_e4=-1), "volume"),
        (replace(TRADE, at_ms=NOW + 5_001), "clock"),
        (replace(TRADE, at_ms=NOW - 345_600_001), "clock"),  # four days
        (replace(SNAPSHOT, last_e4=0), "price"),
        (replace(SNAPSHOT, last_e4=0, cum_volume=1), "price"),
        (replace(SNAPSHOT, low_e4=-1), "price"),
        (replace(SNAPSHOT, high_e4=-1), "price"),
        (replace(SNAPSHOT, open_e4=-1), "price"),
        (replace(SNAPSHOT, prev_close_e4=-1), "price"),
        (replace(SNAPSHOT, cum_volume=-1), "volume"),
        (replace(SNAPSHOT, cum_turnover_e4=-1), "volume"),
        (replace(SNAPSHOT, bids=((101, 1),)), "crossed_book"),
        (replace(SNAPSHOT, bids=((2, 1),), asks=((1, 1),)), "crossed_book"),
    ],
)
def test_a_tick_that_cannot_be_true_is_refused_and_counted(tick: Tick, reason: str) -> None:
    judge = validator()

    assert not judge.accepts(tick, now_ms=NOW)
    assert judge.refused == {reason: 1}


@pytest.mark.parametrize(
    "tick",
    [
        TRADE,
        replace(TRADE, price_e4=1, volume=1, turnover_e4=0),
        replace(TRADE, at_ms=NOW + 5_000),
        replace(TRADE, at_ms=NOW - 345_600_000),
        SNAPSHOT,
        replace(SNAPSHOT, bids=((100, 1),)),
    ],
    ids=["a trade", "the smallest one", "5 s ahead", "four days old", "a picture", "one price on both sides"],
)
def test_what_can_just_be_true_is_accepted(tick: Tick) -> None:
    judge = validator()

    assert judge.accepts(tick, now_ms=NOW)
    assert judge.refused == {}


def test_before_a_days_first_trade_a_picture_has_neither_prices_nor_volume() -> None:
    before = Snapshot(MOUTAI, NOW, 0, 0, 0, 0, 0, 0, 0)

    assert validator().accepts(before)
    assert validator().accepts(replace(before, last_e4=100))


def test_a_picture_of_an_earlier_day_is_refused_once_a_later_one_was_there() -> None:
    judge = validator()
    judge.accepts(SNAPSHOT)

    assert not judge.accepts(replace(SNAPSHOT, at_ms=NOW - 86_400_000, cum_volume=900))
    assert judge.refused == {"clock": 1}


def test_a_refused_picture_moves_no_cumulative_volume() -> None:
    judge = validator()
    judge.accepts(replace(SNAPSHOT, cum_volume=900, bids=((101, 1),)))

    assert judge.accepts(replace(SNAPSHOT, cum_volume=500))


def test_a_cumulative_volume_may_stay_or_rise_but_not_fall_within_a_day() -> None:
    judge = validator()

    answers = [judge.accepts(replace(SNAPSHOT, cum_volume=volume)) for volume in (500, 500, 700, 600)]
    next_day = judge.accepts(replace(SNAPSHOT, cum_volume=10, at_ms=NOW + 86_400_000))

    assert answers == [True, True, True, False]
    assert next_day
    assert judge.refused == {"volume_fell": 1}


def test_an_empty_side_is_no_crossed_book_and_auctions_may_cross() -> None:
    limit_up = replace(SNAPSHOT, bids=((110, 1),), asks=((0, 0),))
    crossed = replace(SNAPSHOT, bids=((101, 1),))

    assert validator().accepts(limit_up)
    assert validator().accepts(replace(SNAPSHOT, asks=()))
    assert validator().accepts(replace(SNAPSHOT, bids=()))
    assert validator(is_open=False).accepts(crossed)


def test_a_recording_is_not_measured_by_todays_clock() -> None:
    assert validator().accepts(replace(TRADE, at_ms=NOW - 5 * 365 * 86_400_000))
