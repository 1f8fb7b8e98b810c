"""Part `languages`: 100,000 generated messages a dialect; each gets a documented answer or close, nothing is left.

Where a language has no answers (/realtime/hk), a socket must stay silent until it is closed for what it cannot read.
"""

import asyncio
import contextlib
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.soak import documented, messages, said
from benchmarks.soak.frames import CLOSE, PING, PONG, TEXT, Frames, frame, upgrade
from benchmarks.soak.fuzz import held, left_over
from benchmarks.soak.ground import Ground, Market, Node, mainland, token, wait_for
from benchmarks.soak.report import Figure
from streaming.runtime.dialects import dialects
from streaming.wire.dialect import Dialect

SEED, AT_ONCE, EACH, PATIENCE_S = 4, 24, 45, 20.0
_BATCH, _ORDERS = 4000, 4
_SILENT_S = 0.15  # how long nobody who has no words is waited for
_CLOSES = {1000, 1009, 4400, 4403, 4409, 4429}
_ITICK = {
    "Connected Successfully", "authenticated", "subscribe Successfully", "unsubscribe Successfully",
    "cannot be resolved action", "exceeding the maximum subscription limit",
}  # fmt: skip
_TICKDB = {0, 1004, 2001, 2002, 2003, 2006, 2008, 3004, 4001, 4002, 4005, 5004}
_ALLTICK = {200, 400, 600, 603, 604, 606}


def _itick(told: dict[str, Any]) -> bool:
    return told.get("resAc") == "pong" or told.get("msg") in _ITICK


def _tickdb(told: dict[str, Any]) -> bool:
    return told.get("cmd") in ("subscribe", "unsubscribe", "pong", "error") and told.get("code") in _TICKDB


def _alltick(told: dict[str, Any]) -> bool:
    whole = {"ret", "msg", "cmd_id", "seq_id", "trace", "data"} == told.keys()
    return whole and told["ret"] in _ALLTICK and told["data"] == {}


def _native(told: dict[str, Any]) -> bool:
    return not documented.complaint(json.dumps(told).encode())


_DOCUMENTED: dict[str, Callable[[dict[str, Any]], bool]] = {
    "itick": _itick, "tickdb": _tickdb, "alltick": _alltick, "native": _native,
}  # fmt: skip


@dataclass
class Tally:
    """What was sent in one language and what came of it."""

    messages: int = 0
    answers: int = 0
    closes: Counter[int] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)


class Session:
    """One socket of a customer of its own."""

    def __init__(self, dialect: Dialect, tally: Tally) -> None:
        self._dialect, self._tally, self._frames = dialect, tally, Frames()
        self.answers, self.close, self.over = 0, None, False

    async def live(self, node: Node, texts: Sequence[str]) -> None:
        """Say everything, one after the other, and listen until each has its answer or the socket is closed."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", node.port)
        try:
            self._writer.write(upgrade(node.port, token(), path="/" + next(iter(self._dialect.paths))))
            head = await self._reader.readuntil(b"\r\n\r\n")
            if b" 101 " not in head[:20]:
                raise ConnectionError(head.decode(errors="replace"))
            await self._until(lambda: False, _SILENT_S / 3)  # a greeting is no answer
            for text in texts:
                if not await self._say(text):
                    return
        finally:
            self._writer.close()

    async def _say(self, text: str) -> bool:
        before, tally = self.answers, self._tally
        with contextlib.suppress(OSError):
            self._writer.write(frame(text.encode(errors="surrogatepass")))
        tally.messages += 1
        wordless = self._dialect.rules.errors_close
        await self._until(lambda: self.answers > before, _SILENT_S if wordless else PATIENCE_S)
        if self.close is not None:
            tally.closes[self.close] += 1
            if self.close not in _CLOSES:
                tally.complaints.append(f"closed {self.close} for {text[:200]}")
        elif self.over or (self.answers == before and not wordless):
            tally.complaints.append(f"no answer to {text[:200]}")
        elif self.answers > before:
            tally.answers += 1
            if wordless:
                tally.complaints.append(f"words of a language that has none, for {text[:200]}")
        return self.close is None and not self.over

    async def _until(self, true: Callable[[], bool], seconds: float) -> None:
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(seconds):
                while not true() and self.close is None:
                    data = await self._reader.read(65_536)
                    if not data:
                        self.over = True
                        return
                    for opcode, body in self._frames.feed(data):
                        self._take(opcode, body)

    def _take(self, opcode: int, body: bytes) -> None:
        if opcode == TEXT:
            told, documented_as = json.loads(body), _DOCUMENTED.get(self._dialect.name)
            if documented_as is not None and not documented_as(told):
                self._tally.complaints.append(f"not documented: {body[:200]!r}")
            self.answers += 1
        elif opcode == PING:
            self._writer.write(frame(body, PONG))
        elif opcode == CLOSE:
            self.close = int.from_bytes(body[:2], "big") if body else 1005
            self._writer.write(frame(body, CLOSE))


async def converse(node: Node, dialect: Dialect, wanted: int, number: int, tally: Tally) -> None:
    """Live sessions, some at once, until so many messages were sent."""
    # Nobody can tell at once that a language without words has nothing to say: there more wait at the same time.
    turn = asyncio.Semaphore(AT_ONCE * (10 if dialect.rules.errors_close else 1))
    chance, batch = random.Random(number), 0
    while tally.messages < wanted:
        batch += 1
        count = min(_BATCH, (wanted - tally.messages) // _ORDERS + 1)
        texts = await asyncio.to_thread(messages.examples, said.messages, count, number * 1000 + batch)
        # Hypothesis makes few and varied ones; each is said in several orders.
        texts = [text for text in texts for _ in range(_ORDERS)]
        chance.shuffle(texts)
        async with asyncio.TaskGroup() as group:
            while texts:
                size = chance.randint(
                    1, 2 if dialect.rules.errors_close else EACH
                )  # the first that it cannot read ends it
                mine, texts = texts[:size], texts[size:]
                await turn.acquire()
                task = group.create_task(Session(dialect, tally).live(node, mine))
                task.add_done_callback(lambda _: turn.release())


def run(ground: Ground, *, short: bool) -> list[Figure]:
    wanted = 2_000 if short else 100_000
    Market(ground.redis, mainland(100))
    figures: list[Figure] = []
    with ground.node() as node:
        for number, (name, dialect) in enumerate(sorted(dialects().items()), SEED):
            asyncio.run(converse(node, dialect, 200, SEED, Tally()))  # what is made once and kept does not count
            wait_for(lambda: node.metric("tickpack_connections{") == 0, 20)
            before, began, tally = held(node, ground), time.monotonic(), Tally()
            asyncio.run(converse(node, dialect, wanted, number, tally))
            seconds = time.monotonic() - began
            left = sum(left_over(node, ground, before).values())
            for line in tally.complaints[:5]:
                print(f"languages: {name}: {line}")
            figures += [
                Figure("languages", f"{name}: messages", tally.messages, f">= {wanted}"),
                Figure("languages", f"{name}: complaints", len(tally.complaints), "= 0"),
                Figure("languages", f"{name}: left over", left, "= 0"),
                Figure("languages", f"{name}: per second", round(tally.messages / seconds)),
            ]
        bugs = node.metric('tickpack_ended_total{reason="1011"')
    return [*figures, Figure("languages", "bugs of ours (1011)", bugs, "= 0")]
