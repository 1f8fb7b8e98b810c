"""What nodes and ingest must know of nodes, feeds, days and products, for a Redis that has lost it (outbox.restated).

Rows are locked until they are written: a change in between would be overwritten with what it replaced.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from kernel import keyspace
from kernel.instruments import LANES
from kernel.scope import MARKETS
from nodes import selectors, store
from nodes.models import CalendarHorizon, CalendarOverride, FeedSetting, InstrumentList, Node
from outbox.errors import LinkAway
from outbox.restated import Piece
from outbox.transports.redis import Link


def drains(now: datetime) -> Iterator[Piece]:
    """Yield each node's drain order, or that it has none."""
    links = selectors.links()
    for node in Node.objects.select_for_update(of=("self",)).select_related("group").order_by("pk"):
        if node.group.slug in links:
            order = store.drain(node=node.slug, draining=node.state != Node.State.ACTIVE)
            yield Piece(links[node.group.slug], order, tell={"kind": "drain", "node": node.slug})


def feed_settings(now: datetime) -> Iterator[Piece]:
    """Yield each market's feed, or that ingest chooses."""
    settings = {one.lane: one.as_json() for one in FeedSetting.objects.select_for_update().prefetch_related("lines")}
    for link in _every_redis():
        for lane in LANES:
            yield Piece(link, store.feed_setting(lane=lane, setting=settings.get(lane)))


def calendar_overrides(now: datetime) -> Iterator[Piece]:
    """Yield each changed trading day, and those that are there and were given back."""
    rows = CalendarOverride.objects.select_for_update().order_by("pk")
    wanted = {(row.lane, row.day_on.isoformat()): store.override_value(row.day, row.note) for row in rows}
    for link in _every_redis():
        try:
            there = {(lane, day) for lane in LANES for day in link.read_hash(keyspace.calendar_overrides(lane))}
        except LinkAway:
            there = set()  # writing says so too
        for lane, day in sorted(wanted.keys() | there):
            write = store.calendar_override(lane=lane, day=day, override=wanted.get((lane, day)))
            yield Piece(link, write, tell={"kind": "calendar", "lane": lane})


def calendar_horizons(now: datetime) -> Iterator[Piece]:
    """Yield up to when each market's trading days are known, or that nobody has entered any."""
    until = {row.lane: row.until_on.isoformat() for row in CalendarHorizon.objects.select_for_update()}
    for link in _every_redis():
        for lane in MARKETS:
            write = store.calendar_horizon(lane=lane, until=until.get(lane))
            yield Piece(link, write, tell={"kind": "calendar", "lane": lane})


def instruments(now: datetime) -> Iterator[Piece]:
    """Yield the list of instruments that was published last, or that there is none."""
    row = InstrumentList.objects.select_for_update().first()
    for link in _every_redis():
        write = store.instruments(packed=row.packed if row is not None else "")
        yield Piece(link, write, tell={"kind": "instruments"})


def _every_redis() -> Iterable[Link]:
    links = selectors.links()
    return [links[name] for name in selectors.destinations() if name in links]
