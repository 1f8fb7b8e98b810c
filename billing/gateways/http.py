"""How providers are asked over HTTP: with time-outs, without the environment's proxies, and what silence means."""

from collections.abc import Mapping

import httpx

from billing.errors import GatewayUnavailable

TIMEOUT = httpx.Timeout(10.0, connect=5.0)  # the web's thread and a buyer wait for it
MOST_ANSWER = 1024 * 1024


def ask(
    provider: str,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
    most: int = MOST_ANSWER,
) -> httpx.Response:
    """Send a request and return the whole answer, whatever its status.

    Args:
        most: bytes of a body that are read; a longer one is none that we know.

    Raises:
        GatewayUnavailable: no whole answer came, so nobody knows whether it was done. Neither the address nor a header
            stands in it: they may hold a secret.
    """
    try:
        with (
            httpx.Client(timeout=TIMEOUT, trust_env=False, follow_redirects=False) as client,
            client.stream(method, url, headers=dict(headers or {}), content=content) as answer,
        ):
            body = bytearray()
            for part in answer.iter_bytes():
                body += part
                if len(body) > most:
                    raise GatewayUnavailable(f"an answer is longer than {most} bytes", provider=provider)
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in _SPENT}
            return httpx.Response(answer.status_code, headers=kept, content=bytes(body))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise GatewayUnavailable(
            f"the payment gateway does not answer ({type(error).__name__})", provider=provider
        ) from None


_SPENT = {"content-encoding", "transfer-encoding", "content-length"}  # the body was decoded while it was read
