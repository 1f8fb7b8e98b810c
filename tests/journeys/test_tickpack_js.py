"""static/streaming/tickpack.js in a real Chromium, over real sockets that break: the rules of the Python client."""

import asyncio
import functools
import threading
import time
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.fault_proxy import DOWN, Background, FaultProxy
from tests.journeys.tab import SYMBOLS, Tab
from tests.streaming.client.scripted_node import TOKEN, ScriptedNode, Tape, faults
from tests.streaming.conftest import make_token, node  # noqa: F401  a fixture

pytestmark = pytest.mark.whole
STATIC = Path(__file__).resolve().parents[2] / "static"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *said: object) -> None:
        pass


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    """Where the browser gets the module from: the static files as they are, and an empty page."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=STATIC))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def background() -> Iterator[Background]:
    with Background() as one:
        yield one


@pytest.fixture
def enter(background) -> Iterator[Callable[[Any], Any]]:
    """Enter asynchronous contexts in the background loop; all are left at the end."""
    entered = []

    def into(context: Any) -> Any:
        entered.append(context)
        return background.run(context.__aenter__())

    yield into
    for context in reversed(entered):
        background.run(context.__aexit__(None, None, None))


@pytest.fixture
def tape(background) -> Tape:
    """A tape on which a window is written each 5 ms."""
    one = Tape(seed=7)

    async def start() -> None:
        one.running = asyncio.create_task(one.run(0.005))

    background.run(start())
    return one


@pytest.fixture
def tab(browser, origin) -> Iterator[Tab]:
    context = browser.new_context()
    page = context.new_page()
    # Any page of the origin will do; a script is one, and brings no request of its own.
    page.goto(f"{origin}/streaming/lanes.js")
    one = Tab(page)
    yield one
    context.close()
    assert one.failures == []


def found(tab: Tab, tape: Tape) -> dict[str, int]:
    counted = faults(tab.bars, tape.written, {name: lane.epoch for name, lane in tape.lanes.items()})
    return {name: counted[name] for name in ("missing", "duplicate", "reordered")}


WHOLE = {"missing": 0, "duplicate": 0, "reordered": 0}


@pytest.mark.parametrize("seed", [3])
def test_a_hundred_cuts_at_any_byte_lose_double_and_reorder_nothing(tab, enter, tape, seed):
    served = enter(ScriptedNode(tape, seed=seed))
    proxy = enter(FaultProxy(served.port, seed=seed, cut_between=(1, 20_000), cuts=100))
    tab.begin(f"ws://127.0.0.1:{proxy.port}/ws/stock")
    tab.until(lambda: proxy.cut >= 100, 120)
    tab.more_bars(300)
    assert found(tab, tape) == WHOLE
    assert tab.count("gap") == 0
    assert tab.count("recovered") > 10
    assert {symbol for symbol, _ in tab.bars} == set(SYMBOLS)
    assert len(tab.bars) > 2_000


def test_when_its_node_is_killed_it_goes_on_at_the_other_with_resume(tab, enter, tape, background):
    one, two = enter(ScriptedNode(tape, "one")), enter(ScriptedNode(tape, "two", slow_health_s=0.5))
    tab.begin(two.url, one.url)
    tab.more_bars()
    assert tab.nodes == ["one"]  # it answered first

    background.call(one.kill)
    tab.until(lambda: tab.count("recovered") == 3)
    tab.more_bars(200)

    assert tab.nodes == ["one", "two"]
    assert found(tab, tape) == WHOLE
    assert tab.count("gap") == 0
    assert set(two.asked[0]["since"]) == {"CN", "HK", "TEST"}


def test_a_draining_node_names_the_next_one_and_nothing_is_lost(tab, enter, tape, background):
    one = enter(ScriptedNode(tape, "one"))
    two = enter(ScriptedNode(tape, "two", slow_health_s=0.5))
    three = enter(ScriptedNode(tape, "three"))
    tab.begin(one.url, two.url)
    tab.more_bars()
    background.run(one.close_all(1012, f'{{"retry_after":30,"node":"three","url":"{three.url}"}}'))
    tab.until(lambda: tab.count("recovered") == 3)
    tab.more_bars(100)
    assert tab.nodes == ["one", "three"]
    assert found(tab, tape) == WHOLE


def test_the_time_that_a_draining_node_asks_for_is_waited(tab, enter, tape, background):
    served = enter(ScriptedNode(tape))
    tab.begin(served.url)
    tab.more_bars()
    background.run(served.close_all(1012, '{"retry_after":1}'))
    began = time.monotonic()
    tab.until(lambda: len(tab.nodes) == 2)
    assert time.monotonic() - began > 0.9
    tab.more_bars()
    assert found(tab, tape) == WHOLE


@pytest.mark.parametrize(
    ("code", "said"),
    [(4401, "the token was revoked"), (4403, "forbids"), (4409, "a newer connection"), (4410, "its owner")],
)
def test_a_final_close_ends_it_and_says_why(tab, enter, tape, background, code, said):
    served = enter(ScriptedNode(tape))
    tab.begin(served.url)
    tab.more_bars()
    background.run(served.close_all(code))
    tab.until(lambda: "ended" in tab.of("state"))
    assert said in tab.page.evaluate("window.told.find(([kind, name]) => name === 'ended')[2]")
    tab.page.wait_for_timeout(300)
    assert served.connects == 1


def test_a_refused_token_is_named_although_a_browser_is_not_told(tab, node):  # noqa: F811
    """By the product's own server, which says it on another page."""
    tab.begin(node.url, token=make_token(lives_s=-60))
    tab.until(lambda: "ended" in tab.of("state"))
    ended = tab.page.evaluate("window.told.find(([kind, name]) => name === 'ended')[2]")
    assert "token_expired" in ended


