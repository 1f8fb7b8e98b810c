"""Each symbol's last price, and when the day turns."""

from streaming.domain.bars import Bar
from streaming.domain.windows import seq_of
from streaming.ingest.last_prices import LastPrices
from tests.streaming.ingest.scripted import DAY_MS, NINE_THIRTY


def test_a_price_of_before_the_first_bar_counts_until_there_is_a_newer_one() -> None:
    prices = LastPrices(seq_of(NINE_THIRTY))
    assert prices.begin("600519.SH", 100)
    assert not prices.begin("600519.SH", 90)
    prices.record([Bar("600519.SH", 1, 3, 1, 2, 10, 20), Bar("000001.SZ", 5, 5, 5, 5, 1, 5)])
    assert dict(prices.items()) == {"600519.SH": 2, "000001.SZ": 5}


def test_the_day_turns_once() -> None:
    prices = LastPrices(seq_of(NINE_THIRTY))
    assert [prices.roll_day(seq_of(NINE_THIRTY + ms)) for ms in (0, 3_600_000, DAY_MS, DAY_MS + 1_500)] == [
        False, False, True, False,
    ]  # fmt: skip
