"""Where a viewer token is let in: to the panel's own pages, in the languages that pages speak, and nowhere else."""

import ipaddress
from dataclasses import replace

from django.conf import settings

from kernel import origins
from kernel.tokens import GUEST, Claims, ViewerElsewhere, ViewerOrigin


def admitted(
    claims: Claims, *, taken: bool, address: str, origin: str, site: str = "", host: str = "", reads: bool = False
) -> Claims:
    """Return the claims of whoever may come in; those of a program as they are.

    Who has no account is counted by address: its books and limits are those of `guest:<address>`.

    Args:
        taken: the language is one that the panel's pages speak.
        address: where the request comes from.
        origin, site, host, reads: as kernel.origins.is_of takes them.

    Raises:
        ViewerElsewhere, ViewerOrigin: HTTP 403.
    """
    if not claims.viewer:
        return claims
    if not taken:
        raise ViewerElsewhere
    if not origins.is_of(settings.VIEWER_ORIGINS, origin=origin, site=site, host=host, reads=reads):
        raise ViewerOrigin
    if not claims.guest:
        return claims
    return replace(claims, scope=replace(claims.scope, customer=f"{GUEST}:{network_of(address)}"))


def network_of(address: str) -> str:
    """Return what counts as one line: an IPv4 address, or an IPv6 address's /64."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address  # a Unix socket has none
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
