"""Proves that what is told beside the bars is told at once, each with its number, and never twice whatever dies."""

from collections.abc import Sequence
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from streaming.domain.bars import Correction
from streaming.domain.ticks import Levels, Moved, News, Restated, Snapshot, Stated, Trade
from streaming.domain.windows import end_ms, seq_of
from streaming.ingest.clocks import RecordingClock
from streaming.ingest.events import Numbering, Told, Unsaid
from streaming.ingest.market import Market
from streaming.ingest.publisher import Publisher
from streaming.ingest.sources import Reading
from streaming.ingest.sources.replay import ReplaySource
from streaming.records.newest import Newest
from streaming.store.events import Batch
from tests.streaming.ingest.scripted import (
    MOUTAI,
    NINE_THIRTY,
    Kept,
    Scripted,
    ScriptedRecording,
    calendar,
    live,
    recorded,
    snapshot,
    trade,
)

FIRST = seq_of(NINE_THIRTY)


def told(*news: News, again: bool = False, before: int = FIRST) -> Told:
    return Told(before, [(list(news), again)])


def numbered(batch: Batch | None) -> tuple[list[int], list[int]]:
    assert batch is not None
    return [one.number for one in batch.events.prints], [one.number for one in batch.events.books]


def levels(at_ms: int = NINE_THIRTY, day: Snapshot | None = None) -> Levels:
    return Levels(MOUTAI, at_ms, ((99, 1),), ((101, 2),), day=day)


# -- numbers -----------------------------------------------------------------------------------------------------------


def test_trades_and_pictures_of_an_instrument_are_counted_each_by_themselves() -> None:
    numbering = Numbering({})

    first = numbering.number(told(trade(NINE_THIRTY), trade(NINE_THIRTY), levels()))
    second = numbering.number(told(levels(), trade(NINE_THIRTY)))

    assert (numbered(first), numbered(second)) == (([1, 2], [1]), ([3], [2]))
    assert second is not None
    assert second.numbers == {"600519.SH": (3, 2)}


def test_a_successor_counts_on() -> None:
    numbering = Numbering({}, {"600519.SH": (7, 3)})

    assert numbered(numbering.number(told(trade(NINE_THIRTY), levels()))) == ([8], [4])


def test_what_a_run_before_has_told_counts_in_the_day_and_is_not_told_again() -> None:
    numbering = Numbering({}, {"600519.SH": (2, 1)}, {"push": "5-0"})

    again = numbering.number(told(trade(NINE_THIRTY, volume=10), levels(), again=True))
    new = numbering.number(told(trade(NINE_THIRTY, volume=5), levels()))

    assert again is None
    assert new is not None
    assert numbered(new) == ([3], [2])
    assert new.events.books[0].volume == 15
    assert new.marks == {"push": "5-0"}, "a mark never goes back"


def test_nothing_new_is_nothing_to_write() -> None:
    assert Numbering({}).number(None) is None
    assert Numbering({}).number(told(Restated("600519.SH", 90))) is None


def test_a_picture_has_the_day_up_to_now_where_its_source_tells_no_day() -> None:
    numbering = Numbering({})
    numbering.number(told(Restated("600519.SH", 90), trade(NINE_THIRTY, 100, 10), trade(NINE_THIRTY, 120, 5)))

    batch = numbering.number(told(levels()))

    assert batch is not None
    book = batch.events.books[0]
    assert (book.prev_close_e4, book.open_e4, book.high_e4, book.low_e4, book.last_e4) == (90, 100, 120, 100, 120)
    assert (book.volume, book.turnover_e4) == (15, 1000 + 600)


def test_a_picture_has_the_venues_own_day_where_that_is_told() -> None:
    numbering = Numbering({})
    day = snapshot(NINE_THIRTY, 100, 5_000)

    batch = numbering.number(told(Restated("600519.SH", 90), Moved("600519.SH", 100), levels(day=day)))

    assert batch is not None
    book = batch.events.books[0]
    assert (book.open_e4, book.high_e4, book.low_e4, book.last_e4) == (95, 110, 90, 100)
    assert (book.prev_close_e4, book.volume, book.turnover_e4) == (90, 5_000, 500_000)


def test_a_state_is_told_with_the_picture_that_tells_it() -> None:
    batch = Numbering({}).number(told(Stated("600519.SH", "halted"), levels()))

    assert batch is not None
    assert batch.events.books[0].state == "halted"


def test_a_trade_of_another_day_that_comes_late_does_not_begin_the_day_anew() -> None:
    numbering = Numbering({})
    numbering.number(told(trade(NINE_THIRTY, volume=10), trade(NINE_THIRTY - 86_400_000, volume=99)))

    batch = numbering.number(told(levels()))

    assert batch is not None
    assert batch.events.books[0].volume == 10


