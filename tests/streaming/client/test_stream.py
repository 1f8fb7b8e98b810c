"""The Python client over real sockets that break: every bar once and in order, or a gap that is told."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest

from streaming.client.events import Bar, Connected, Disconnected, Gap, Recovered, Said
from streaming.client.stream import EndedByOwner, NoStreamThere, Replaced, Stream, TokenEnded
from tests.journeys.fault_proxy import DOWN, UP, FaultProxy
from tests.streaming.client.reader import FAST, Reader
from tests.streaming.client.scripted_node import SPARSE, TOKEN, UNIVERSE, ScriptedNode, Tape, faults

pytestmark = pytest.mark.whole
SYMBOLS = (*UNIVERSE, SPARSE)


@pytest.fixture
async def tape() -> AsyncIterator[Tape]:
    """A tape on which a window is written each 5 ms."""
    one = Tape(seed=7)
    running = asyncio.create_task(one.run(0.005))
    yield one
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


def epochs(tape: Tape) -> dict[str, str]:
    return {name: lane.epoch for name, lane in tape.lanes.items()}


def clean(reader: Reader, tape: Tape) -> bool:
    found = faults(reader.bars, tape.written, epochs(tape))
    return {name: found[name] for name in ("missing", "duplicate", "reordered")} == {
        "missing": 0, "duplicate": 0, "reordered": 0,
    }  # fmt: skip


@pytest.mark.parametrize("seed", [1])
async def test_a_hundred_cuts_at_any_byte_lose_double_and_reorder_nothing(tape, seed):
    """A hundred cuts (./dev soak makes a thousand), in handshakes, frames, replays, answers."""
    async with (
        ScriptedNode(tape, seed=seed) as node,
        FaultProxy(node.port, seed=seed, cut_between=(1, 20_000), cuts=100) as proxy,
        Reader(Stream(f"ws://127.0.0.1:{proxy.port}/ws/stock", TOKEN, symbols=SYMBOLS, **FAST)) as reader,
    ):
        await reader.until(lambda: proxy.cut >= 100, 60)
        await reader.more_bars(300)
        await reader.until(lambda: len(reader.bars) > 10_000)

        found = faults(reader.bars, tape.written, epochs(tape))
        assert found["missing"] == found["duplicate"] == found["reordered"] == 0, found
        assert reader.of(Gap) == []
        assert len(reader.of(Recovered)) > 10
        assert {symbol for symbol, _ in reader.bars} == set(SYMBOLS)


async def test_without_the_place_that_the_client_keeps_the_same_cuts_lose_bars(tape, monkeypatch):
    """The twin of the test above: what it counts is really counted."""
    from streaming.client import lanes

    monkeypatch.setattr(lanes._Lane, "cursor", lambda self: None)
    async with (
        ScriptedNode(tape) as node,
        FaultProxy(node.port, seed=1, cut_between=(2_000, 20_000), cuts=10) as proxy,
        Reader(Stream(f"ws://127.0.0.1:{proxy.port}/ws/stock", TOKEN, symbols=SYMBOLS, **FAST)) as reader,
    ):
        await reader.until(lambda: proxy.cut >= 10)
        await reader.more_bars(200)
        assert faults(reader.bars, tape.written, epochs(tape))["missing"] > 0


async def test_when_its_node_is_killed_it_goes_on_at_the_other_with_resume(tape):
    async with (
        ScriptedNode(tape, "one") as one,
        ScriptedNode(tape, "two", slow_health_s=0.3) as two,
        Reader(Stream([two.url, one.url], TOKEN, symbols=SYMBOLS, **FAST)) as reader,
    ):
        await reader.more_bars()
        assert [told.url for told in reader.of(Connected)] == [one.url]  # it answered first

        one.kill()
        await reader.until(lambda: reader.of(Recovered))
        await reader.more_bars(200)

        assert [told.url for told in reader.of(Connected)] == [one.url, two.url]
        assert clean(reader, tape)
        assert reader.of(Gap) == []
        since = two.asked[0]["since"]
        assert set(since) == {"CN", "HK", "TEST"}


async def test_a_draining_node_names_the_next_one_and_nothing_is_lost(tape):
    async with (
        ScriptedNode(tape, "one") as one,
        ScriptedNode(tape, "two", slow_health_s=0.2) as two,
        ScriptedNode(tape, "three", slow_health_s=0.2) as three,
        Reader(Stream([one.url, two.url], TOKEN, symbols=SYMBOLS, **FAST)) as reader,
    ):
        await reader.more_bars()
        await one.close_all(1012, f'{{"retry_after":30,"node":"three","url":"{three.url}"}}')
        await reader.until(lambda: reader.of(Recovered))
        await reader.more_bars(100)
        assert [told.url for told in reader.of(Connected)] == [one.url, three.url]
        assert clean(reader, tape)


@pytest.mark.parametrize("code", [1013, 1011, 4408, 4429])
async def test_other_closes_lead_to_the_next_address(tape, code):
    async with (
        ScriptedNode(tape, "one") as one,
        ScriptedNode(tape, "two", slow_health_s=0.2) as two,
        Reader(Stream([one.url, two.url], TOKEN, symbols=["600519.SH"], **FAST)) as reader,
    ):
        await reader.more_bars()
        await one.close_all(code)
        await reader.until(lambda: len(reader.of(Connected)) == 2)
        await reader.more_bars()
        assert reader.stream.url == two.url
        assert clean(reader, tape)


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        (4401, TokenEnded, "the token was revoked"),
        (4409, Replaced, "a newer connection"),
        (4410, EndedByOwner, "its owner"),
    ],
)
async def test_a_final_close_ends_it_with_one_sentence(tape, code, kind, said):
    async with (
        ScriptedNode(tape) as one,
        ScriptedNode(tape) as two,
        Reader(Stream([one.url, two.url], TOKEN, symbols=["600519.SH"], **FAST)) as reader,
    ):
        await reader.more_bars(5)
        await asyncio.gather(one.close_all(code), two.close_all(code))
        await reader.until(lambda: reader.ended)
        assert isinstance(reader.ended, kind)
        assert said in str(reader.ended)
        assert reader.ended.code == code
        assert one.connects + two.connects == 1


async def test_a_refused_token_ends_it_only_when_every_address_refuses(tape):
    async with ScriptedNode(tape) as one, ScriptedNode(tape, slow_health_s=0.2) as two:
        one.refusals = [(401, {"code": "token_foreign", "message": "another group"}, {})]
        async with Reader(Stream([one.url, two.url], TOKEN, symbols=["600519.SH"], **FAST)) as reader:
            await reader.more_bars(5)
            assert reader.stream.url == two.url
        stream = Stream([one.url, two.url], "bad", symbols=["600519.SH"], **FAST)
        async with Reader(stream) as reader:
            await reader.until(lambda: reader.ended)
            assert str(reader.ended) == "HTTP 401 on connect: the token is not ours (token_invalid)"


async def test_a_node_whose_clock_is_behind_is_asked_again(tape):
    """The token it finds too early is right; it was the last refusal that ended the only program that mattered."""
    async with ScriptedNode(tape) as node:
        node.refusals = [(401, {"code": "token_not_yet_valid", "message": "not valid yet"}, {})] * 3
        async with Reader(Stream(node.url, TOKEN, symbols=["600519.SH"], **FAST)) as reader:
            await reader.more_bars(5)
            assert len(reader.of(Disconnected)) == 3


async def test_an_address_without_a_stream_is_named(tape):
    async with ScriptedNode(tape) as node:
        node.refusals = [(404, {}, {})]
        async with Reader(Stream(node.url, TOKEN, symbols=["600519.SH"], **FAST)) as reader:
            await reader.until(lambda: reader.ended)
            assert isinstance(reader.ended, NoStreamThere)


async def test_retry_after_is_waited_for(tape):
    async with ScriptedNode(tape) as node:
        node.refusals = [(503, {"code": "draining", "message": "later"}, {"Retry-After": "1"})]
        began = time.monotonic()
        async with Reader(Stream(node.url, TOKEN, symbols=["600519.SH"], **FAST)) as reader:
            await reader.more_bars(1)
            assert time.monotonic() - began >= 1.0
            assert reader.of(Disconnected)[0].why.startswith("HTTP 503 on connect: later")


async def test_an_epoch_that_changed_while_it_was_away_is_told_as_a_gap_and_the_rest_is_had(tape):
    async with (
        ScriptedNode(tape) as node,
        FaultProxy(node.port) as proxy,
        Reader(Stream(f"ws://127.0.0.1:{proxy.port}/ws/stock", TOKEN, symbols=SYMBOLS, **FAST)) as reader,
    ):
        await reader.more_bars()
        await proxy.refuse()
        proxy.cut_all()
        tape.new_epoch("CN", "e2-CN", tell=False)
        tape.write(40)
        await proxy.accept()
        await reader.until(lambda: reader.of(Gap))
        await reader.more_bars(300)

        (gap,) = reader.of(Gap)
        assert (gap.lane, gap.reason) == ("CN", "epoch_changed")
        after = reader.things[reader.things.index(gap) :]
        bars = [(thing.symbol, thing.seq) for thing in after if isinstance(thing, Bar) and thing.symbol.endswith("H")]
        # From the first of the new epoch on, whole.
        assert bars
        found = faults(bars, tape.written, epochs(tape))
        assert found["missing"] == found["duplicate"] == found["reordered"] == 0
        assert min(seq for _, seq in bars) == tape.written["e2-CN", "600519.SH"][0]


async def test_an_epoch_that_changes_on_an_open_connection_is_a_gap_too(tape):
    async with ScriptedNode(tape) as node, Reader(Stream(node.url, TOKEN, symbols=SYMBOLS, **FAST)) as reader:
        await reader.more_bars()
        back = tape.lanes["CN"].seq - 10_000
        tape.new_epoch("CN", "e2-CN", back_to=back)
        await reader.until(lambda: reader.of(Gap))
        await reader.more_bars(100)
        assert [(gap.lane, gap.reason) for gap in reader.of(Gap)] == [("CN", "epoch_changed")]
        gap = reader.things.index(reader.of(Gap)[0])
        first = next(t.seq for t in reader.things[gap:] if isinstance(t, Bar) and t.symbol == "600519.SH")
        assert first == back + 1


async def test_what_was_trimmed_is_a_gap_and_what_is_left_is_had(tape):
    async with (
        ScriptedNode(tape) as node,
        FaultProxy(node.port) as proxy,
        Reader(Stream(f"ws://127.0.0.1:{proxy.port}/ws/stock", TOKEN, symbols=SYMBOLS, **FAST)) as reader,
    ):
        await reader.more_bars()
        await proxy.refuse()
        proxy.cut_all()
        tape.write(200)
        tape.trim("HK", 60)
        first = tape.lanes["HK"].first
        await proxy.accept()
        await reader.until(lambda: len(reader.of(Recovered)) == 3)
        await reader.more_bars(100)

        (gap,) = reader.of(Gap)
        assert (gap.lane, gap.reason, gap.first) == ("HK", "trimmed", first)
        place = reader.things.index(gap)
        seqs = [t.seq for t in reader.things[place:] if isinstance(t, Bar) and t.symbol == "00700.HK"]
        assert seqs == list(range(first, seqs[-1] + 1))
        before = [t.seq for t in reader.things[:place] if isinstance(t, Bar) and t.symbol == "00700.HK"]
        assert before[-1] < first


@pytest.mark.parametrize(("behind", "reason"), [(0, "no_stream"), (1, "ahead")])
async def test_a_node_that_is_behind_sends_nothing_twice(tape, behind, reason):
    """Another node whose stream lags: its frames up to ours are dropped, and the doubt is told."""
    lagging = Tape()
    lagging.write(behind)
    async with ScriptedNode(tape, "one") as one, ScriptedNode(lagging, "two", slow_health_s=0.2) as two:
        tape.write(100)
        async with Reader(Stream([one.url, two.url], TOKEN, symbols=["600519.SH"], **FAST)) as reader:
            await reader.more_bars()
            one.kill()
            await reader.until(lambda: reader.of(Gap))
            assert reader.of(Gap)[0].reason == reason
            last = reader.bars[-1][1]
            while lagging.lanes["CN"].seq < last + 5:
                lagging.write(10)
                await asyncio.sleep(0.001)
            await reader.until(lambda: reader.bars[-1][1] > last)
            seqs = [seq for _, seq in reader.bars]
            assert seqs == sorted(set(seqs))


async def test_a_stalled_connection_is_left_and_its_bars_come_again(tape):
    async with ScriptedNode(tape) as node, FaultProxy(node.port) as proxy:
        url = f"ws://127.0.0.1:{proxy.port}/ws/stock"
        async with Reader(Stream(url, TOKEN, symbols=SYMBOLS, silent_s=0.3, **FAST)) as reader:
            await reader.more_bars()
            proxy.stall(DOWN)
            await reader.until(lambda: reader.of(Disconnected))
            proxy.flow()
            await reader.until(lambda: reader.of(Recovered))
            await reader.more_bars(100)
            assert clean(reader, tape)


async def test_a_node_that_stops_while_bars_are_due_is_left_long_before_a_heartbeat_is_missed(tape, monkeypatch):
    monkeypatch.setattr("streaming.client.silence.BRISK_S", 0.3)
    async with ScriptedNode(tape) as node, FaultProxy(node.port) as proxy:
        url = f"ws://127.0.0.1:{proxy.port}/ws/stock"
        async with Reader(Stream(url, TOKEN, symbols=SYMBOLS, **FAST)) as reader:
            await reader.more_bars()
            proxy.stall(DOWN)
            await reader.until(lambda: reader.of(Disconnected))
            assert reader.of(Disconnected)[0].why == "nothing came for 0 s"
            proxy.flow()
            await reader.until(lambda: reader.of(Recovered))
            await reader.more_bars(100)
            assert clean(reader, tape)


@pytest.mark.parametrize("direction", [UP, DOWN])
async def test_half_a_connection_is_no_connection(tape, direction):
    async with (
        ScriptedNode(tape) as node,
        FaultProxy(node.port) as proxy,
        Reader(Stream(f"ws://127.0.0.1:{proxy.port}/ws/stock", TOKEN, symbols=SYMBOLS, **FAST)) as reader,
    ):
        await reader.more_bars()
        proxy.cut_one_way(direction)
        await reader.until(lambda: reader.of(Recovered))
        await reader.more_bars(100)
        assert clean(reader, tape)


async def test_a_slow_wire_changes_nothing(tape):
    async with ScriptedNode(tape) as node, FaultProxy(node.port) as proxy:
        proxy.delay(0.02)
        async with Reader(Stream(f"ws://127.0.0.1:{proxy.port}/ws/stock", TOKEN, symbols=SYMBOLS, **FAST)) as reader:
            await reader.more_bars(100)
            assert clean(reader, tape)


async def test_a_program_that_reads_slowly_gets_every_bar_of_a_healthy_node(tape):
    """The queue is bounded, and what does not fit waits on the wire: nothing is thrown away here."""
    async with (
        ScriptedNode(tape) as node,
        Stream(node.url, TOKEN, symbols=["600519.SH"], queue=5, **FAST) as stream,
    ):
        seqs = []
        async for bar in stream:
            seqs.append(bar.seq)
            await asyncio.sleep(0.01 if len(seqs) < 30 else 0)
            if len(seqs) == 150:
                break
        assert seqs == list(range(seqs[0], seqs[0] + 150))
        assert stream.skipped == 0


async def test_symbols_come_and_go_and_are_named_as_the_node_does(tape):
    async with ScriptedNode(tape) as node, FaultProxy(node.port) as proxy:
        url = f"ws://127.0.0.1:{proxy.port}/ws/stock"
        async with Reader(Stream(url, TOKEN, symbols=["700.HK", "nonsense.SH"], **FAST)) as reader:
            await reader.more_bars(5)
            assert reader.stream.symbols == ["00700.HK"]
            await reader.stream.follow(["600519.SH"])
            await reader.until(lambda: any(symbol == "600519.SH" for symbol, _ in reader.bars))
            await reader.stream.unfollow(["00700.HK"])
            await reader.until(lambda: reader.stream.symbols == ["600519.SH"])
            proxy.cut_all()
            await reader.until(lambda: reader.of(Recovered))
            assert node.asked[-1]["symbols"] == ["600519.SH"]
            assert set(node.asked[-1]["since"]) == {"CN"}


async def test_a_store_that_is_away_is_asked_again(tape, monkeypatch):
    monkeypatch.setattr("streaming.client.stream.ASK_AGAIN_S", 0.1)
    async with ScriptedNode(tape) as node:
        node.answers_once = ["unavailable"]
        async with Reader(Stream(node.url, TOKEN, symbols=["600519.SH"], **FAST)) as reader:
            await reader.more_bars(5)
            assert len(node.asked) == 2
            assert node.connects == 1
            assert [said.message["code"] for said in reader.of(Said) if said.type == "error"] == ["unavailable"]


async def test_a_node_that_cannot_resume_is_followed_live_and_the_gap_is_told(tape):
    async with (
        ScriptedNode(tape) as node,
        FaultProxy(node.port) as proxy,
        Reader(Stream(f"ws://127.0.0.1:{proxy.port}/ws/stock", TOKEN, symbols=SYMBOLS, **FAST)) as reader,
    ):
        await reader.more_bars()
        node.answers_once = ["unsupported"]
        proxy.cut_all()
        await reader.until(lambda: reader.of(Gap))
        await reader.more_bars()
        assert {(gap.lane, gap.reason) for gap in reader.of(Gap)} == {
            ("CN", "unsupported"), ("HK", "unsupported"), ("TEST", "unsupported"),
        }  # fmt: skip


async def test_it_begins_where_it_is_told_to(tape):
    tape.write(50)
    since = tape.lanes["CN"].seq - 20
    async with (
        ScriptedNode(tape) as node,
        Reader(Stream(node.url, TOKEN, symbols=["600519.SH"], since=since, **FAST)) as reader,
    ):
        await reader.more_bars(40)
        seqs = [seq for _, seq in reader.bars]
        assert seqs == list(range(since + 1, since + 1 + len(seqs)))


async def test_events_come_between_the_bars_where_they_happened(tape):
    heard = []
    async with (
        ScriptedNode(tape) as node,
        Stream(node.url, TOKEN, symbols=["600519.SH"], on_event=heard.append, **FAST) as stream,
    ):
        async for _ in stream:
            break
    assert [type(event) for event in heard[:2]] == [Connected, Said]


async def test_nothing_is_left_behind_when_it_is_closed_in_any_state(tape):
    async with ScriptedNode(tape) as node, FaultProxy(node.port, cut_between=(1, 3000), cuts=1000) as proxy:
        before = asyncio.all_tasks()
        for pause in (0, 0.001, 0.01, 0.05, 0.2):
            async with Stream(f"ws://127.0.0.1:{proxy.port}/ws/stock", TOKEN, symbols=SYMBOLS, **FAST):
                await asyncio.sleep(pause)
        proxy.cut_all()
        await asyncio.sleep(0.1)
        left = {task for task in asyncio.all_tasks() - before if "Stream" in repr(task.get_coro())}
        assert left == set()
