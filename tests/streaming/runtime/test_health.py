"""What a process says of itself: real-time is a fact by session, and lag is told only where time tells it."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from kernel import clock, keyspace
from streaming.domain.calendar import AlwaysOpen
from streaming.domain.windows import end_ms, seq_of
from streaming.latest.market import LatestMarket
from streaming.records.window import Window
from streaming.runtime.health import is_realtime, lag_ms
from streaming.runtime.process import StreamProcess, current_process, stop_process
from streaming.store.connection import redis_async

SEQ = 1_000_000


def market(state: str | None = "open", *, name: str = "CN", speed: float = 1.0, feed: str = "push") -> LatestMarket:
    """A market whose stream has one window of some state; None: that has no stream."""
    made = LatestMarket(name)
    if state is not None:
        made.begin("e1", {}, AlwaysOpen(), from_start=True)
        made.apply(Window(SEQ, state, None, feed, 1, [], speed=speed))
    return made


@pytest.mark.parametrize(
    ("cn", "hk", "realtime"),
    [
        ("open", "open", True),
        ("closed", "lunch_break", True),  # nothing is due, and that is what was promised
        ("no_feed", "open", False),
        ("open", None, True),  # nobody chose a feed for Hong Kong
        (None, None, False),
    ],
)
def test_a_node_is_real_time_when_every_market_that_has_a_stream_runs_or_is_closed(cn, hk, realtime):
    assert is_realtime({"CN": market(cn), "HK": market(hk, name="HK")}) is realtime


def test_the_test_market_alone_makes_nothing_real_time():
    assert not is_realtime({"TEST": market(name="TEST"), "CN": market(None)})


def test_a_market_that_falls_silent_is_real_time_no_more():
    cn = market()
    cn.fall_silent()
    assert not is_realtime({"CN": cn})


def test_lag_counts_from_the_newest_windows_end():
    assert lag_ms(market(), end_ms(SEQ) + 700) == 700
    assert lag_ms(market(), end_ms(SEQ) - 20) == 0  # a clock that is behind


@pytest.mark.parametrize(
    "silent", [market(None), market("closed"), market(speed=60.0), market(speed=0.0), market(feed="replay")]
)
def test_where_time_does_not_tell_there_is_no_lag(silent):
    assert lag_ms(silent, end_ms(SEQ) + 10_000) is None


@pytest.fixture
async def process(settings) -> AsyncIterator[StreamProcess]:
    settings.NODE_GROUP = "reporting"
    await redis_async().delete(keyspace.reports("reporting"))
    yield current_process()
    await redis_async().delete(keyspace.reports("reporting"))
    await stop_process()


@pytest.mark.whole
async def test_a_process_reports_upwards_with_what_the_control_plane_needs(process):
    async with asyncio.timeout(10):
        while not (entries := await redis_async().xrange(keyspace.reports("reporting"))):
            await asyncio.sleep(0.02)

    fields = entries[0][1]
    body = json.loads(fields[b"body"])
    assert (fields[b"v"], fields[b"kind"]) == (b"1", b"health")
    assert set(body) == {
        "process", "node", "role", "version", "at_ms", "sockets", "lag_ms", "markets", "feeds", "rss_bytes",
    }  # fmt: skip
    assert (body["role"], body["sockets"], set(body["markets"])) == ("node", 0, {"CN", "HK", "TEST"})
    assert abs(body["at_ms"] - clock.now_ms()) < 10_000
    assert body["rss_bytes"] > 10_000_000


def test_the_newest_window_of_now_lags_less_than_one_window():
    cn = market()
    cn.apply(Window(seq_of(clock.now_ms()), "open", None, "push", 1, []))
    assert lag_ms(cn, clock.now_ms()) == 0