def test_an_epoch_that_changed_while_it_was_away_is_told_as_a_gap(tab, enter, tape, background):
    served = enter(ScriptedNode(tape))
    proxy = enter(FaultProxy(served.port))
    tab.begin(f"ws://127.0.0.1:{proxy.port}/ws/stock")
    tab.more_bars()
    background.run(proxy.refuse())
    background.call(proxy.cut_all)
    background.call(functools.partial(tape.new_epoch, "CN", "e2-CN", tell=False))
    background.call(tape.write, 40)
    background.run(proxy.accept())
    tab.until(lambda: tab.count("gap"))
    tab.more_bars(300)

    (gap,) = tab.of("gap")
    assert (gap["lane"], gap["reason"]) == ("CN", "epoch_changed")
    told = tab.told
    seqs = [row[2] for row in told[told.index(["gap", gap]) :] if row[:2] == ["bar", "600519.SH"]]
    assert seqs == tape.written["e2-CN", "600519.SH"][: len(seqs)]


def test_an_epoch_that_changes_on_an_open_connection_is_a_gap_too(tab, enter, tape, background):
    served = enter(ScriptedNode(tape))
    tab.begin(served.url)
    tab.more_bars()
    back = tape.lanes["CN"].seq - 10_000
    background.call(functools.partial(tape.new_epoch, "CN", "e2-CN", back_to=back))
    tab.until(lambda: tab.count("gap"))
    tab.more_bars(100)
    told = tab.told
    assert [(gap["lane"], gap["reason"]) for gap in tab.of("gap")] == [("CN", "epoch_changed")]
    after = told[next(at for at, row in enumerate(told) if row[0] == "gap") :]
    assert next(row[2] for row in after if row[:2] == ["bar", "600519.SH"]) == back + 1


def test_what_was_trimmed_is_a_gap_and_what_is_left_is_had(tab, enter, tape, background):
    served = enter(ScriptedNode(tape))
    proxy = enter(FaultProxy(served.port))
    tab.begin(f"ws://127.0.0.1:{proxy.port}/ws/stock")
    tab.more_bars()
    background.run(proxy.refuse())
    background.call(proxy.cut_all)
    background.call(tape.write, 200)
    background.call(tape.trim, "HK", 60)
    first = tape.lanes["HK"].first
    background.run(proxy.accept())
    tab.until(lambda: tab.count("recovered") == 3)
    tab.more_bars(100)

    (gap,) = tab.of("gap")
    assert (gap["lane"], gap["reason"], gap["first"]) == ("HK", "trimmed", first)
    told = tab.told
    seqs = [row[2] for row in told[told.index(["gap", gap]) :] if row[:2] == ["bar", "00700.HK"]]
    assert seqs == list(range(first, seqs[-1] + 1))


def test_a_stalled_connection_is_left_and_its_bars_come_again(tab, enter, tape, background):
    served = enter(ScriptedNode(tape))
    proxy = enter(FaultProxy(served.port))
    tab.begin(f"ws://127.0.0.1:{proxy.port}/ws/stock", silent=0.5)
    tab.more_bars()
    background.call(proxy.stall, DOWN)
    tab.until(lambda: "waiting" in tab.of("state"))
    background.call(proxy.flow)
    tab.until(lambda: tab.count("recovered") == 3)
    tab.more_bars(100)
    assert found(tab, tape) == WHOLE


def test_after_a_long_absence_it_begins_live_where_it_was_told_to(tab, enter, tape, background):
    served = enter(ScriptedNode(tape))
    proxy = enter(FaultProxy(served.port))
    tab.begin(f"ws://127.0.0.1:{proxy.port}/ws/stock", symbols=["600519.SH"], resumeWithin=0.3)
    tab.more_bars()
    background.run(proxy.refuse())
    background.call(proxy.cut_all)
    tab.page.wait_for_timeout(500)
    background.run(proxy.accept())
    tab.until(lambda: tab.count("gap"))
    tab.more_bars()
    assert [gap["reason"] for gap in tab.of("gap")] == ["away_too_long"]
    assert "since" not in served.asked[-1]


