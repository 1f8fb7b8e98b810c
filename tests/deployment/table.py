"""What answers what at a moment: a row of the table of stores that are away."""

import json
import threading
import time
from typing import Any, Self

import httpx
from websockets.exceptions import ConnectionClosed

from tests.deployment.people import Buyer
from tests.deployment.stack import Stack

MOUTAI = "600519.SH"
# What is asked, and what it answers while nothing is away. The shop has no gateway, and says so to notices.
NORMAL = {"page": "200", "notice": "403", "rest": "200", "history": "200", "socket": "welcome", "readyz": "200"}


class Listener:
    """A socket that was open before, and what it hears."""

    def __init__(self, buyer: Buyer) -> None:
        self.bars: list[float] = []
        self.states: list[tuple[float, str]] = []
        self._connecting = buyer.socket(buyer.token)
        self._thread = threading.Thread(target=self._listen)

    def __enter__(self) -> Self:
        self._socket = self._connecting.__enter__()
        self._socket.send(json.dumps({"action": "subscribe", "symbols": [MOUTAI]}))
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._connecting.__exit__(*error)
        self._thread.join()

    def _listen(self) -> None:
        try:
            for text in self._socket:
                message = json.loads(text)
                if message["type"] == "kline":
                    self.bars.append(time.monotonic())
                elif message["type"] == "status":
                    self.states.append((time.monotonic(), message["state"]))
        except ConnectionClosed:
            self.states.append((time.monotonic(), "closed"))

    def hears(self, seconds: float) -> bool:
        """Tell whether a bar comes within that time."""
        began = time.monotonic()
        while time.monotonic() < began + seconds:
            if self.bars and self.bars[-1] > began:
                return True
            time.sleep(0.05)
        return False

    def heard(self, state: str) -> bool:
        return any(said == state for _, said in self.states)

    @property
    def is_open(self) -> bool:
        return not self.states or self.states[-1][1] != "closed"


def ask_everything(stack: Stack, buyer: Buyer) -> dict[str, str]:
    """Return the status of a page, a payment notice, REST's newest bar, REST's history, a new socket and /readyz."""
    key = {"X-API-Key": buyer.token, "Accept": "application/json"}
    return {
        "page": _status(buyer, "GET", "/subscribe/"),
        "notice": _status(buyer, "POST", "/payments/sandbox/notify", json={}, headers={"Accept": "application/json"}),
        "rest": _status(buyer, "GET", f"/v1/market/kline/latest?symbols={MOUTAI}&interval=1m", headers=key),
        "history": _status(buyer, "GET", f"/v1/market/kline?symbol={MOUTAI}&interval=1m&limit=5", headers=key),
        "socket": _new_socket(buyer),
        "readyz": str(httpx.get(f"http://127.0.0.1:{stack.port['node']}/readyz", trust_env=False).status_code),
    }


def _status(buyer: Buyer, method: str, path: str, **more: Any) -> str:
    answer = buyer.ask(method, path, **more)
    return f"{answer.status_code}{' again' if answer.headers.get('retry-after') else ''}"


def _new_socket(buyer: Buyer) -> str:
    """Ask for an upgrade by hand: a client that waits in vain for its answer must not make the test wait with it."""
    try:
        return {"101": "welcome"}.get(status := buyer.upgrade(buyer.token), status)
    except TimeoutError:
        return "no answer"
