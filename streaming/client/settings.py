"""Where the client finds its token and address: two variables, or the facts of a running ./dev up."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

TOKEN, URL = "STOCK_RT_TOKEN", "STOCK_RT_WS_URL"


class NotSetUp(Exception):
    """Something is missing; the text says what and what to do."""


@dataclass(frozen=True)
class Access:
    """The addresses of a stream and the token for it, which is never shown."""

    urls: tuple[str, ...]
    token: str = field(repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """What a socket or a request sends to say who asks."""
        return {"Authorization": f"Bearer {self.token}"}


def _has_a_host(url: str) -> bool:
    try:
        return bool(urlsplit(url).hostname and urlsplit(url).port != 0)
    except ValueError:  # a port that is none, half an IPv6 address
        return False


def find_access(facts: Path | None = None) -> Access:
    """Return the access from `facts` (var/up.json) or the environment, where commas or spaces part several addresses.

    Raises:
        NotSetUp: with the row of the troubleshooting that applies.
    """
    if facts is not None:
        try:
            known = json.loads(facts.read_text())
            return Access((known["ws_url"],), known["token"])
        except FileNotFoundError:
            raise NotSetUp(f"{facts} is not there: is ./dev up running?") from None
        except (OSError, ValueError, KeyError) as error:
            raise NotSetUp(f"{facts} cannot be used: {error}") from None
    token, urls = os.environ.get(TOKEN, "").strip(), os.environ.get(URL, "").replace(",", " ").split()
    missing = [name for name, value in ((TOKEN, token), (URL, urls)) if not value]
    if missing:
        raise NotSetUp(
            f'{" and ".join(missing)} not set. Buy a pack on the panel\'s page "Real-time Stock Subscription", '
            "copy the two export lines of the purchase into this shell, and try again."
        )
    for url in urls:
        if not url.startswith(("ws://", "wss://")) or not _has_a_host(url):
            raise NotSetUp(
                f"{URL}={url} is not a WebSocket address; it begins with ws:// or wss://, "
                "like wss://your-node:8443/ws/stock"
            )
    return Access(tuple(urls), token)