def test_an_abort_signal_ends_it(tab, enter, tape):
    served = enter(ScriptedNode(tape))
    tab.begin(served.url)
    tab.more_bars()
    tab.page.evaluate("window.abort.abort()")
    had = tab.count("bar")
    tab.page.wait_for_timeout(200)
    assert tab.count("bar") == had
    assert len(served.peers) == 0


def test_for_await_gives_every_bar_in_order_and_ends_with_the_signal(tab, enter, tape):
    served = enter(ScriptedNode(tape))
    seqs = tab.page.evaluate(
        """async ({ url, token }) => {
            const { Tickpack } = await import("/streaming/tickpack.js");
            const abort = new AbortController(), seqs = [];
            const stream = new Tickpack(url, token, {}, { symbols: ["600519.SH"], signal: abort.signal });
            for await (const bar of stream) {
                seqs.push(bar.seq);
                if (seqs.length === 100) abort.abort();
            }
            return seqs;
        }""",
        {"url": served.url, "token": TOKEN},
    )
    assert seqs == list(range(seqs[0], seqs[0] + 100))


@pytest.mark.alone  # its seconds are those of a machine that has time
def test_a_page_that_is_too_slow_gets_the_newest_of_each_symbol_and_the_count(tab, enter, tape):
    served = enter(ScriptedNode(tape))
    got = tab.page.evaluate(
        """async ({ url, token }) => {
            const { Tickpack } = await import("/streaming/tickpack.js");
            const symbols = ["600519.SH", "000001.SZ"], bars = [];
            let seen = 0;
            const count = { answer() {}, gap() {} };
            const stream = new Tickpack(url, token, count, { symbols, queue: 10 });
            for await (const bar of stream) {
                bars.push([bar.symbol, bar.seq]);
                // Busy for 300 ms with its first bar: about 60 windows of two symbols pass.
                if (bars.length === 1) await new Promise((done) => setTimeout(done, 300));
                if (bars.length === 3) break;
            }
            return { bars, skipped: stream.skipped };
        }""",
        {"url": served.url, "token": TOKEN},
    )
    (_, began), *rest = got["bars"]
    assert sorted(symbol for symbol, _ in rest) == ["000001.SZ", "600519.SH"]
    assert all(seq > began + 20 for _, seq in rest)
    newest = max(seq for _, seq in rest)
    # What was handed out and what was left out is all there was: both symbols, from the first to the newest window.
    assert got["skipped"] + len(rest) in range(2 * (newest - began) - 1, 2 * (newest - began) + 2)


def test_a_final_close_is_what_a_for_await_throws(tab, enter, tape, background):
    served = enter(ScriptedNode(tape))
    tab.page.evaluate(
        """({ url, token }) => {
            window.outcome = import("/streaming/tickpack.js").then(async ({ Tickpack }) => {
                window.bars = 0;
                for await (const bar of new Tickpack(url, token, {}, { symbols: ["600519.SH"] })) window.bars += 1;
            }).catch((error) => `${error.message}|${error.code}`);
        }""",
        {"url": served.url, "token": TOKEN},
    )
    tab.until(lambda: tab.page.evaluate("window.bars") or 0 > 0)
    background.run(served.close_all(4401))
    said = tab.page.evaluate("window.outcome")
    assert said == "the token was revoked or the subscription has ended (4401)|4401"


def test_a_node_whose_clock_is_behind_is_asked_again(tab, enter, tape):
    served = enter(ScriptedNode(tape))
    served.refusals = [(401, {"code": "token_not_yet_valid", "message": "not valid yet"}, {})] * 3
    tab.begin(served.url, symbols=["600519.SH"])
    tab.more_bars()


def test_symbols_come_and_go_and_are_named_as_the_node_does(tab, enter, tape, background):
    served = enter(ScriptedNode(tape))
    proxy = enter(FaultProxy(served.port))
    tab.begin(f"ws://127.0.0.1:{proxy.port}/ws/stock", symbols=["700.HK", "nonsense.SH"])
    tab.more_bars()
    assert tab.page.evaluate("stream.symbols") == ["00700.HK"]
    tab.page.evaluate("stream.follow(['600519.SH'])")
    tab.until(lambda: "600519.SH" in {symbol for symbol, _ in tab.bars})
    tab.page.evaluate("stream.unfollow(['00700.HK'])")
    background.call(proxy.cut_all)
    tab.until(lambda: tab.count("recovered"))
    assert served.asked[-1]["symbols"] == ["600519.SH"]
    assert found(tab, tape) == WHOLE


def test_a_node_that_cannot_resume_is_followed_live_and_the_gap_is_told(tab, enter, tape, background):
    served = enter(ScriptedNode(tape))
    proxy = enter(FaultProxy(served.port))
    tab.begin(f"ws://127.0.0.1:{proxy.port}/ws/stock", symbols=["600519.SH"])
    tab.more_bars()
    served.answers_once = ["unsupported"]
    background.call(proxy.cut_all)
    tab.until(lambda: tab.count("gap"))
    tab.more_bars()
    assert [gap["reason"] for gap in tab.of("gap")] == ["unsupported"]
