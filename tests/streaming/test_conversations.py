"""What clients of other systems say and hear here, line by line: tests/samples/*/*.talk against a running node.

A file's lines: `# source`, `@ path | header: value` connects, `C` the client says, `S` the server answers (messages in
between are pushes of the shared market and passed over), `!` the market moves, `X code` the server closes, `H status
JSON` it refuses the upgrade. "<any>", "<ms>" and "<wall>" stand for what differs from run to run.
"""

import json
import re
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from kernel import keyspace
from streaming.records.window import Book, Events, Print, end_ms, pack
from tests.streaming.conftest import ServedNode, Stream, make_token
from tests.streaming.documents.judging import undocumented

pytestmark = pytest.mark.whole
SAMPLES = Path(__file__).resolve().parents[1] / "samples"
TALKS = sorted(SAMPLES.glob("*/*.talk"))
CARRIED = (
    "00700.HK", "00005.HK", "01810.HK", "HSI.HK", "600519.SH", "601318.SH", "510300.SH", "000001.SZ", "000001.SH",
)  # fmt: skip


def e4(text: str) -> int:
    return round(float(text) * 10_000)


class Market:
    """Moves what the conversation says, in the next window of the instrument's lane."""

    number = 0

    def __init__(self, store, cn: Stream, hk: Stream) -> None:
        self._store, self._lanes = store, {"CN": cn, "HK": hk}
        for symbol in CARRIED:
            self._lane_of(symbol).know(symbol)
        cn.write(skip=cn.to_next_minute())
        hk.write(skip=hk.to_next_minute())

    def _lane_of(self, symbol: str) -> Stream:
        return self._lanes["HK" if symbol.endswith(".HK") else "CN"]

    def move(self, what: str, symbol: str, *values: str) -> None:
        lane = self._lane_of(symbol)
        if what == "bar":
            lane.write((symbol, *map(float, values[:4]), int(values[4]), float(values[5])))
            return
        Market.number += 1
        at_ms = end_ms(lane.seqs[lane.lane] + 1) - 500
        prints, books = [], []
        if what == "tick":
            price, volume, side = e4(values[0]), int(values[1]), values[2]
            prints = [Print(symbol, Market.number, at_ms, price, volume, price * volume, side)]
        else:
            last, before, bid, ask = map(e4, values)
            books = [
                Book(symbol, Market.number, at_ms, before, e4("451"), e4("468.8"), e4("448.6"), last, 24_687_716,
                     e4("11362800000"), [(bid, 2000), (bid - 2000, 3000)], [(ask, 1000), (ask + 2000, 1500)])
            ]  # fmt: skip
            if not symbol.endswith(".HK"):
                books = [books[0]]
        packed = pack(Events(prints, books))
        self._store.xadd(keyspace.events(lane.lane, "test"), {"e": packed}, id=f"{end_ms(lane.seqs[lane.lane] + 1)}-0")
        lane.write()


@pytest.fixture
def market(store, cn, hk) -> Market:
    return Market(store, cn, hk)


def fits(heard: object, wanted: object) -> bool:
    """Tell whether a message is the one of the sample, types of numbers and keys included."""
    if wanted == "<any>":
        return True
    if wanted == "<ms>":
        return type(heard) is int and 1_600_000_000_000 < heard < 2_000_000_000_000
    if wanted == "<wall>":
        return _is_on_the_wall(heard)
    if isinstance(wanted, dict):
        return (
            isinstance(heard, dict) and heard.keys() == wanted.keys() and all(fits(heard[k], wanted[k]) for k in wanted)
        )
    if isinstance(wanted, list):
        return isinstance(heard, list) and len(heard) == len(wanted) and all(map(fits, heard, wanted))
    return type(heard) is type(wanted) and heard == wanted


def _is_on_the_wall(heard: object) -> bool:
    if not isinstance(heard, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}", heard):
        return False
    there = datetime.strptime(heard, "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC).timestamp() - 8 * 3600
    return abs(there - time.time()) < 3 * 86_400  # the tests' own clock goes ahead by its windows


def _hear(socket: ClientConnection, wanted: object, line: str, passed: list[str]) -> None:
    for text in passed:
        if fits(json.loads(text), wanted):
            passed.remove(text)
            return
    deadline = time.monotonic() + 30
    while True:
        try:
            text = socket.recv(timeout=max(0.01, deadline - time.monotonic()))
        except (TimeoutError, ConnectionClosed) as error:
            pytest.fail(f"{line}\n{type(error).__name__} {error}; instead came:\n" + "\n".join(passed[-5:]))
        if fits(json.loads(text), wanted):
            return
        passed.append(str(text))


class Noting(ClientConnection):
    """Keeps what it hears, to be judged by what is documented."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.heard: list[str] = []

    def recv(self, *args, **kwargs):
        self.heard.append(text := super().recv(*args, **kwargs))
        return text


def converse(talk: Path, node: ServedNode, market: Market, open_until: ExitStack) -> list[str]:
    """Go through a conversation; return everything that the server said."""
    token, passed, heard = make_token(), list[str](), list[str]()
    socket: ClientConnection | None = None
    for line in talk.read_text().splitlines():
        sign, _, rest = line.partition(" ")
        rest = rest.replace("{token}", token)
        if sign == "@":
            path, _, header = rest.partition(" | ")
            name, _, value = header.partition(": ")
            headers = {name: value} if header else {}
            try:
                url = node.base.replace("http", "ws") + path.strip()
                socket = open_until.enter_context(connect(url, additional_headers=headers, create_connection=Noting))
                heard = socket.heard
            except InvalidStatus as refused:
                answer = refused.response
        elif sign == "H":
            status, _, body = rest.partition(" ")
            assert answer.status_code == int(status)
            assert fits(json.loads(answer.body), json.loads(body)), answer.body
        elif sign in ("C", "S", "X", "!"):
            if sign == "!":
                time.sleep(0.05)  # what was said just now is followed
                market.move(*rest.split())
                continue
            assert socket is not None, line
            if sign == "C":
                socket.send(rest)
            elif sign == "S":
                _hear(socket, json.loads(rest), line, passed)
            else:
                with pytest.raises(ConnectionClosed) as closed:
                    while True:
                        socket.recv(timeout=30)
                assert closed.value.rcvd is not None
                assert closed.value.rcvd.code == int(rest)
    return heard


@pytest.mark.parametrize("talk", TALKS, ids=lambda talk: f"{talk.parent.name}/{talk.stem}")
def test_a_conversation_goes_as_its_source_says(talk, node, market):
    with ExitStack() as open_until:
        heard = converse(talk, node, market, open_until)

    assert undocumented(talk.parent.name, [json.loads(text) for text in heard]) == []


def test_every_dialect_but_our_own_has_conversations():
    from streaming.runtime.dialects import dialects

    assert {talk.parent.name for talk in TALKS} == set(dialects()) - {"native"}


@pytest.mark.parametrize("talk", TALKS, ids=lambda talk: f"{talk.parent.name}/{talk.stem}")
def test_every_line_of_a_conversation_has_a_source(talk):
    lines = talk.read_text().splitlines()
    assert lines[0].startswith(("#", "@"))
    assert any(line.startswith("# ") for line in lines)
