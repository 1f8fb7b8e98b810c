"""Proves which ticks are refused, and that each refusal is counted by its reason."""

from collections import Counter

import pytest
from msgspec.structs import replace

from kernel.instruments import InstrumentId
from streaming.domain.ticks import Snapshot, Tick, Trade
from streaming.domain.validation import Validator, widened

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


@pytest.mark.parametrize(
    ("tick", "fits"),
    [
        (replace(TRADE, volume=2**53), True),
        (replace(TRADE, volume=2**53 + 1), False),
        (replace(TRADE, turnover_e4=2**62), True),
        (replace(TRADE, turnover_e4=2**62 + 1), False),
        (replace(TRADE, price_e4=2**62 + 1), False),
        (replace(SNAPSHOT, cum_volume=2**53, cum_turnover_e4=2**53 * 100), True),
        (replace(SNAPSHOT, cum_volume=2**53 + 1, cum_turnover_e4=0), False),
        (replace(SNAPSHOT, cum_turnover_e4=2**62), True),
        (replace(SNAPSHOT, cum_turnover_e4=2**62 + 1), False),
    ],
)
def test_the_largest_number_that_fits_is_taken_and_the_next_one_is_refused(tick: Tick, fits: bool) -> None:
    asked = validator()
    assert asked.accepts(tick) is fits
    assert fits or asked.refused == {"size": 1}


@pytest.mark.parametrize(
    ("volume", "average_e4", "fits"),
    [
        (1_000, 5, True),  # a twentieth of the lowest price, and twenty times the highest
        (1_000, 4, False),
        (1_000, 2_000, True),
        (1_000, 2_001, False),
        (999, 2_001, True),  # too few for anything but rounding
    ],
)
def test_turnover_over_volume_lies_within_twenty_times_the_days_range(volume: int, average_e4: int, fits: bool) -> None:
    total = replace(SNAPSHOT, cum_volume=volume, cum_turnover_e4=volume * average_e4)
    for one in (total, replace(total, high_e4=0, low_e4=0)):
        asked = validator()
        assert asked.accepts(one) is fits
        assert fits or asked.refused == {"unit": 1}


def test_the_unit_is_judged_by_the_days_range_and_not_by_the_last_price() -> None:
    wide = replace(SNAPSHOT, low_e4=50, high_e4=200, cum_volume=1_000)
    assert validator().accepts(replace(wide, cum_turnover_e4=3 * 1_000))
    assert validator().accepts(replace(wide, cum_turnover_e4=3_999 * 1_000))


@pytest.mark.parametrize(("kind", "factor"), [("stock", 20), ("etf", 3), ("index", 3), ("bond", 20)])
def test_a_price_is_refused_beyond_so_many_times_the_previous_close(kind: str, factor: int) -> None:
    def at(last_e4: int, before_e4: int) -> bool:
        row = replace(SNAPSHOT, prev_close_e4=before_e4, last_e4=last_e4, high_e4=last_e4, low_e4=last_e4, cum_volume=0)
        return validator(kind=kind, is_open=False).accepts(row)

    assert [at(100 * factor, 100), at(100 * factor + 1, 100)] == [True, False]
    assert [at(100, 100 * factor), at(99, 100 * factor)] == [True, False]


def test_the_best_order_of_each_side_is_the_one_that_is_judged() -> None:
    assert validator().accepts(replace(SNAPSHOT, bids=((99, 1), (98, 1)), asks=((99, 1), (101, 1))))
    assert validator().accepts(replace(SNAPSHOT, bids=(), asks=((1, 1),)))


@pytest.mark.parametrize("last_e4", [80, 130])
def test_a_last_price_outside_its_range_widens_it(last_e4):
    """Some senders bring the range a row later than the price."""
    one = replace(SNAPSHOT, high_e4=110, low_e4=95, last_e4=last_e4)
    shown = widened(one)
    assert (shown.low_e4, shown.high_e4) == (min(one.low_e4, last_e4), max(one.high_e4, last_e4))
    assert widened(shown) is shown
    assert widened(replace(one, cum_volume=0)).high_e4 == one.high_e4, "before a trade it is an auction's price"
    assert widened(replace(one, high_e4=0, low_e4=0)).high_e4 == 0, "no range is told"


@pytest.mark.parametrize("field", ["price_e4", "turnover_e4"])
def test_the_largest_number_of_a_trade_that_fits_counts_and_one_more_does_not(field: str) -> None:
    from streaming.domain.validation import MOST_E4

    assert validator().accepts(replace(TRADE, **{field: MOST_E4}))
    assert not validator().accepts(replace(TRADE, **{field: MOST_E4 + 1}))


@pytest.mark.parametrize("field", ["last_e4", "high_e4", "low_e4", "open_e4", "prev_close_e4", "cum_turnover_e4"])
def test_the_largest_number_of_a_picture_that_fits_is_not_too_large(field: str) -> None:
    """Whatever else may be wrong with it then."""
    from streaming.domain.validation import MOST_E4

    judge = validator(kind="index")

    judge.accepts(replace(SNAPSHOT, **{field: MOST_E4}))
    fits = dict(judge.refused)
    judge.accepts(replace(SNAPSHOT, **{field: MOST_E4 + 1}))

    assert judge.refused["size"] == fits.get("size", 0) + 1
    assert "size" not in fits


def test_a_range_of_one_ten_thousandth_is_a_range() -> None:
    judge = validator()

    judge.accepts(replace(SNAPSHOT, high_e4=1, low_e4=2))

    assert judge.refused == {"range": 1}
