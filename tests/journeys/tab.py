"""A page of a real Chromium with tickpack.js in it, which remembers everything that it is handed."""

import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page

from tests.streaming.client.scripted_node import SPARSE, TOKEN, UNIVERSE

SYMBOLS = [*UNIVERSE, SPARSE]
FAST = {"firstWait": 0.01, "longestWait": 0.1}
# Everything that a stream hands out, in order: ["bar", {...}], ["gap", {...}], ["state", name], ...
BEGIN = """async ({ urls, token, options }) => {
    const { Tickpack } = await import("/streaming/tickpack.js");
    window.told = [];
    const tell = (kind) => (...detail) => window.told.push([kind, ...detail]);
    const handlers = Object.fromEntries(["bar", "answer", "state", "gap", "recovered"].map((kind) => [kind, tell(kind)]));
    window.abort = new AbortController();
    window.stream = new Tickpack(urls, token, handlers, { ...options, signal: window.abort.signal });
}"""
TOLD = """() => window.told.filter(([kind]) => kind !== "answer")
    .map(([kind, one]) => kind === "bar" ? [kind, one.symbol, one.seq] : [kind, one])"""


class Tab:
    """A page with a stream in it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.failures: list[str] = []
        page.on("pageerror", lambda error: self.failures.append(str(error)))

    def begin(self, *urls: str, token: str = TOKEN, symbols: list[str] = SYMBOLS, **options: Any) -> None:
        options = FAST | {"symbols": symbols} | options
        self.page.evaluate(BEGIN, {"urls": list(urls), "token": token, "options": options})

    @property
    def told(self) -> list[list]:
        return self.page.evaluate(TOLD)

    def of(self, kind: str) -> list:
        return self.page.evaluate(
            "kind => window.told.filter(([one]) => one === kind).map(([, one]) => one ?? null)", kind
        )

    def count(self, kind: str) -> int:
        return self.page.evaluate("kind => window.told.filter(([one]) => one === kind).length", kind)

    @property
    def bars(self) -> list[tuple[str, int]]:
        return [(symbol, seq) for kind, symbol, seq in (row for row in self.told if row[0] == "bar")]

    def until(self, true: Callable[[], object], seconds: float = 20.0) -> None:
        deadline = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < deadline, self.page.evaluate("window.told.slice(-5)")
            assert self.failures == []
            self.page.wait_for_timeout(20)

    def more_bars(self, count: int = 30) -> None:
        had = self.count("bar")
        self.until(lambda: self.count("bar") >= had + count)

    @property
    def nodes(self) -> list[str]:
        """The nodes that have welcomed it, in order."""
        welcomes = [message for message in self.of("answer") if message["type"] == "welcome"]
        return [message["node"] for message in welcomes]
