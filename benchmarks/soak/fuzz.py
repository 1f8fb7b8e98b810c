"""Part `fuzz`: 100,000 generated messages and frames; every answer and close code is documented, and nothing is left.

A session is a socket of a customer of its own: whole messages, each of which must be answered, then an ending: frames
of any kind, judged by an oracle of RFC 6455, a flood, or a peer that vanishes in the middle of something.
"""

import asyncio
import contextlib
import json
import random
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from benchmarks.soak import documented, messages, rfc6455
from benchmarks.soak.frames import CLOSE, CONT, PING, PONG, TEXT, Broken, Frames, frame, upgrade
from benchmarks.soak.ground import Ground, Market, Node, mainland, token, wait_for
from benchmarks.soak.report import Figure

SEED, AT_ONCE, EACH, PATIENCE_S = 6455, 24, 45, 20.0
_ENDINGS = ("frames", "frames", "frames", "close", "reset", "fin", "half", "flood")
_BATCH = 4000  # examples that hypothesis makes in one go; it remembers all of them


@dataclass
class Tally:
    """What was sent, what came of it, and every complaint by its words."""

    messages: int = 0
    answers: int = 0
    sessions: int = 0
    closes: Counter[int] = field(default_factory=Counter)
    complaints: Counter[str] = field(default_factory=Counter)
    shown: list[str] = field(default_factory=list)

    def complain(self, what: str, about: object) -> None:
        self.complaints[what] += 1
        if len(self.shown) < 20:
            self.shown.append(f"{what}: {str(about)[:300]}")


class Session:
    """One socket and what has come on it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tally: Tally) -> None:
        self._reader, self._writer, self._tally = reader, writer, tally
        self._frames = Frames()
        self.answers: list[bytes] = []
        self.pongs: list[bytes] = []
        self.close: int | None = None
        self.over = False

    @classmethod
    async def open(cls, port: int, tally: Tally) -> "Session":
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(upgrade(port, token()))
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 101 " not in head[:20]:
            raise ConnectionError(head.decode(errors="replace"))
        session = cls(reader, writer, tally)
        await session.until(lambda: bool(session.answers))
        session.answers.clear()  # the welcome
        return session

    def send(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            self._writer.write(data)

    async def until(self, true: Callable[[], bool]) -> bool:
        """Read until it is so; False when the connection ends or nothing comes any more."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not true():
                    data = await self._reader.read(65_536)
                    if not data:
                        self.over = True
                        return true()
                    for opcode, body in self._frames.feed(data):
                        self._take(opcode, body)
        except (TimeoutError, OSError) as error:
            self.over = isinstance(error, OSError) and not isinstance(error, TimeoutError)
            return true()
        except Broken as error:
            self._tally.complain("a frame of the server is broken", error)
            self.over = True
            return False
        return True

    def _take(self, opcode: int, body: bytes) -> None:
        if self.close is not None:
            self._tally.complain("a frame after the close frame", body)
        if opcode == TEXT:
            if what := documented.complaint(body):
                self._tally.complain(f"not documented: {what}", body)
            if json.loads(body).get("type") in (*documented.ANSWERS.values(), "error", "welcome"):
                self.answers.append(body)
        elif opcode == PING:
            self.send(frame(body, PONG))
        elif opcode == PONG:
            self.pongs.append(body)
        elif opcode == CLOSE:
            self.close = int.from_bytes(body[:2], "big") if body else 1005
            self.send(frame(body, CLOSE))
            self._tally.closes[self.close] += 1

    def end(self, *, reset: bool = False) -> None:
        if reset:
            raw = self._writer.get_extra_info("socket")
            with contextlib.suppress(OSError):
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._writer.transport.abort()
        else:
            self._writer.close()


async def talk(
    node: Node,
    said: Sequence[tuple[int, bytes]],
    ending: str,
    last: list[rfc6455.Sent],
    chance: random.Random,
    tally: Tally,
) -> None:
    """Live one session."""
    tally.sessions += 1
    session = await Session.open(node.port, tally)
    try:
        await _messages(session, said, chance, tally)
        if not session.over:
            await _ENDS[ending](session, last, chance, tally)
    finally:
        session.end(reset=ending == "reset")


