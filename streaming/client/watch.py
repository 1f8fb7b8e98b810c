"""`tickpack watch`: live bars in a table, or one line a bar where nobody looks at a terminal; reconnects by itself."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table

from streaming.client.events import Bar, Connected, Disconnected, Event, Gap, Recovered, Said, Skipped
from streaming.client.settings import Access
from streaming.client.stream import Ended, Stream

# What a narrower terminal leaves out first: (columns of the terminal, names), as a bar of a dear share needs them.
_NARROW = ((100, ()), (76, ("open", "amount")), (0, ("open", "high", "low", "volume", "amount")))
_UP, _DOWN = "red", "green"  # as on screens in Shanghai and Hong Kong's mainland brokers: red rises


class Board:
    """The newest bar of each symbol, and what happened last."""

    def __init__(self) -> None:
        self.bars: dict[str, Bar] = {}
        self.before: dict[str, float] = {}
        self.notice = "connecting ..."
        self.markets: dict[str, str] = {}
        self.received = 0
        self.follows: int | None = None  # None: the node has not answered yet

    def take(self, thing: Bar | Event) -> None:
        """Take one bar or event of the stream."""
        match thing:
            case Bar():
                if thing.symbol in self.bars:
                    self.before[thing.symbol] = self.bars[thing.symbol].close
                self.bars[thing.symbol] = thing
                self.received += 1
            case Connected(message=welcome):
                self.markets = {name: state["state"] for name, state in welcome["markets"].items()}
                self.notice = f"connected to {welcome['node']}"
            case Disconnected():
                again = "" if thing.next_url == thing.url else f" to {thing.next_url}"
                self.notice = f"{thing.why}; connecting again{again} in {thing.wait_s:.1f} s"
            case Recovered():
                self.notice = f"{thing.lane}: everything that was missed has come"
            case Gap():
                self.notice = f"{thing.lane}: some bars were missed and cannot be had ({thing.reason})"
            case Skipped():
                self.notice = f"this terminal was too slow: {thing.count} bars skipped"
            case _:
                self._said(thing.message)

    def _said(self, message: Mapping[str, Any]) -> None:
        kind = message.get("type")
        if kind == "subscribed":
            rejected = "; ".join(f"{row['symbol']}: {row['message']}" for row in message["rejected"])
            quota = message["quota"]
            following = f"following {len(message['current'])} symbols ({quota['used']} of {quota['max_subs']})"
            self.notice = rejected or following
            self.follows = len(message["current"])
        elif kind == "status" and "market" in message:
            self.markets[message["market"]] = message["state"]
        elif kind == "quota_changed":
            self.notice = f"the quota is now {message['max_subs']} symbols"
        elif kind in ("error", "expiring"):
            self.notice = message["message"]

    @property
    def nothing(self) -> bool:
        """Whether the node has answered and follows nothing: no bar will ever come."""
        return self.follows == 0

    def table(self, width: int = 100) -> Table:
        """Return what is known as a table for a terminal of so many columns; symbols and prices are never cut."""
        states = "  ".join(f"{market} {state}" for market, state in self.markets.items())
        table = Table(caption=f"{states}   {self.notice}   {self.received} bars", expand=False)
        left_out = next(names for least, names in _NARROW if width >= least)
        names = [name for name in ("symbol", "last", "open", "high", "low", "volume", "amount", "time (UTC)")
                 if name not in left_out]  # fmt: skip
        for name in names:
            table.add_column(name, justify="left" if name in ("symbol", "time (UTC)") else "right", no_wrap=True)
        for symbol in sorted(self.bars):
            bar = self.bars[symbol]
            change = bar.close - self.before.get(symbol, bar.close)
            style = _UP if change > 0 else _DOWN if change < 0 else ""
            cells = {
                "symbol": symbol,
                "last": f"[{style}]{bar.close}[/]" if style else str(bar.close),
                "open": str(bar.open),
                "high": str(bar.high),
                "low": str(bar.low),
                "volume": f"{bar.volume:,}",
                "amount": "" if bar.amount is None else f"{bar.amount:,.0f}",
                "time (UTC)": bar.timestamp[11:23],
            }
            table.add_row(*(cells[name] for name in names))
        return table


def watch(access: Access, symbols: Sequence[str], *, as_json: bool, bars: int) -> int:
    """Show bars until interrupted, until `bars` have come (0: for ever), or until nothing is followed.

    Returns:
        The exit code: 1 where the token ended or the node follows none of the symbols, with why on stderr.
    """
    board = Board()
    try:
        asyncio.run(_show(access, symbols, board, as_json=as_json, bars=bars))
        if board.nothing:
            print(f"tickpack: nothing is followed. {board.notice}", file=sys.stderr)
            return 1
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
    async with Stream(access.urls, access.token, symbols=symbols) as stream:
        if as_json or not console.is_terminal:
            async for thing in stream.everything():
                _line(thing, board, as_json)
                if board.nothing or (bars and board.received >= bars):
                    return
        with Live(board.table(console.width), console=console, refresh_per_second=4) as live:
            async for thing in stream.everything():
                board.take(thing)
                live.update(board.table(console.width))
                if board.nothing or (bars and board.received >= bars):
                    return


def _line(thing: Bar | Event, board: Board, as_json: bool) -> None:
    board.take(thing)
    match thing:
        case Bar() if not as_json:
            prices = f"o {thing.open}  h {thing.high}  l {thing.low}  c {thing.close}  v {thing.volume}"
            print(f"{thing.timestamp}  {thing.symbol:<10} {prices}", flush=True)
        case Bar() | Said() if as_json:
            print(json.dumps(thing.message, ensure_ascii=False), flush=True)
        case Said() if thing.type in ("heartbeat", "pong", "welcome", "slow_reader", "list", "snapshot"):
            pass
        case Connected() | Skipped() if as_json:
            pass  # the node's own message stands beside it
        case _:
            print(f"# {board.notice}", file=sys.stderr, flush=True)