def test_what_is_taken_back_is_no_part_of_the_day() -> None:
    numbering = Numbering({})
    numbering.number(told(trade(NINE_THIRTY, volume=10)))

    numbering.correct([Correction("600519.SH", FIRST, -4, -400)])

    batch = numbering.number(told(levels()))
    assert batch is not None
    assert batch.events.books[0].volume == 6


def test_a_mark_goes_on_only_with_what_is_new() -> None:
    unsaid = Unsaid()

    unsaid.take([trade(NINE_THIRTY)], "push", "3-0", told=True)
    again = unsaid.hand_over(FIRST)
    assert not unsaid.since_window
    unsaid.take([trade(NINE_THIRTY)], "push", "9-0")
    new = unsaid.hand_over(FIRST)

    assert again is not None
    assert new is not None
    assert (again.marks, new.marks) == ({}, {"push": "9-0"})
    assert unsaid.since_window
    assert unsaid.hand_over(FIRST) is None


# -- when it is told ---------------------------------------------------------------------------------------------------


def shown(market_told: Told | None) -> list[News]:
    return [one for run, _ in market_told.runs for one in run] if market_told is not None else []


def test_a_live_market_tells_a_trade_while_its_window_is_open() -> None:
    market = live(Scripted([Reading([trade(NINE_THIRTY + 10)], received_ms=NINE_THIRTY + 10)]), now_ms=NINE_THIRTY)

    assert list(market.due(NINE_THIRTY + 20)) == []
    early = market.told()
    *_, window = market.due(end_ms(FIRST) + 500)

    assert shown(early) == [trade(NINE_THIRTY + 10)]
    assert early is not None
    assert early.before == FIRST - 1, "which is open for its delay still"
    assert (window.told, window.closed.bars[0].volume) == (None, 10)


def test_a_window_stands_behind_everything_that_was_told_also_while_the_market_is_closed() -> None:
    sunday = 1_675_560_600_000
    source = Scripted([Reading(levels=[levels(sunday + 3_100)], received_ms=sunday + 3_100)])
    market = live(source, now_ms=sunday + 500, sessions=calendar)

    windows, befores = [], []
    for now_ms in range(sunday + 500, sunday + 12_000, 50):
        windows += [window.closed.seq for window in market.due(now_ms)]
        befores += [early.before for early in [market.told()] if early is not None]

    assert befores
    assert set(befores) <= set(windows)


def paced(ticks: Sequence[Trade | Snapshot], told: str = "") -> Market:
    """Return a market that plays ticks of Shanghai in step with the wall, from now_ms 0 on."""

    rows: Any = SimpleNamespace(
        symbols=("600519.SH",), first_ms=ticks[0].at_ms, unreadable=(), ticks=lambda: iter(ticks)
    )  # fmt: skip
    source, days = ReplaySource(rows, 1.0, told), calendar()
    clock = RecordingClock(sources=[source], calendar=days, resume_after=None, wanted=lambda: True, wait_ms=0)
    return Market(
        name="replay", lines={"replay": source}, clock=clock, sessions=lambda: days, newest={}, resume_after=None,
        now_ms=0,
    )  # fmt: skip


def test_a_paced_recording_tells_a_trade_when_its_time_has_come() -> None:
    row = trade(NINE_THIRTY + 700)
    market = paced([trade(NINE_THIRTY - 5_000), row])
    begins_ms = NINE_THIRTY - 10_000  # 09:29:50, where the pace begins
    list(market.due(0))
    market.told()

    seen: list[tuple[int, str]] = []
    for now_ms in range(10, 14_000, 10):
        for window in market.due(now_ms):
            seen += [(now_ms, "late") for one in shown(window.told) if one == row]
            seen += [(now_ms, "bar") for bar in window.closed.bars if window.closed.seq == FIRST]
        seen += [(now_ms, "trade") for one in shown(market.told()) if one == row]

    ((told_ms, what), (bar_ms, bar)) = seen
    assert (what, bar) == ("trade", "bar")
    assert 0 <= told_ms - (row.at_ms - begins_ms) <= 20
    assert bar_ms >= end_ms(FIRST) - begins_ms


def test_a_recording_as_fast_as_possible_tells_with_the_window() -> None:
    market = recorded([trade(NINE_THIRTY), trade(NINE_THIRTY + 1_500)])

    windows = [window for window in market.due(0) if window.told is not None]

    assert [shown(window.told) for window in windows] == [[trade(NINE_THIRTY)], [trade(NINE_THIRTY + 1_500)]]
    assert [window.told.before for window in windows if window.told] == [FIRST, FIRST + 1]
    assert market.told() is None


# -- what dies ---------------------------------------------------------------------------------------------------------