async def _messages(session: Session, said: Sequence[tuple[int, bytes]], chance: random.Random, tally: Tally) -> None:
    """Send whole messages, some in fragments with pings in between; each is answered once, by what answers it."""
    for opcode, body in said:
        before = len(session.answers)
        session.send(b"".join(_in_pieces(opcode, body, chance)))
        tally.messages += 1
        if not await session.until(lambda: len(session.answers) > before):  # noqa: B023
            tally.complain(f"no answer (close {session.close})", body)
            session.over = True
            return
        tally.answers += 1
        _judge(opcode, body, session.answers[-1], tally)
        if len(session.answers) != before + 1:
            tally.complain("more than one answer", body)


def _in_pieces(opcode: int, body: bytes, chance: random.Random) -> Iterator[bytes]:
    if chance.random() < 0.7 or len(body) < 2:
        yield frame(body, opcode)
        return
    places = sorted(chance.randrange(len(body) + 1) for _ in range(chance.randint(1, 4)))
    for nth, (start, end) in enumerate(zip([0, *places], [*places, len(body)], strict=True)):
        if nth and chance.random() < 0.3:
            yield frame(b"between", chance.choice([PING, PONG]))
        yield frame(body[start:end], CONT if nth else opcode, fin=nth == len(places))


def _judge(opcode: int, body: bytes, answer: bytes, tally: Tally) -> None:
    told = json.loads(answer)
    if told["type"] == "error":
        if opcode != TEXT and told["code"] != "binary_not_supported":
            tally.complain("a wrong answer to bytes", told)
        return
    try:
        asked = json.loads(body)["action"]
    except (ValueError, KeyError, TypeError, RecursionError):
        asked = None
    if opcode != TEXT or not isinstance(asked, str) or documented.ANSWERS.get(asked) != told["type"]:
        tally.complain("answered as something else", (body[:100], answer[:100]))


async def _frames(session: Session, last: list[rfc6455.Sent], chance: random.Random, tally: Tally) -> None:
    """Send frames of any kind; what is due for them is the oracle's word."""
    owed = rfc6455.due(last)
    tally.messages += len(last)
    answers, pongs = len(session.answers), len(session.pongs)
    session.send(b"".join(one.wire() for one in last))
    if owed.closes is None:

        def all_is_answered() -> bool:
            return len(session.answers) - answers >= owed.messages and session.pongs[pongs:] == owed.pongs

        if not await session.until(all_is_answered):
            tally.complain(f"allowed frames were not all answered (close {session.close})", last)
        await _close(session, last, chance, tally)
        return
    await session.until(lambda: False)
    allowed = owed.closes
    if not session.over:
        tally.complain("the connection goes on after its end", last)
    elif session.close not in allowed:
        tally.complain(f"closed {session.close}, due {sorted(allowed)}", last)
    elif session.close not in documented.close_codes() and session.close != rfc6455.own_close(last):
        tally.complain(f"close {session.close} is not documented", last)


async def _close(session: Session, last: list[rfc6455.Sent], chance: random.Random, tally: Tally) -> None:
    session.send(frame(struct.pack("!H", 1000) + b"bye", CLOSE))
    await session.until(lambda: False)
    if session.close != 1000:
        tally.complain(f"an orderly close was answered by {session.close}", "")


async def _reset(session: Session, last: list[rfc6455.Sent], chance: random.Random, tally: Tally) -> None:
    session.send(frame(b'{"action":"subscribe","symbols":["600000.SH"]}') * 3)


async def _fin(session: Session, last: list[rfc6455.Sent], chance: random.Random, tally: Tally) -> None:
    session._writer.write_eof()
    await session.until(lambda: False)


async def _half(session: Session, last: list[rfc6455.Sent], chance: random.Random, tally: Tally) -> None:
    whole = frame(b'{"action":"subscribe","symbols":["600000.SH"]}')
    session.send(whole[: chance.randrange(1, len(whole))])


