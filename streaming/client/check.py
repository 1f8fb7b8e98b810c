"""`tickpack check`: the Setup Check of docs/SKILL.md, done; names the row of its Troubleshooting that applies."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rich.console import Console
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from streaming.client.settings import NotSetUp, find_access
from streaming.client.stream import FINAL_CLOSES, TokenEnded, why_refused

SHOWN = 120  # characters of a foreign answer
TEST_SYMBOL = "TEST.CN"  # always moves, costs no quota
TROUBLESHOOTING = {
    "refused": "WebSocket connection refused: check that the node supports real-time data and the WS URL is correct.",
    "401": "401 on connect: the token is expired, revoked or not whole. Look at your subscription on the panel.",
    "no data": "No data after subscribe: the market is closed now, or its feed is down; TEST.CN always moves.",
    "another address": "Something else answers there: copy the WS URL of your purchase; it ends in /ws/stock.",
    "quota": "Max subscriptions reached: you have used your quota. Buy more symbols or unsubscribe from some.",
}


class Failed(Exception):
    """A step failed; the first argument names a row of TROUBLESHOOTING, the second says what was seen."""


def check(facts: Path | None, symbols: list[str], console: Console | None = None) -> int:
    """Go through every step at every address, say each; return 0 when a bar arrived from all.

    What answers there may be anything: nothing that it sends ends in a traceback.
    """
    say = (console or Console()).print
    try:
        access = find_access(facts)
    except NotSetUp as error:
        say(f"[red]✗[/] {error}")
        return 1
    say("[green]✓[/] token is set")
    code = 0
    for url in access.urls:
        say(f"[green]✓[/] WS URL is set: {url}")
        try:
            _connect_and_listen(url, access.headers, symbols, say)
        except Failed as failed:
            row, seen = failed.args
            say(f"[red]✗[/] {seen}")
            say(f"  {TROUBLESHOOTING[row]}")
            code = 1
    return code


def _connect_and_listen(url: str, headers: dict[str, str], symbols: list[str], say: Callable[[str], Any]) -> None:
    began = time.monotonic()
    try:
        with connect(url, additional_headers=headers, open_timeout=8) as socket:
            say(f"[green]✓[/] connected in {(time.monotonic() - began) * 1000:.0f} ms")
            _listen(socket, symbols, say)
    except InvalidStatus as error:
        raise Failed("401" if error.response.status_code == 401 else "refused", why_refused(error)) from None
    except (OSError, TimeoutError, InvalidHandshake) as error:
        host = urlsplit(url).netloc
        raise Failed("refused", f"{host} cannot be reached: {error or type(error).__name__}") from None
    except ConnectionClosed as error:
        code = error.rcvd.code if error.rcvd else 1006
        raise Failed(
            "401" if code in FINAL_CLOSES and FINAL_CLOSES[code][0] is TokenEnded else "refused",
            f"the node closed the connection ({code})",
        ) from None


def _listen(socket: ClientConnection, symbols: list[str], say: Callable[[str], Any]) -> None:
    welcome = _next(socket, "welcome", 5)
    try:
        quota, node, markets = welcome["quota"], welcome["node"], welcome["markets"].items()
        used = f"{quota['used']} of {quota['max_subs']} symbols in use"
    except (KeyError, TypeError, AttributeError):
        raise Failed("another address", f"what answers is no stream of ours: {_short(welcome)}") from None
    say(f"[green]✓[/] welcomed by node {node}: {used}")
    for market, state in markets:
        say(
            f"  {market} is {state['state']}"
            + (f" until {state['until']}" if state["until"] else "")
            + (", presumed: nobody has published whether it trades today" if state.get("presumed") else "")
        )
    socket.send(json.dumps({"action": "subscribe", "symbols": [TEST_SYMBOL, *symbols]}))
    answer = _next(socket, "subscribed", 5)
    for row in answer["rejected"]:
        say(f"[yellow]![/] {row['symbol']}: {row['message']}")
        if row["reason"] == "quota_exceeded":
            say(f"  {TROUBLESHOOTING['quota']}")
    waiting = set(answer["current"])
    deadline = time.monotonic() + 8
    while waiting and time.monotonic() < deadline:
        try:
            bar = _next(socket, "kline", deadline - time.monotonic())
        except Failed:
            break
        if bar["symbol"] in waiting:
            waiting.discard(bar["symbol"])
            say(f"[green]✓[/] {bar['symbol']} last {bar['data']['close']} at {bar['data']['timestamp']}")
    for symbol in sorted(waiting - {TEST_SYMBOL}):
        say(f"[yellow]![/] {symbol}: no bar in 8 s. {TROUBLESHOOTING['no data']}")
    if TEST_SYMBOL in waiting:
        raise Failed("no data", f"no bar of {TEST_SYMBOL} in 8 s: the node's feeds are down; tell its operator")


def _next(socket: ClientConnection, kind: str, seconds: float) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        try:
            said = socket.recv(timeout=left)
        except TimeoutError:
            break
        try:
            message = json.loads(said)
        except ValueError:
            message = None
        if not isinstance(message, dict) or "type" not in message:
            raise Failed("another address", f"what answers is no stream of ours: {_short(said)}")
        if message["type"] == kind:
            return message
    raise Failed("no data", f"the node sent no {kind} in {seconds:.0f} s")


def _short(said: object) -> str:
    """Return the beginning of what was said, in one line and without what a terminal would take for an order."""
    text = ascii(said)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]} ..."
