"""A provider's program: pushes one line of a made-up exchange to a node, until it is ended; it may be killed anywhere.

    python -m benchmarks.soak.sender CONFIGURATION.json

It pushes what has changed since the node has last acknowledged it, and tries again what it has not, under the same
version. What trades once is told once: an acknowledgement is noted in a file, and such a total never comes again.
"""

import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.soak.exchange import Exchange, Total
from streaming.records.pushed import PushedTick
from streaming.wire.dialects.rt_receiver.push import Batch, Item, write

_PERIOD_S = 0.7
_ALL_AGAIN = 4  # pushes: a Level-1 feed repeats its pictures
_TRIES, _PAUSE_S = 20, 0.5


@dataclass(frozen=True)
class Line:
    """What a sender is started with; `delay_ms` is how much later than the exchange it knows something."""

    name: str
    address: str
    token: str
    acknowledged: str
    delay_ms: int
    seed: int
    symbols: list[str]
    once: list[str]  # of these it alone tells
    everything_once: list[str]
    opens_ms: int
    ends_ms: int


class Sender:
    """Pushes one line."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._exchange = Exchange(
            line.seed, line.symbols, line.everything_once, opens_ms=line.opens_ms, ends_ms=line.ends_ms
        )
        self._file = Path(line.acknowledged)
        self._told: dict[str, int] = {}  # symbol -> volume that was acknowledged
        self._done = {symbol for symbol, _ in acknowledged(self._file)}
        self._round = 0

    def run(self) -> None:
        while True:
            now_ms = time.time_ns() // 1_000_000
            self._exchange.go_on_to(now_ms - self._line.delay_ms)
            self._round += 1
            due = dict(self._due())
            if due:
                self._push(due, now_ms)
            time.sleep(_PERIOD_S)

    def _due(self) -> Iterator[tuple[str, Total]]:
        again = self._round % _ALL_AGAIN == 0
        for symbol, total in self._exchange.totals.items():
            if symbol in self._line.everything_once:
                if symbol in self._line.once and symbol not in self._done:
                    yield symbol, total
            elif again or self._told.get(symbol) != total.volume:
                yield symbol, total

    def _push(self, due: dict[str, Total], now_ms: int) -> None:
        wall = datetime.fromtimestamp(now_ms / 1000, UTC) + timedelta(hours=8)
        items = tuple(Item(str(now_ms), _tick(symbol, total, wall)) for symbol, total in due.items())
        body = write(Batch("a_stock", now_ms, items), at_ms=now_ms)
        for _ in range(_TRIES):
            if self._taken(body):
                break
            time.sleep(_PAUSE_S)
        else:
            return  # a newer total says all that this one did; what trades once is tried again for ever
        acknowledged_ms = time.time_ns() // 1_000_000
        self._told |= {symbol: total.volume for symbol, total in due.items()}
        with self._file.open("a") as file:
            for symbol in due:
                if symbol in self._line.once:
                    self._done.add(symbol)
                    file.write(f"{symbol} {acknowledged_ms}\n")

    def _taken(self, body: bytes) -> bool:
        headers = {"Authorization": f"Bearer {self._line.token}", "Content-Type": "application/json"}
        asked = urllib.request.Request(f"{self._line.address}?line={self._line.name}", body, headers)
        try:
            with urllib.request.urlopen(asked, timeout=5) as answer:
                said = json.load(answer)
        except (OSError, ValueError):
            return False
        if said["rejected_count"]:
            raise SystemExit(f"a push was refused: {said}")
        return True


def _tick(symbol: str, total: Total, wall: datetime) -> PushedTick:
    return PushedTick(
        symbol, f"{wall:%Y%m%d}", total.prev_close_e4, total.open_e4, total.high_e4, total.low_e4, total.last_e4,
        total.volume, total.turnover_e4, (total.last_e4, 100), (total.last_e4, 100), trade_time=f"{wall:%H:%M:%S}",
    )  # fmt: skip


def acknowledged(file: Path) -> list[tuple[str, int]]:
    """Return what a sender has noted: (symbol, when it was acknowledged); a line that was cut off is none."""
    lines = file.read_text().splitlines(keepends=True) if file.exists() else []
    whole = [line.split() for line in lines if line.endswith("\n")]
    return [(symbol, int(at_ms)) for symbol, at_ms in whole]


if __name__ == "__main__":
    Sender(Line(**json.loads(Path(sys.argv[1]).read_text()))).run()