async def _flood(session: Session, last: list[rfc6455.Sent], chance: random.Random, tally: Tally) -> None:
    """Send more than may wait; these are all alike and count for none of what was generated."""
    session.send(frame(b'{"action":"list"}') * 1500)
    await session.until(lambda: False)
    if session.close != 4429:
        tally.complain(f"a flood was closed {session.close}", "")


_ENDS = {
    "frames": _frames, "close": _close, "reset": _reset, "fin": _fin, "half": _half, "flood": _flood,
}  # fmt: skip


async def converse(node: Node, wanted: int, number: int, tally: Tally) -> None:
    """Live sessions, some at once, until so many messages and frames were sent."""
    chance, began = random.Random(number), tally.messages
    turn = asyncio.Semaphore(AT_ONCE)
    batch = 0
    while tally.messages - began < wanted:
        batch += 1
        count = min(_BATCH, max(200, wanted - (tally.messages - began)))
        said = await asyncio.to_thread(messages.examples, messages.whole, count, number * 1000 + batch)
        lasts = await asyncio.to_thread(messages.examples, messages.frames, max(20, count // 10), number * 2000 + batch)
        chance.shuffle(said)
        async with asyncio.TaskGroup() as group:
            while said:
                size = chance.randint(0, EACH)
                mine, said = said[:size], said[size:]
                await turn.acquire()
                ending, last, its = chance.choice(_ENDINGS), chance.choice(lasts), random.Random(chance.random())
                task = group.create_task(talk(node, mine, ending, last, its, tally))
                task.add_done_callback(lambda _: turn.release())


@dataclass(frozen=True)
class Held:
    """What a node holds."""

    tasks: int
    consumers: int
    protocols: int
    descriptors: int
    connections: int
    follows: int


def held(node: Node, ground: Ground) -> Held:
    inside = node.inside()
    return Held(
        inside["tasks"], inside["StreamConsumer"], inside["WireProtocol"], node.descriptors(),
        int(node.metric("tickpack_connections{")), sum(1 for _ in ground.redis.scan_iter("follows:*")),
    )  # fmt: skip


def left_over(node: Node, ground: Ground, before: Held, seconds: float = 25.0) -> dict[str, int]:
    """Return what is more than before, by name, once it is no longer getting less."""
    now = before

    def is_back() -> bool:
        nonlocal now
        now = held(node, ground)
        return all(getattr(now, name) <= getattr(before, name) for name in Held.__annotations__)

    wait_for(is_back, seconds)
    return {name: max(0, getattr(now, name) - getattr(before, name)) for name in Held.__annotations__}


def run(ground: Ground, *, short: bool) -> list[Figure]:
    wanted = 6_000 if short else 100_000
    Market(ground.redis, mainland(100))
    tally = Tally()
    with ground.node() as node:
        asyncio.run(converse(node, 300, SEED, Tally()))  # what is made once and kept does not count
        wait_for(lambda: node.metric("tickpack_connections{") == 0, 20)
        before, began = held(node, ground), time.monotonic()
        asyncio.run(converse(node, wanted, SEED + 1, tally))
        seconds = time.monotonic() - began
        left = left_over(node, ground, before)
        bugs = node.metric('tickpack_ended_total{reason="1011"')
    for line in tally.shown:
        print(f"fuzz: {line}")
    documented_closes = documented.close_codes()
    strange = sum(count for code, count in tally.closes.items() if code == 1011)
    return [
        Figure("fuzz", "messages and frames", tally.messages, f">= {wanted}"),
        Figure("fuzz", "sessions", tally.sessions),
        Figure("fuzz", "answers", tally.answers),
        Figure("fuzz", "kinds of close codes", len(documented_closes & set(tally.closes))),
        Figure("fuzz", "complaints", tally.complaints.total(), "= 0"),
        Figure("fuzz", "bugs of ours (1011)", strange + bugs, "= 0"),
        *(Figure("fuzz", f"{name} left over", count, "= 0") for name, count in left.items()),
        Figure("fuzz", "per second", round(tally.messages / seconds)),
    ]
