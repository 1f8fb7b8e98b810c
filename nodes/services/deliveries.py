"""What the rows say that nodes.announcements writes, as commands for the Redis of the groups that they are for."""

from datetime import datetime

from nodes import selectors, store
from nodes.models import CalendarHorizon, CalendarOverride, FeedSetting, InstrumentList, Node
from outbox.kinds import Payload
from outbox.transports.redis import Tell, Writes


def entitlement(payload: Payload, now: datetime) -> Writes:
    """Set a scope unless a newer one is there, and tell the customer's open sockets."""
    scope = payload["scope"]
    # Told even when the write changes nothing: the first attempt may have ended between the two.
    tell = Tell({"kind": "entitlement", "customer": scope["sub"], "group": scope["aud"]})
    return Writes(selectors.link_named(scope["aud"]), (store.entitlement(scope), tell))


def revocation(payload: Payload, now: datetime) -> Writes:
    """Note from when on a token no longer works, and tell whoever is connected with it."""
    writes = store.revocation(
        jti=payload["jti"],
        works_until_s=payload["works_until_s"],
        expires_at_s=payload["expires_at_s"],
        now_s=int(now.timestamp()),
    )
    who = {name: payload[name] for name in ("jti", "customer", "group")}
    return Writes(selectors.link_named(payload["group"]), (*writes, Tell({"kind": "revoked", **who})))


def drain(payload: Payload, now: datetime) -> Writes:
    """Set or take back a node's drain order: the present state counts, not the one at the time of the order.

    Raises:
        Node.DoesNotExist: there is no such node; nodes are retired and never removed.
    """
    # The lock keeps two deliveries in order.
    node = Node.objects.select_for_update(of=("self",)).select_related("group").get(slug=payload["node"])
    order = store.drain(node=node.slug, draining=node.state != Node.State.ACTIVE)
    return Writes(selectors.link_to(node.group), (order, Tell({"kind": "drain", "node": node.slug})))


def feed_setting(payload: Payload, now: datetime) -> Writes:
    """Set a lane's feed to what the setting says now, or give the choice back to the ingest process."""
    setting = FeedSetting.objects.select_for_update().filter(lane=payload["lane"]).first()
    write = store.feed_setting(lane=payload["lane"], setting=setting.as_json() if setting else None)
    return Writes(selectors.link_named(payload.get("group", "")), (write,))


def calendar_override(payload: Payload, now: datetime) -> Writes:
    """Set a changed trading day to what the override says now, or give it back to the published calendar."""
    rows = CalendarOverride.objects.select_for_update().filter(lane=payload["lane"], day_on=payload["day"])
    row = rows.first()
    override = store.override_value(row.day, row.note) if row else None
    write = store.calendar_override(lane=payload["lane"], day=payload["day"], override=override)
    tell = Tell({"kind": "calendar", "lane": payload["lane"]})
    return Writes(selectors.link_named(payload.get("group", "")), (write, tell))


def calendar_horizon(payload: Payload, now: datetime) -> Writes:
    """Set up to when a market's trading days are known now, or give that back to what came with the program."""
    row = CalendarHorizon.objects.select_for_update().filter(lane=payload["lane"]).first()
    write = store.calendar_horizon(lane=payload["lane"], until=row.until_on.isoformat() if row else None)
    tell = Tell({"kind": "calendar", "lane": payload["lane"]})
    return Writes(selectors.link_named(payload.get("group", "")), (write, tell))


def instruments(payload: Payload, now: datetime) -> Writes:
    """Set the list of instruments that was published last, or take it away where there is none."""
    row = InstrumentList.objects.select_for_update().first()
    write = store.instruments(packed=row.packed if row is not None else "")
    return Writes(selectors.link_named(payload.get("group", "")), (write, Tell({"kind": "instruments"})))
