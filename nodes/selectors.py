"""Questions about nodes and the way to their groups. Nothing here writes."""

from nodes.errors import NoSuchGroup
from nodes.models import NodeGroup
from outbox.transports.redis import Link, RedisLink

OWN = ""  # in place of a group's slug: the Redis that the panel's own process uses


def link_to(group: NodeGroup) -> Link:
    """Return the way to a group's Redis, as its transport and address say."""
    return RedisLink(group.address)  # the one transport that there is


def link_named(slug: str) -> Link:
    """Return the way to a group's Redis by the group's slug; OWN is the panel's.

    Raises:
        NoSuchGroup: there is no such group.
    """
    if slug == OWN:
        return RedisLink()
    group = NodeGroup.objects.filter(slug=slug).first()
    if group is None:
        raise NoSuchGroup(group=slug[:40])
    return link_to(group)


def links() -> dict[str, Link]:
    """Return one way to every Redis that there is, by a group that uses it; the panel's own by OWN.

    What concerns every ingest process (feeds, calendars) goes to each of them once.
    """
    found: dict[Link, str] = {RedisLink(): OWN}
    for group in NodeGroup.objects.order_by("slug"):
        found.setdefault(link_to(group), group.slug)
    return {slug: link for link, slug in found.items()}
