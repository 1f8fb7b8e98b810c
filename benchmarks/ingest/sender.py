"""Senders of a whole market, one thread a line.

`python -m benchmarks.ingest.sender BASE TOKEN SECONDS A_SHARES HK FILE`.

The mainland is told by two lines, every instrument each 3 s, a third of them moving; line b is 0.1 s behind. Hong Kong
has one line with 3,000 rows a second, a third of them moving. A push that is told to wait is sent again. At the end
FILE has what was traded, and how the pushes went.
"""

import http.client
import json
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.ingest.pushing import body
from benchmarks.ingest.synthetic import SyntheticMarket, a_shares, hong_kong
from kernel import clock
from streaming.domain.calendar import exchange_day

AT_ONCE = 500
CN_EACH_S, HK_ROWS_PER_S = 3.0, 3_000
SHARE = 1 / 3  # of the instruments that move from one row to the next


@dataclass
class Sent:
    """How the pushes of one line went."""

    pushes: int = 0
    rows: int = 0
    waits: int = 0
    late_s: float = 0.0  # the furthest that it fell behind its own timetable
    slowest_s: float = 0.0  # of an answer
    answers: Counter[str] = field(default_factory=Counter)


class Line:
    """One sender on a connection of its own."""

    def __init__(self, base: str, token: str, line: str) -> None:
        self._host = urlsplit(base).netloc
        self._path = "/api/v1/rt-kline/push" + (f"?line={line}" if line else "")
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._http = http.client.HTTPConnection(self._host, timeout=30)
        self.sent = Sent()

    def send(self, raw: bytes, rows: int) -> None:
        began = time.monotonic()
        while True:
            self._http.request("POST", self._path, raw, self._headers)
            answer = self._http.getresponse()
            told = answer.read()
            if answer.status != 429:
                break
            self.sent.waits += 1
            time.sleep(0.2)
        self.sent.slowest_s = max(self.sent.slowest_s, time.monotonic() - began)
        self.sent.pushes += 1
        self.sent.rows += rows
        said = json.loads(told) if answer.status == 200 else {}
        self.sent.answers[f"{answer.status}"] += 1
        if said.get("accepted_count") != rows or said.get("rejected_count"):
            self.sent.answers[told[:300].decode(errors="replace")] += 1


def _cut(market: SyntheticMarket, words: str, nth: int) -> list[bytes]:
    """Return the pushes of the whole market as it stands."""
    days, now_ms = market.days, clock.now_ms()
    today = f"{exchange_day(now_ms):%Y%m%d}"
    return [
        body(days[at : at + AT_ONCE], words, today=today, seq=nth, at_ms=now_ms, versions=nth * 10_000 + at)
        for at in range(0, len(days), AT_ONCE)
    ]


def _mainland(base: str, token: str, seconds: float, market: SyntheticMarket) -> list[Sent]:
    lines = [Line(base, token, "a"), Line(base, token, "b")]
    bodies: list[tuple[float, bytes, int]] = []  # when line a sends it
    began, ready = time.monotonic() + 0.5, threading.Condition()
    size = len(market.days)

    def run(nth: int) -> None:
        for at in count():
            with ready:
                while at >= len(bodies):
                    ready.wait()
                due, raw, rows = bodies[at]
            if not raw:
                return
            late_s = time.monotonic() - (due + nth * 0.1)
            if late_s < 0:
                time.sleep(-late_s)
            lines[nth].sent.late_s = max(lines[nth].sent.late_s, late_s)
            lines[nth].send(raw, rows)

    threads = [threading.Thread(target=run, args=(nth,)) for nth in range(2)]
    for thread in threads:
        thread.start()
    cycle, ends = 0, began + seconds
    while (begins := began + cycle * CN_EACH_S) < ends:
        time.sleep(max(0.0, begins - 0.3 - time.monotonic()))
        if cycle:  # the first pictures are from before the first trade
            market.move(SHARE)
        cut = _cut(market, "a_stock", cycle)
        step = CN_EACH_S / len(cut)
        with ready:
            for nth, raw in enumerate(cut):
                bodies.append((begins + nth * step, raw, min(AT_ONCE, size - nth * AT_ONCE)))
            ready.notify_all()
        cycle += 1
    with ready:
        bodies.append((ends, b"", 0))
        ready.notify_all()
    for thread in threads:
        thread.join()
    return [line.sent for line in lines]


def _hong_kong(base: str, token: str, seconds: float, market: SyntheticMarket) -> Sent:
    line, began, cycle = Line(base, token, ""), time.monotonic() + 0.5, 0
    each_s = len(market.days) / HK_ROWS_PER_S
    while (begins := began + cycle * each_s) < began + seconds:
        if cycle:
            market.move(SHARE)
        cut = _cut(market, "hk", cycle)
        for nth, raw in enumerate(cut):
            late_s = time.monotonic() - (begins + nth * each_s / len(cut))
            if late_s < 0:
                time.sleep(-late_s)
            line.sent.late_s = max(line.sent.late_s, late_s)
            line.send(raw, min(AT_ONCE, len(market.days) - nth * AT_ONCE))
        cycle += 1
    return line.sent


def main(words: list[str]) -> None:
    base, token, seconds, mainland, in_hong_kong, file = words
    markets = {
        "CN": SyntheticMarket(a_shares(int(mainland)), 1),
        "HK": SyntheticMarket(hong_kong(int(in_hong_kong)), 2),
    }
    found: dict[str, list[Sent]] = {}

    def mainland_part() -> None:
        found["CN"] = _mainland(base, token, float(seconds), markets["CN"])

    def hong_kong_part() -> None:
        found["HK"] = [_hong_kong(base, token, float(seconds), markets["HK"])]

    threads = [threading.Thread(target=mainland_part), threading.Thread(target=hong_kong_part)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = {
        lane: {
            "volume": market.volume, "turnover_e4": market.turnover_e4,
            "trades": sum(day.trades for day in market.days), "lines": [vars(one) for one in found[lane]],
        }
        for lane, market in markets.items()
    }  # fmt: skip
    Path(file).write_text(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1:])
