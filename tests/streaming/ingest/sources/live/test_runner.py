"""The one runtime of all providers: connected again, paced, bounded, woken, ended; and nothing of a key in what is told."""

import asyncio
import logging
import threading
import time

import pytest

from kernel.instruments import InstrumentId
from streaming.domain.lines import LineSetting
from streaming.domain.ticks import Trade
from streaming.ingest.sources import Closing, Connected, Source, Waking, wait_for_any
from streaming.ingest.sources.live.outlet import Outlet
from streaming.ingest.sources.live.runner import Adapter, LiveSource
from streaming.ingest.sources.live.setting import ProviderRefused, ProviderSetting, ProviderSilent, Wanted
from streaming.reference import directory
from tests.streaming.ingest.scripted import Scripted, snapshot
from tests.streaming.ingest.sources.live.emulators.pages import SinaPages, serving
from tests.streaming.ingest.sources.live.emulators.rows import Moment, sina_row
from tests.streaming.ingest.sources.live.playing import QUICK, Day, Playing

MOUTAI = InstrumentId.parse("600519.SH")
WANTED = Wanted((directory().described(MOUTAI),))
KEY = "very-secret-key"
SETTING = ProviderSetting("itick", key=KEY, url=f"wss://user:{KEY}@host/?token={KEY}", **QUICK)


class Doing:
    """An adapter that does what a test says, one thing a connection."""

    def __init__(self, *steps) -> None:
        self.steps, self.began_at = list(steps), []

    async def run(self, out: Outlet) -> None:
        self.began_at.append(time.monotonic())
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        await step(out)


async def forever(out: Outlet) -> None:
    await out.alive()
    await asyncio.Event().wait()


def raising(error: Exception):
    async def step(out: Outlet) -> None:
        raise error

    return step


def trade(nth: int, at_ms: int) -> Trade:
    return Trade(MOUTAI, at_ms, 100_000 + nth, 100, 100 * (100_000 + nth))


@pytest.fixture
def run():
    running: list[LiveSource] = []

    def start(adapter: Adapter, **more) -> LiveSource:
        running.append(LiveSource("CN line a (itick)", more.pop("setting", SETTING), WANTED, adapter, **more))
        return running[-1]

    yield start
    for source in running:
        source.close()


def until(condition, source: LiveSource, seconds: float = 20.0):
    ends_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends_at, source.condition
        for _ in source.read(source.out.clock_ms()):
            pass
        time.sleep(0.005)


def threads_of_lines() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("line ")]


def test_it_is_a_source_that_wakes_and_closes_and_says_how_it_is(run):
    source: Source = run(Doing(forever))

    assert isinstance(source, Waking)
    assert isinstance(source, Closing)
    assert isinstance(source, Connected)
    assert (source.carries("600519.SH"), source.carries("000001.SZ")) == (True, False)


def test_nothing_is_connected_before_it_is_read(run):
    adapter = Doing(forever)
    source = run(adapter)
    time.sleep(0.05)

    assert (adapter.began_at, source.condition.state) == ([], "starting")


def test_a_lost_connection_is_made_again_later_and_later(run):
    adapter = Doing(raising(ConnectionResetError(104, "Connection reset by peer")))
    source = run(adapter)
    until(lambda: len(adapter.began_at) >= 5, source)

    gaps = [after - before for before, after in zip(adapter.began_at, adapter.began_at[1:], strict=False)]
    assert gaps[3] > gaps[0]
    assert gaps[3] >= 0.2  # a half of 0.05 s, three times doubled
    assert (
        source.condition.problem
        == "It cannot be reached (ConnectionResetError: Connection reset by peer); trying again."
    )
    assert source.counters()["connection_lost"] >= 4


def test_a_connection_that_told_something_begins_the_waits_anew(run):
    async def tell_and_end(out: Outlet) -> None:
        await out.alive()

    adapter = Doing(tell_and_end)
    source = run(adapter)
    until(lambda: len(adapter.began_at) >= 8, source)

    gaps = [after - before for before, after in zip(adapter.began_at, adapter.began_at[1:], strict=False)]
    assert min(gaps[-3:]) < 0.3  # 0.05 s each time; doubled each time these would be 0.4 s at least


