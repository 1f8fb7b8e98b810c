"""Proves that a recording is told once, up to the instant that is asked for, and knows what comes next."""

from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from kernel.instruments import InstrumentId
from streaming.domain.ticks import Trade
from streaming.ingest.sources.replay import ReplaySource

MOUTAI = InstrumentId.parse("600519.SH")


def recording(*times: int) -> Any:
    ticks = [Trade(MOUTAI, at_ms, 100, 10, 1000) for at_ms in times]
    return SimpleNamespace(
        first_ms=times[0], symbols=["600519.SH"], ticks=lambda: iter(ticks), unreadable=Counter(row=2),
        files=[Path("ticks_a.csv.gz")],
    )  # fmt: skip


def test_rows_are_told_up_to_the_instant_and_not_with_it() -> None:
    source = ReplaySource(recording(1000, 1500, 1500, 4000), speed=1.0)

    assert [tick.at_ms for reading in source.read(1500) for tick in reading.ticks] == [1000]
    assert list(source.read(1500)) == []
    assert [tick.at_ms for reading in source.read(3000) for tick in reading.ticks] == [1500, 1500]


def test_it_knows_what_comes_next_and_when_it_is_at_its_end() -> None:
    source = ReplaySource(recording(1000, 4000), speed=1.0)

    assert (source.first_ms, source.next_ms, source.finished) == (1000, 1000, False)
    list(source.read(2000))
    assert (source.next_ms, source.finished) == (4000, False)
    list(source.read(9000))
    assert (source.next_ms, source.finished) == (None, True)


def test_nothing_in_a_recording_is_late_and_only_what_it_has_is_carried() -> None:
    source = ReplaySource(recording(1000), speed=1.0)

    (reading,) = source.read(2000)

    assert reading.received_ms is None
    assert source.carries("600519.SH")
    assert not source.carries("000001.SZ")


def test_rows_that_were_passed_over_are_its_own_to_count() -> None:
    assert ReplaySource(recording(1000), speed=0.0).counters() == {"row": 2}
