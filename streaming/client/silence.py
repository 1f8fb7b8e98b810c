"""For how long a node may say nothing. No socket and no clock; static/streaming/silence.js is the same in JavaScript.

A heartbeat comes every 15 s, so 40 s of silence are the end of a connection. While bars are due each 1.5 s it shows
much sooner: when a market is open and bars of a symbol of it have come one after another, 10 s are six bars in a row.
"""

from collections.abc import Mapping
from typing import Any

from streaming.client.lanes import lane_of

BRISK_S = 10.0
_BRISK_GAP_S = 5.0  # a replay can be slower than time


class Silence:
    """What one connection has heard of its markets.

    Args:
        silent_s: the bound when no bar is due.
        bars_due: 1.5 s bars are followed, those of windows without a trade too.
    """

    def __init__(self, silent_s: float, *, bars_due: bool) -> None:
        self._silent_s, self._bars_due = silent_s, bars_due
        self._states: dict[str, str] = {"TEST": "open"}  # TEST.CN always moves, and its market is not told
        self._moving: dict[str, set[str]] = {}  # market -> symbols that have bars
        self._last: dict[str, tuple[int, float]] = {}  # market -> seq of its newest bar, when it came
        self._brisk: dict[str, bool] = {}

    def heard(self, message: Mapping[str, Any], now_s: float) -> None:
        """Take a message; `now_s` is of any clock that only goes on."""
        kind = message.get("type")
        if kind == "welcome":
            self._states |= {name: told["state"] for name, told in message.get("markets", {}).items()}
        elif kind == "status" and "symbol" in message:
            if message["state"] != "trading":
                self._moving.get(lane_of(message["symbol"]), set()).discard(message["symbol"])
        elif kind == "status":
            self._states[message["market"]] = message["state"]
            if message["state"] != "open":
                self._moving.pop(message["market"], None)
        elif kind == "kline" and "interval" not in message:
            name, seq = lane_of(message["symbol"]), message["seq"]
            self._moving.setdefault(name, set()).add(message["symbol"])
            before = self._last.get(name)
            if before is None or before[0] != seq:
                self._brisk[name] = before is not None and now_s - before[1] <= _BRISK_GAP_S
                self._last[name] = seq, now_s
        elif "current" in message:
            current = set(message["current"])
            for symbols in self._moving.values():
                symbols.intersection_update(current)

    def limit_s(self) -> float:
        """Return for how long nothing may come from now on."""
        if self._bars_due and any(
            symbols and self._brisk.get(name) and self._states.get(name) == "open"
            for name, symbols in self._moving.items()
        ):
            return min(BRISK_S, self._silent_s)
        return self._silent_s
