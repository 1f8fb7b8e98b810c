"""How other companies' servers are asked: with time-outs, without the environment's proxies, for 256 KiB at most."""

from collections.abc import Mapping

import httpx

TIMEOUT = httpx.Timeout(5.0, connect=3.0)  # a person waits for it, and a thread of the web
MOST_BYTES = 256 * 1024


class NoAnswer(Exception):
    """No whole answer came. It says which kind of failure, and neither address nor header: they hold secrets."""


def ask(
    method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes | None = None
) -> httpx.Response:
    """Send a request and return the whole answer, whatever its status.

    Raises:
        NoAnswer: none came in time, or a longer one than anybody would send.
    """
    try:
        with (
            httpx.Client(timeout=TIMEOUT, trust_env=False, follow_redirects=False) as client,
            client.stream(method, url, headers=dict(headers or {}), content=content) as answer,
        ):
            body = bytearray()
            for part in answer.iter_bytes():
                body += part
                if len(body) > MOST_BYTES:
                    raise NoAnswer("too long")
            return httpx.Response(answer.status_code, content=bytes(body))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NoAnswer(type(error).__name__) from None
