"""`tickpack watch`: live bars in a table, or one line a bar where nobody looks at a terminal; reconnects by itself."""

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from streaming.client.settings import Access

CLOSE_TOKEN = 4401
# After these the same token on the same address will not do better: say why and end.
_FINAL_CLOSES = {
    CLOSE_TOKEN: "the token was revoked or the subscription has ended",
    4409: "a newer connection has replaced this one",
}
_UP, _DOWN = "red", "green"  # as on screens in Shanghai and Hong Kong's mainland brokers: red rises


class Ended(Exception):
    """The stream is over for this token; the text says why."""


class Board:
    """The newest bar of each symbol, and what happened last."""

    def __init__(self) -> None:
        self.bars: dict[str, dict[str, Any]] = {}
        self.before: dict[str, float] = {}
        self.notice = "connecting ..."
        self.markets: dict[str, str] = {}
        self.received = 0

    def take(self, message: dict[str, Any]) -> None:
        kind = message.get("type")
        if kind == "kline":
            symbol = message["symbol"]
            if symbol in self.bars:
                self.before[symbol] = self.bars[symbol]["close"]
            self.bars[symbol] = message["data"]
            self.received += 1
        elif kind == "welcome":
            self.markets = {name: state["state"] for name, state in message["markets"].items()}
            self.notice = f"connected to {message['node']}"
        elif kind == "subscribed":
            rejected = "; ".join(f"{row['symbol']}: {row['message']}" for row in message["rejected"])
            quota = message["quota"]
            following = f"following {len(message['current'])} symbols ({quota['used']} of {quota['max_subs']})"
            self.notice = rejected or following
        elif kind == "status" and "market" in message:
            self.markets[message["market"]] = message["state"]
        elif kind == "quota_changed":
            self.notice = f"the quota is now {message['max_subs']} symbols"
        elif kind in ("error", "expiring"):
            self.notice = message["message"]
        elif kind == "slow_reader":
            self.notice = f"this terminal was too slow: {message['skipped']} bars skipped"

    def table(self) -> Table:
        states = "  ".join(f"{market} {state}" for market, state in self.markets.items())
        table = Table(caption=f"{states}   {self.notice}   {self.received} bars", expand=False)
        for name in ("symbol", "last", "open", "high", "low", "volume", "amount", "time (UTC)"):
            table.add_column(name, justify="left" if name in ("symbol", "time (UTC)") else "right")
        for symbol in sorted(self.bars):
            bar = self.bars[symbol]
            change = bar["close"] - self.before.get(symbol, bar["close"])
            style = _UP if change > 0 else _DOWN if change < 0 else ""
            last = f"[{style}]{bar['close']}[/]" if style else str(bar["close"])
            table.add_row(
                symbol, last, str(bar["open"]), str(bar["high"]), str(bar["low"]), f"{bar['volume']:,}",
                f"{bar['amount']:,.0f}", bar["timestamp"][11:23],
            )  # fmt: skip
        return table


def watch(access: Access, symbols: Sequence[str], *, as_json: bool, bars: int) -> int:
    """Show bars until interrupted, or until `bars` have come (0: for ever). Returns the exit code."""
    board = Board()
    try:
        asyncio.run(_show(access, symbols, board, as_json=as_json, bars=bars))
    except KeyboardInterrupt:
        return 0
    except BrokenPipeError:
        # `| head` has seen enough; Python would complain once more when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Ended as ended:
        print(f"tickpack: {ended}", file=sys.stderr)
        return 1
    return 0


async def _show(access: Access, symbols: Sequence[str], board: Board, *, as_json: bool, bars: int) -> None:
    console = Console()
    if as_json or not console.is_terminal:
        await _follow(
            access, symbols, lambda message: _line(message, board, as_json), lambda: bars and board.received >= bars
        )
        return
    with Live(board.table(), console=console, refresh_per_second=4) as live:

        def shown(message: dict[str, Any]) -> None:
            board.take(message)
            live.update(board.table())

        await _follow(access, symbols, shown, lambda: bars and board.received >= bars)


def _line(message: dict[str, Any], board: Board, as_json: bool) -> None:
    board.take(message)
    if as_json:
        print(json.dumps(message, ensure_ascii=False), flush=True)
    elif message["type"] == "kline":
        bar = message["data"]
        prices = "  ".join(f"{name[0]} {bar[name]}" for name in ("open", "high", "low", "close", "volume"))
        print(f"{bar['timestamp']}  {message['symbol']:<10} {prices}", flush=True)
    elif message["type"] not in ("heartbeat", "pong"):
        print(f"# {board.notice}", file=sys.stderr, flush=True)


async def _follow(access: Access, symbols: Sequence[str], take: Any, enough: Any) -> None:
    """Connect for ever (websockets waits longer each time, with jitter), subscribe, hand every message on."""
    async for socket in connect(
        access.url, additional_headers=access.headers, max_size=None, process_exception=_worth_another_try
    ):
        try:
            await socket.send(json.dumps({"action": "subscribe", "symbols": list(symbols)}))
            if await _read(socket, take, enough):
                return
        except ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd else 1006
            if code in _FINAL_CLOSES:
                raise Ended(f"{_FINAL_CLOSES[code]} ({code})") from None
            print(f"# the connection was closed ({code}); connecting again", file=sys.stderr, flush=True)


async def _read(socket: ClientConnection, take: Any, enough: Any) -> bool:
    async for text in socket:
        take(json.loads(text))
        if enough():
            return True
    raise ConnectionClosed(socket.protocol.close_rcvd, socket.protocol.close_sent)


def _worth_another_try(error: Exception) -> Exception | None:
    """Say which failures to connect are final: a refused token stays refused."""
    if isinstance(error, InvalidStatus) and error.response.status_code in (401, 403, 404):
        return Ended(why_refused(error))
    if isinstance(error, InvalidStatus | OSError | TimeoutError | EOFError):
        return None
    return error


def why_refused(error: InvalidStatus) -> str:
    """Return the server's own words for a refused upgrade."""
    try:
        body = json.loads(error.response.body or b"{}")
    except ValueError:
        body = {}
    said = f": {body['message']} ({body['code']})" if "message" in body else ""
    return f"HTTP {error.response.status_code} on connect{said}"