class Log:
    """What the store holds of events; it dies with whoever is killed between two writes, never in one."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []

    def tell(self, fence: int, epoch: str, batch: Batch, after: int | None) -> None:
        self.batches.append(batch)


class Durable(Kept):
    """A store that survives its writers."""

    def __init__(self) -> None:
        super().__init__()
        self.events = Log()
        self.newest: dict[str, Newest] = {}
        self.numbers: dict[str, tuple[int, int]] = {}
        self.positions: dict[str, str] = {}
        self.last: int | None = None

    def commit(self, fence: int, epoch: str, commits: list[Any], after: int | None) -> int:
        for one in commits:
            if one.events is not None:
                self.events.batches.append(one.events)
            self.newest |= one.newest
            self.last = one.window.seq
        return super().commit(fence, epoch, commits, after)


class Pushed:
    """A source that can be read again behind a position: (arrival, snapshot) each an entry, as pushes are."""

    name, own_clock, speed, finished = "push", False, 1.0, False

    def __init__(self, rows: list[tuple[int, int]], position: int, told: int) -> None:
        self._rows, self._at, self._told = rows, position, told
        self.position = str(position)

    def carries(self, symbol: str) -> bool:
        return True

    def read(self, until_ms: int) -> Any:
        while self._at < len(self._rows) and self._rows[self._at][0] <= until_ms:
            _, volume = self._rows[self._at]
            self._at += 1
            self.position = mark = str(self._at)
            told = self._at <= self._told
            yield Reading([snapshot(until_ms, 100, volume)], received_ms=until_ms, position=mark, mark=mark, told=told)

    def counters(self) -> Any:
        return {}


@pytest.mark.parametrize("seed", range(12))
def test_killed_anywhere_every_trade_is_told_once_and_numbers_have_no_gap(seed: int) -> None:
    random = Random(seed)
    at_ms, total, rows = NINE_THIRTY, 1, [(NINE_THIRTY - 20_000, 1)]
    for _ in range(25):
        at_ms, total = at_ms + random.randrange(1, 900), total + random.randrange(1, 50)
        rows.append((at_ms, total))
    store: Any = Durable()

    def start(now_ms: int) -> tuple[Market, Publisher]:
        marks = dict(store.events.batches[-1].marks) if store.events.batches else {}
        numbers: dict[str, tuple[int, int]] = {}
        for batch in store.events.batches:
            numbers |= batch.numbers
        position = int((store.commits[-1].window and last_position(store)) or 0) if store.commits else 0
        source: Any = Pushed(rows, position, int(marks.get("push", 0)))
        market = live(
            source, now_ms=now_ms, sessions=calendar, newest=store.newest, resume_after=store.last, close_delay_ms=0
        )
        publisher = Publisher(
            store=store, fence=1, epoch="e", feed="push", recorded=False, speed=1.0, choice={},
            newest=dict(store.newest), keep_hours=72, after=store.last,
            numbering=Numbering(store.newest, numbers, marks),
        )  # fmt: skip
        return market, publisher

    begins = NINE_THIRTY - 360_000  # 09:24, before the first trade: the first total counts
    market, publisher = start(begins)
    for now_ms in range(begins, NINE_THIRTY, 5_000):
        publisher.publish(list(market.due(now_ms)))
        publisher.tell(market.told())
    for now_ms in range(NINE_THIRTY, at_ms + 4_000, 100):
        died = random.choice(["", "", "", "", "before", "between", "after"]) if now_ms < at_ms + 500 else ""
        if died != "before":
            publisher.publish(list(market.due(now_ms)))
            if died != "between":
                publisher.tell(market.told())
        if died:
            market, publisher = start(now_ms + 50)

    prints = [one for batch in store.events.batches for one in batch.events.prints]
    books = [one for batch in store.events.batches for one in batch.events.books]
    assert [one.number for one in prints] == list(range(1, len(prints) + 1))
    assert [one.number for one in books] == list(range(1, len(books) + 1))
    assert sum(one.volume for one in prints) == total
    assert sum(bar.volume for commit in store.commits for bar in commit.window.bars) == total
    assert books[-1].volume == total


def last_position(store: Any) -> str:
    import json

    positions: dict[str, str] = json.loads(store.commits[-1].checkpoint)["positions"]
    return positions.get("push", "0")


def test_a_recording_that_is_read_again_tells_only_what_was_not_told() -> None:
    rows = [trade(NINE_THIRTY - 5_000 + nth * 100, volume=nth + 1) for nth in range(20)]

    def play(market: Market, until_ms: int) -> list[Told]:
        told = [window.told for now_ms in range(0, until_ms, 50) for window in market.due(now_ms)]
        return [one for one in (*told, market.told()) if one is not None]

    early = play(paced(rows), 5_900)
    again = play(paced(rows, told=early[-1].marks["replay"]), 7_500)

    count = sum(len(shown(one)) for one in early)
    assert 0 < count < 20
    new = [one for each in again for run, before in each.runs if not before for one in run]
    assert new == rows[count:]


def test_a_recording_without_its_own_marks_needs_none() -> None:
    assert [reading.mark for reading in ScriptedRecording([trade(NINE_THIRTY)]).read(NINE_THIRTY + 1)] == [""]
