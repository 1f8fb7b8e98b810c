"""Which address a client tries next, and when. No socket, no clock, and chance comes in as an argument."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 20.0
LONGEST_ASKED_S = 300.0  # what a node may ask for by Retry-After
_STREAM_PATH = "/ws/stock"  # below a node's base, which may have a path of its own


@dataclass(slots=True)
class _Route:
    url: str
    failures: int = 0  # since the node last welcomed us
    not_before_s: float = 0.0
    refused: str = ""  # the sentence of a final refusal


@dataclass(slots=True)
class Routes:
    """The addresses of one stream, best first.

    Args:
        chance: random.random, or a test's own: full jitter is drawn from it.
    """

    urls: Sequence[str]
    chance: Callable[[], float]
    first_wait_s: float = FIRST_WAIT_S
    longest_wait_s: float = LONGEST_WAIT_S
    _routes: list[_Route] = field(init=False)
    _tries: int = field(default=0, init=False)
    _current: _Route = field(init=False)

    def __post_init__(self) -> None:
        self._routes = [_Route(url) for url in dict.fromkeys(self.urls)]
        if not self._routes:
            raise ValueError("a stream needs at least one address")
        self._current = self._routes[0]

    @property
    def url(self) -> str:
        """The address to connect to now."""
        return self._current.url

    def prefer(self, fastest: Iterable[str]) -> None:
        """Take the order that was measured; an address that did not answer keeps its place behind."""
        order = {url: place for place, url in enumerate(fastest)}
        self._routes.sort(key=lambda route: order.get(route.url, len(order)))
        self._current = self._routes[0]

    def welcomed(self) -> None:
        """Note that the address in use let us in: waiting begins anew with the next failure."""
        self._tries, self._current.failures = 0, 0

    def failed(self, now_s: float, *, retry_after_s: float = 0.0, hint: str | None = None) -> float:
        """Choose the next address; return how many seconds to wait before it.

        Another address comes first, the one with the fewest failures; a node that asked for time gets it. The wait is
        full jitter: a thousand clients that lost one node do not come back in one moment.
        """
        route = self._current
        route.failures += 1
        route.not_before_s = now_s + min(max(0.0, retry_after_s), LONGEST_ASKED_S)
        hinted = self._hinted(hint)
        open_routes = [one for one in self._routes if not one.refused]
        at_once = [one for one in open_routes if one.not_before_s <= now_s]
        if hinted is not None:
            self._current = hinted
        elif at_once:
            # min takes the first of equals: the order that was measured.
            self._current = min(at_once, key=lambda one: (one.failures, one is route))
        else:
            self._current = min(open_routes, key=lambda one: one.not_before_s)
        jitter = self.chance() * min(self.longest_wait_s, self.first_wait_s * 2.0 ** min(self._tries, 30))
        self._tries += 1
        return max(0.0, self._current.not_before_s - now_s) + jitter

    def refused(self, sentence: str, now_s: float) -> float | None:
        """The node refused us for good (401, 403, 404). Return the wait before another one, or None: no one is left."""
        self._current.refused = sentence
        if all(route.refused for route in self._routes):
            return None
        return self.failed(now_s)

    def _hinted(self, hint: str | None) -> _Route | None:
        """Return the route of the node that a draining one named, a new one if need be."""
        if not hint or not _is_as_safe(hint, self._current.url):
            return None
        for route in self._routes:
            if route.url == hint:
                return route if route is not self._current and not route.refused else None
        self._routes.append(_Route(hint))
        return self._routes[-1]


def _is_as_safe(hint: str, present: str) -> bool:
    """A token that travels encrypted must not be led onto a bare wire."""
    try:
        there = urlsplit(hint)
        return bool(there.hostname) and (
            there.scheme == "wss" or (there.scheme, urlsplit(present).scheme) == ("ws",) * 2
        )
    except ValueError:
        return False


def read_hint(reason: str) -> tuple[float, str | None]:
    """Return (retry_after in seconds, the other node's address) of the close reason of a draining node."""
    try:
        told = json.loads(reason)
        asked, url = float(told.get("retry_after") or 0), told.get("url")
    except (ValueError, TypeError, AttributeError):
        return 0.0, None
    return asked if 0 <= asked < float("inf") else 0.0, url if isinstance(url, str) else None


def read_retry_after(header: str | None) -> float:
    """Return the seconds of a Retry-After header; a date, which our nodes never send, counts as none."""
    try:
        asked = float(header or 0)
    except ValueError:
        return 0.0
    return asked if 0 <= asked < float("inf") else 0.0


def http_base(url: str) -> str:
    """Return where the node of a stream's address answers HTTP: a proxy's path before the stream's own counts."""
    parts = urlsplit(url)
    before = parts.path.removesuffix(_STREAM_PATH) if parts.path.endswith(_STREAM_PATH) else ""
    return f"{'https' if parts.scheme == 'wss' else 'http'}://{parts.netloc}{before}"


def health_url(url: str) -> str:
    """Return where the node of a stream's address answers how it is."""
    return f"{http_base(url)}/healthz"
