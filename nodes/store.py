"""What the control plane writes for nodes and ingest, as commands for a group's link, and what it reads for people."""

import json
from typing import Any

from kernel import keyspace
from outbox.errors import LinkAway
from outbox.transports.redis import Command, Delete, DeleteField, Link, RedisLink, Set, SetField, SetNewer, Tell

MAX_REVOCATION_S = 500 * 86_400  # a token outlives its last grant by 400 days at most; beyond this a key is litter
SIBLINGS_KEPT_SECONDS = 120  # forgotten when nobody polls them any more


def entitlement(scope: dict[str, Any]) -> Command:
    """Set a scope (Scope.as_json) that is not older than what is there."""
    return SetNewer(keyspace.entitlement(scope["sub"], scope["aud"]), scope)


def revocation(*, jti: str, works_until_s: int, expires_at_s: int, now_s: int) -> tuple[Command, ...]:
    """Note from when on a token no longer works, for as long as it could be shown; nothing to do after that."""
    ttl = min(expires_at_s - now_s, MAX_REVOCATION_S)
    return (Set(keyspace.revoked(jti), str(works_until_s), ttl),) if ttl > 0 else ()


def drain(*, node: str, draining: bool) -> Command:
    """Set or take back a node's drain order."""
    return Set(keyspace.draining(node), "1") if draining else Delete(keyspace.draining(node))


def siblings(*, group: str, nodes: list[dict[str, str]]) -> Command:
    """Note which of a group's nodes take connections: [{"node", "url"}]."""
    return Set(keyspace.siblings(group), json.dumps(nodes), SIBLINGS_KEPT_SECONDS)


def feed_setting(*, lane: str, setting: dict[str, Any] | None) -> Command:
    """Set a lane's feed, or give the choice back to the ingest process."""
    key = keyspace.feed_setting(lane)
    return Delete(key) if setting is None else Set(key, json.dumps(setting))


def override_value(kind: str, note: str) -> dict[str, str]:
    """Return what nodes and ingest read of a changed trading day."""
    return {"kind": str(kind), "note": note}


def calendar_override(*, lane: str, day: str, override: dict[str, str] | None) -> Command:
    """Set a changed trading day, or give it back to the published calendar."""
    key = keyspace.calendar_overrides(lane)
    return DeleteField(key, day) if override is None else SetField(key, day, json.dumps(override))


def feed_state(link: Link, *, lane: str) -> dict[str, str]:
    """Return what a lane's worker last said of itself; nothing where none runs, `problem` where Redis is away."""
    try:
        return link.read_hash(keyspace.feed_state(lane))
    except LinkAway as error:
        return {"problem": str(error)}


def refused_rows(link: Link, *, lane: str) -> tuple[dict[str, int], list[dict[str, str]]]:
    """Return what a lane's lines told that did not count: how many by `<line>|<reason>`, and the newest rows first.

    Raises:
        LinkAway: Redis does not answer.
    """
    counts = {name: int(number) for name, number in link.read_hash(keyspace.refusals(lane)).items()}
    rows = link.read_stream(keyspace.refused_rows(lane), after="0-0", count=100).entries
    return counts, [fields for _, fields in reversed(rows)]


def tell(message: dict[str, Any], *, link: Link | None = None) -> None:
    """Send a control message to every streaming process of a group; of the panel's own where none is named."""
    (link or RedisLink()).apply([Tell(message)])
