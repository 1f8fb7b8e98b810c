"""Questions about nodes and the way to their groups. Nothing here writes."""

from contextlib import suppress

from nodes.errors import NoSuchGroup, UnknownTransport
from nodes.models import NodeGroup
from outbox.transports.redis import Link, RedisLink

OWN = ""  # in place of a group's slug: the Redis that the panel's own process uses


def link_to(group: NodeGroup) -> Link:
    """Return the way to a group's Redis, as its transport and address say.

    Raises:
        UnknownTransport: another version of the program has set one that this one does not have.
    """
    if group.transport != NodeGroup.Transport.REDIS:
        raise UnknownTransport(group=group.slug, transport=group.transport)
    return RedisLink(group.address)


def links() -> dict[str, Link]:
    """Return the ways to all groups' Redis by the groups' slugs; a transport that is unknown here is left out."""
    found: dict[str, Link] = {OWN: RedisLink()}
    for group in NodeGroup.objects.order_by("slug"):
        with suppress(UnknownTransport):
            found[group.slug] = link_to(group)
    return found


def link_named(slug: str) -> Link:
    """Return the way to a group's Redis by the group's slug; OWN is the panel's.

    Raises:
        NoSuchGroup: there is no such group.
        UnknownTransport: it is reached by a transport that this version does not have.
    """
    if slug == OWN:
        return RedisLink()
    group = NodeGroup.objects.filter(slug=slug).first()
    if group is None:
        raise NoSuchGroup(group=slug[:40])
    return link_to(group)


def destinations() -> list[str]:
    """Return one group for every Redis that there is, OWN first, for link_named.

    What concerns every ingest process (feeds, calendars) goes to each of them once.
    """
    found: dict[tuple[str, str], str] = {}
    for group in NodeGroup.objects.order_by("slug"):
        found.setdefault((group.transport, group.address), group.slug)
    found.pop((NodeGroup.Transport.REDIS, RedisLink().address), None)
    return [OWN, *found.values()]
