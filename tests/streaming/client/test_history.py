"""The client reads months in bulk from a running node, and says what a node refuses."""

from datetime import UTC, date, datetime

import pytest

from streaming.client.history import HistoryRefused, fetch, months, read
from streaming.client.settings import Access
from streaming.domain.minutes import MinuteBar
from streaming.history.minutes import insert_minutes
from tests.streaming.api.conftest import rest as rest  # noqa: PLC0414 - its fixture
from tests.streaming.conftest import make_token

SYMBOLS = ["00386.HK", "00857.HK"]


def test_months_reach_from_one_day_to_another() -> None:
    assert months(date(2026, 11, 30), date(2027, 2, 1)) == ["2026-11", "2026-12", "2027-01", "2027-02"]
    assert months(date(2026, 11, 1), date(2026, 11, 30)) == ["2026-11"]
    assert months(date(2027, 1, 1), date(2026, 11, 30)) == []


@pytest.fixture(scope="module")
def stored(rest) -> Access:
    bars = []
    for month, day in ((3, 31), (4, 1), (4, 2)):
        opened_ms = int(datetime(2025, month, day, 2, 0, tzinfo=UTC).timestamp()) * 1000
        bars += [MinuteBar(symbol, opened_ms, 10_000, 10_000, 10_000, 10_000, day, 10_000 * day) for symbol in SYMBOLS]
    insert_minutes(bars, version=1, source="test", made_up=True)
    address = rest.base.replace("http://", "ws://") + "/ws/stock"
    return Access((address,), make_token())


@pytest.mark.whole
def test_days_of_two_months_come_as_one_frame_sorted_and_cut(stored: Access) -> None:
    frame = read(stored, SYMBOLS, date(2025, 3, 31), date(2025, 4, 1))

    assert frame.select("symbol", "volume").rows() == [
        ("00386.HK", 31), ("00386.HK", 1), ("00857.HK", 31), ("00857.HK", 1),
    ]  # fmt: skip


@pytest.mark.whole
def test_adjusted_prices_are_asked_for(stored: Access) -> None:
    with pytest.raises(HistoryRefused, match=r"400.*'upside_down' is not one of"):
        read(stored, SYMBOLS, date(2025, 3, 31), date(2025, 4, 1), adjust="upside_down")
    assert read(stored, SYMBOLS, date(2025, 3, 31), date(2025, 4, 1), adjust="forward").height == 4


@pytest.mark.whole
def test_what_a_node_refuses_is_told_in_its_words(stored: Access) -> None:
    with pytest.raises(HistoryRefused, match=r"400.*is no month"):
        list(fetch(stored, SYMBOLS, ["2025-13"]))
    with pytest.raises(HistoryRefused, match="401"):
        list(fetch(Access(stored.urls, "x.y.z"), SYMBOLS, ["2025-03"]))
