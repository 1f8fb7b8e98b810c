"""Proves which ticks are refused, and that each refusal is counted by its reason."""

from collections import Counter
from dataclasses import replace

import pytest

from kernel.instruments import InstrumentId
from streaming.domain.ticks import Snapshot, Tick, Trade
from streaming.domain.validation import Validator

MOUTAI = InstrumentId.parse("600519.SH")
NOW = 1_675_215_000_000
TRADE = Trade(MOUTAI, NOW, 100, 100, 10_000)
SNAPSHOT = Snapshot(MOUTAI, NOW, 100, 100, 100, 100, 100, 500, 50_000, bids=((99, 1),), asks=((100, 1),))


class Judge:
    """The validator as a line of a market asks it: what it refuses is counted by its reason."""

    def __init__(self, asked: Validator) -> None:
        self._asked = asked
        self.refused: Counter[str] = Counter()

    def accepts(self, tick: Tick, *, now_ms: int | None = None) -> bool:
        reason = self._asked.fault(tick, now_ms)
        if reason is not None:
            self.refused[reason] += 1
        return reason is None


def validator(*, is_open: bool = True, kind: str = "stock") -> Judge:
    return Judge(
        Validator(known=lambda symbol: symbol == "600519.SH", is_open=lambda _: is_open, kind_of=lambda _: kind)
    )


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


def test_an_empty_side_is_no_crossed_book_and_auctions_may_cross() -> None:
    limit_up = replace(SNAPSHOT, bids=((110, 1),), asks=((0, 0),))
    crossed = replace(SNAPSHOT, bids=((101, 1),))

    assert validator().accepts(limit_up)
    assert validator().accepts(replace(SNAPSHOT, asks=()))
    assert validator().accepts(replace(SNAPSHOT, bids=()))
    assert validator(is_open=False).accepts(crossed)


def test_a_recording_is_not_measured_by_todays_clock() -> None:
    assert validator().accepts(replace(TRADE, at_ms=NOW - 5 * 365 * 86_400_000))


LARGE = replace(SNAPSHOT, cum_volume=5_000, cum_turnover_e4=500_000)


@pytest.mark.parametrize(
    ("tick", "reason"),
    [
        (replace(SNAPSHOT, high_e4=99, low_e4=101), "range"),
        (replace(SNAPSHOT, high_e4=99, low_e4=90), "range"),
        (replace(SNAPSHOT, high_e4=110, low_e4=101), "range"),
        (replace(LARGE, cum_volume=50), ""),  # too few to tell
        (replace(LARGE, cum_volume=500_000), "unit"),  # a hundred times too many: lots were taken for ... shares twice
        (replace(LARGE, cum_turnover_e4=50_000_000), "unit"),  # shares that are lots
        (replace(LARGE, cum_turnover_e4=0), ""),  # nobody said
        (replace(LARGE, cum_turnover_e4=600_000), ""),  # blocks beside the day's range
        (replace(SNAPSHOT, last_e4=10_000, high_e4=10_000), "price_jump"),  # a hundred times the previous close
        (replace(SNAPSHOT, last_e4=4, low_e4=4), "price_jump"),
        (replace(SNAPSHOT, last_e4=2_000, high_e4=2_000), ""),  # a first day
        (replace(TRADE, volume=2**53 + 1), "size"),
        (replace(TRADE, turnover_e4=2**62 + 1), "size"),
        (replace(SNAPSHOT, cum_turnover_e4=2**64), "size"),
        (replace(SNAPSHOT, cum_volume=2**53 + 1), "size"),
    ],
)
def test_what_no_day_can_have_is_refused_by_name(tick: Tick, reason: str) -> None:
    judge = validator()

    assert judge.accepts(tick, now_ms=NOW) is not bool(reason)
    assert dict(judge.refused) == ({reason: 1} if reason else {})


def test_a_fund_ten_times_its_previous_close_was_misread() -> None:
    """4.123 read with two decimals instead of three is 41.23."""
    assert not validator(kind="etf").accepts(replace(SNAPSHOT, last_e4=1_000, high_e4=1_000))
    assert validator(kind="stock").accepts(replace(SNAPSHOT, last_e4=1_000, high_e4=1_000))


def test_an_index_has_an_average_of_its_shares_and_no_unit() -> None:
    assert validator(kind="index").accepts(replace(LARGE, cum_turnover_e4=50_000_000))
