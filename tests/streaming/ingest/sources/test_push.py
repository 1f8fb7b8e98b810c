"""Proves that pushes are read once, in order, at the time of reading, and that what is not for today is counted."""

import logging
from typing import Any

import msgspec
import pytest

from streaming.domain.calendar import day_start_ms, exchange_day
from streaming.ingest.sources.push import PushSource
from streaming.records.pushed import PushedTick
from streaming.records.versions import pack
from streaming.store import readable

NOW = 1_795_600_000_000
TODAY = f"{exchange_day(NOW):%Y%m%d}"
YESTERDAY = f"{exchange_day(day_start_ms(exchange_day(NOW)) - 1):%Y%m%d}"


class Kept:
    """Stands where the store is: the entries of a lane's pushes by their ids."""

    lane = "CN"

    def __init__(self, *entries: list[bytes]) -> None:
        self.entries = list(entries)

    def last_pushed(self, line: str) -> str:
        return f"{len(self.entries)}-0"

    def pushed(self, line: str, after: str, count: int) -> list[tuple[str, list[bytes]]]:
        begins = int(after.split("-", maxsplit=1)[0])
        return [(f"{begins + nth + 1}-0", ticks) for nth, ticks in enumerate(self.entries[begins : begins + count])]


def tick(volume: int, day: str = "", *, bid: tuple[int, int] = (99, 5), symbol: str = "600519.SH") -> bytes:
    return pack(PushedTick(symbol, day, 90, 95, 110, 94, 100, volume, volume * 100, bid, (0, 0)))


def source(*entries: list[bytes], position: str = "0-0") -> PushSource:
    kept: Any = Kept(*entries)
    return PushSource(kept, "push", position)


def test_a_new_stream_takes_what_is_pushed_from_now_on() -> None:
    kept: Any = Kept([tick(10)], [tick(20)])
    pushes = PushSource(kept, "push")

    kept.entries.append([tick(30)])

    assert [reading.ticks[0].cum_volume for reading in pushes.read(NOW)] == [30]


def test_every_entry_is_one_reading_with_the_position_behind_it() -> None:
    pushes = source([tick(10), tick(20)], [tick(30)])

    first, second = pushes.read(NOW)

    assert [len(first.ticks), len(second.ticks)] == [2, 1]
    assert [first.position, second.position, pushes.position] == ["1-0", "2-0", "2-0"]
    assert list(pushes.read(NOW + 50)) == []


def test_a_successor_goes_on_behind_the_position_that_was_kept() -> None:
    assert [reading.ticks[0].cum_volume for reading in source([tick(10)], [tick(20)], position="1-0").read(NOW)] == [20]


def test_more_than_one_look_holds_is_read_at_once() -> None:
    pushes = source(*([tick(nth)] for nth in range(1, 251)))

    assert [reading.ticks[0].cum_volume for reading in pushes.read(NOW)] == list(range(1, 251))


def test_a_tick_counts_when_it_is_read_and_an_empty_side_has_no_order() -> None:
    (reading,) = source([tick(10, bid=(0, 7))]).read(NOW)

    (snapshot,) = reading.ticks
    assert (snapshot.at_ms, reading.received_ms) == (NOW, NOW)
    assert (snapshot.bids, snapshot.asks) == ((), ())


def test_a_tick_of_another_day_is_passed_over_and_counted() -> None:
    pushes = source([tick(10, YESTERDAY), tick(20, TODAY)])

    (reading,) = pushes.read(NOW)

    assert [snapshot.cum_volume for snapshot in reading.ticks] == [20]
    assert pushes.counters() == {"another_day": 1}


def test_what_another_release_pushed_is_passed_over_counted_and_said_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readable, "_said", set())
    foreign = b"\x07" + msgspec.msgpack.encode({"symbol": "600519.SH"})
    pushes = source([foreign, tick(20)], [foreign])

    with caplog.at_level(logging.ERROR):
        readings = list(pushes.read(NOW))

    assert [len(reading.ticks) for reading in readings] == [1, 0]
    assert pushes.counters() == {"unreadable": 2}
    assert [record.getMessage() for record in caplog.records] == [
        "ticks pushed for line push of CN: PushedTick of version 7, which this release does not read; passed over"
    ]