def test_how_long_a_line_was_away_is_counted(run):
    async def tell_and_go(out: Outlet) -> None:
        await out.alive()

    def quick() -> int:  # a clock that goes two hundred times as fast: the wait of 25 ms at least is five seconds
        return 1_795_600_000_000 + round(time.monotonic() * 200_000)

    adapter = Doing(tell_and_go)
    source = run(adapter, clock_ms=quick)
    until(lambda: len(adapter.began_at) >= 3, source)

    assert source.counters()["seconds_not_connected"] >= 9
    assert source.counters()["connection_lost"] >= 2


def test_a_refusal_is_the_providers_sentence_and_is_tried_again_much_later(run):
    adapter = Doing(raising(ProviderRefused("It does not know the key.", after_seconds=0.4)))
    source = run(adapter)
    until(lambda: len(adapter.began_at) >= 2, source)

    assert source.condition.state == "refused"
    assert source.condition.problem == "It does not know the key."
    assert adapter.began_at[1] - adapter.began_at[0] >= 0.4


def test_silence_and_a_fault_of_ours_are_told_apart(run):
    quiet, faulty = run(Doing(raising(ProviderSilent()))), run(Doing(raising(KeyError(KEY))))
    until(lambda: quiet.condition.problem, quiet)
    until(lambda: faulty.condition.problem, faulty)

    assert quiet.condition.problem == "It said nothing for 2 s; connecting again."
    assert faulty.condition.problem == "Its adapter failed (KeyError); this is a fault of the program."


def test_no_key_stands_in_a_sentence_a_log_or_the_settings_text(run, caplog):
    caplog.set_level(logging.DEBUG)
    for error in (KeyError(KEY), OSError(f"wss://host/?token={KEY}"), ConnectionError(KEY)):
        source = run(Doing(raising(error)))
        until(lambda source=source: source.condition.problem, source)
        assert KEY not in source.condition.problem

    assert KEY not in caplog.text
    assert "CN line a (itick)" in caplog.text
    assert KEY not in repr(SETTING)


def test_a_full_queue_is_counted_and_makes_the_provider_wait_and_nothing_is_lost(run):
    said: list[int] = []

    async def chatter(out: Outlet) -> None:
        for nth in range(50):
            await out.say([trade(nth, out.clock_ms())])
            said.append(nth)
        await asyncio.Event().wait()

    source, heard = run(Doing(chatter), most_waiting=5), list[int]()

    def read() -> None:
        heard.extend(tick.price_e4 - 100_000 for one in source.read(source.out.clock_ms()) for tick in one.ticks)

    read()
    ends_at = time.monotonic() + 30
    while not source.counters()["queue_full"] and time.monotonic() < ends_at:
        time.sleep(0.01)
    time.sleep(0.1)
    waited, full = len(said), len(source._waiting)
    while len(heard) < 50 and time.monotonic() < ends_at:
        read()

    assert (full, waited <= 10) == (5, True)
    assert heard == list(range(50))
    assert source.counters()["queue_full"] >= 1


def test_counts_are_read_while_they_are_counted(run):
    async def count(out: Outlet) -> None:
        for nth in range(200_000):
            out.counts[f"reason {nth % 5_000}"] += 1
            if nth % 5_000 == 0:
                out.counts.clear()
            if nth % 1_000 == 0:
                await asyncio.sleep(0)
        await out.alive()
        await asyncio.Event().wait()

    source = run(Doing(count))
    ends_at = time.monotonic() + 20
    while source.condition.state != "live" and time.monotonic() < ends_at:
        list(source.read(source.out.clock_ms()))
        assert sum(source.counters().values()) >= 0

    assert source.condition.problem == ""


