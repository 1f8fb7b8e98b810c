"""Whose pages a request comes from, as browsers say it, and whether they are the panel's own.

A viewer token (kernel.tokens) works for the panel's pages alone. A page cannot choose what its browser sends as
`Origin` or `Sec-Fetch-Site`; a program can, so this keeps a token that was taken off a page from being used by another
page, or by a program that does not lie. Who lies gains five sockets that any program takes symbols back from.
"""

import re
from collections.abc import Iterable

_ADDRESS = re.compile(r"(https?)://(\[[0-9a-f:.]+\]|[^\s/?#@:\[\]]+)(?::([0-9]{1,5}))?(?:[/?#].*)?", re.ASCII)
_PORTS = {"http": "80", "https": "443"}
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def origin_of(url: str) -> str:
    """Return the origin of an address as browsers write it (RFC 6454, section 6.2); "" where it has none."""
    parts = _ADDRESS.fullmatch(url.strip().lower())
    if parts is None:
        return ""
    scheme, host, port = parts.groups()
    return f"{scheme}://{host}{'' if port in (None, _PORTS[scheme]) else f':{port}'}"


def panel_origins(urls: Iterable[str]) -> frozenset[str]:
    """Return the origins of the panel's addresses; a loopback one has three names, which are one machine's."""
    found = {origin for url in urls if (origin := origin_of(url))}
    for origin in tuple(found):
        host = _host(origin)
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        if name in _LOOPBACK:
            found |= {origin.replace(f"//{name}", f"//{other}", 1) for other in _LOOPBACK}
    return frozenset(found)


def is_of(origins: frozenset[str], *, origin: str, site: str = "", host: str = "", reads: bool = False) -> bool:
    """Tell whether a request comes from a page of one of these origins.

    An `Origin` that was sent counts alone. Browsers send it with every upgrade and every request to another origin, but
    none with a GET to their own; there they say `Sec-Fetch-Site: same-origin` (no script can set it, and a page of
    anybody else's has `cross-site` or `same-site`), and the host that was asked must be the panel's.

    Args:
        origin, site, host: what was sent as `Origin`, `Sec-Fetch-Site` and `Host`; "" where nothing was.
        reads: it is a GET or HEAD, and no upgrade.
    """
    if origin:
        return origin in origins
    return reads and site == "same-origin" and host.lower() in {_host(one) for one in origins}


def _host(origin: str) -> str:
    return origin.partition("//")[2]