@pytest.mark.parametrize("beside", ["nobody", "another provider", "a source of another class"])
def test_a_market_wakes_when_something_comes_whatever_its_other_lines_are(run, beside):
    asked = threading.Event()

    async def tell_when_asked(out: Outlet) -> None:
        while not asked.is_set():
            await asyncio.sleep(0.001)
        asked.clear()
        await out.say([trade(1, out.clock_ms())])
        await asyncio.Event().wait()

    source, news = run(Doing(tell_when_asked)), threading.Event()
    others = {"nobody": [], "another provider": [run(Doing(forever))], "a source of another class": [Scripted()]}[
        beside
    ]
    for one in (source, *others):
        if isinstance(one, Waking):
            one.wake(news)
        list(one.read(0) if isinstance(one, Scripted) else one.read(source.out.clock_ms()))
    began_at = time.monotonic()
    asked.set()
    while not source._waiting:
        wait_for_any([*others, source], threading.Event(), 60.0, news)

    assert time.monotonic() - began_at < 50.0  # nobody waited for the end of the 60 s


def test_it_ends_at_once_whatever_it_is_doing(run):
    waiting, connected = run(Doing(raising(ProviderRefused("No.", 300)))), run(Doing(forever))
    until(lambda: waiting.condition.state == "refused", waiting)
    until(lambda: connected.condition.state == "live", connected)
    began_at = time.monotonic()
    waiting.close()
    connected.close()

    assert time.monotonic() - began_at < 30.0  # of the 300 s that were left
    assert (waiting.condition.state, connected.condition.state) == ("ended", "ended")
    assert threads_of_lines() == []
    waiting.close()  # again: nothing happens
    list(waiting.read(waiting.out.clock_ms()))
    assert threads_of_lines() == []  # and it does not begin anew


def test_a_market_ends_the_lines_that_are_taken_away_and_all_at_its_end():
    day, pages = Day(), SinaPages()
    pages.rows["sh600519"] = sina_row(Moment(100_000, clock=day.clock()))
    with serving(pages) as url:
        first, second = (day.source("sina", url, line=name, symbols=("600519.SH",)) for name in ("a", "b"))
        with Playing(day, {"a": first, "b": second}) as playing:
            playing.until(lambda: len(threads_of_lines()) == 2)
            playing.market.arrange([LineSetting("b", "sina")], {})
            assert len(threads_of_lines()) == 1
            third = day.source("sina", url, line="b", symbols=("600519.SH",))
            playing.market.arrange([LineSetting("b", "tencent")], {"b": third})
            playing.until(lambda: third.condition.state == "live")
            assert second.condition.state == "ended"

    assert threads_of_lines() == []


def test_a_storm_of_reconnects_asks_no_more_often_than_steady_work():
    day, pages = Day(), SinaPages()
    pages.cut = True  # every answer breaks off
    with serving(pages) as url:
        source = day.source("sina", url, symbols=("600519.SH",), per_minute=300, retry_seconds=0.001)
        with Playing(day, {"sina": source}) as playing:
            playing.play(2.0)

    at = pages.asked_at()
    assert 5 <= len(at) <= 2 + 2.2 * 5  # five a second, and two at once


def test_a_reading_that_a_closed_window_missed_counts_now(run):
    clock, closed = [1_795_600_000_000], threading.Event()

    async def tell(out: Outlet) -> None:
        while not closed.is_set():
            await asyncio.sleep(0.001)
        await out.say([snapshot(clock[0] - 3_000, 100, 500)])
        await asyncio.Event().wait()

    source = run(Doing(tell), clock_ms=lambda: clock[0])
    list(source.read(clock[0] + 1_000))  # windows up to here are closed; it is told as having come before
    closed.set()
    ends_at = time.monotonic() + 30
    while not source._waiting and time.monotonic() < ends_at:
        time.sleep(0.005)
    (reading,) = source.read(clock[0] + 1_050)

    assert reading.ticks[0].at_ms == clock[0] + 1_050
    assert reading.ticks[0].venue_ms == clock[0] - 3_000
