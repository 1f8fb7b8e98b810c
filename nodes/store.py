"""What the control plane writes for nodes and ingest, as commands for a group's link, and what it reads for people."""

import json
from typing import Any

from kernel import keyspace
from kernel.trading_days import TradingDay
from outbox.errors import LinkAway
from outbox.transports.redis import Command, Delete, DeleteField, Link, RedisLink, Set, SetField, SetNewer, Tell

MAX_REVOCATION_S = 500 * 86_400  # a token outlives its last grant by 400 days at most; beyond this a key is litter
_LINE_FIELDS = {"name", "state", "lag_ms", "lag_p99_ms", "rows_per_s", "symbols", "first", "reasons"}
_COUNTS = {"rows", "bars", "gaps", "refused", "copies", "lines"}
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


def override_value(day: TradingDay, note: str) -> dict[str, str]:
    """Return what nodes and ingest read of a changed trading day."""
    return {**day.as_json(), "note": note}


def calendar_override(*, lane: str, day: str, override: dict[str, str] | None) -> Command:
    """Set a changed trading day, or give it back to the published calendar."""
    key = keyspace.calendar_overrides(lane)
    return DeleteField(key, day) if override is None else SetField(key, day, json.dumps(override))


def calendar_horizon(*, lane: str, until: str | None) -> Command:
    """Set up to when a market's trading days are known, or give that back to what is published with the program."""
    key = keyspace.calendar_horizon(lane)
    return Delete(key) if until is None else Set(key, until)


def instruments(*, packed: str) -> Command:
    """Set the published list of instruments, or give it back to the one that came with the program."""
    return Set(keyspace.INSTRUMENTS, packed) if packed else Delete(keyspace.INSTRUMENTS)


def unknown_symbols(state: dict[str, str]) -> list[str]:
    """Return what a lane's feed reports and no list has, of what its worker said (feed_state)."""
    try:
        found = json.loads(state.get("unknown", "[]"))
    except ValueError:
        return []
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def feed_state(link: Link, *, lane: str) -> dict[str, str]:
    """Return what a lane's worker last said of itself; nothing where none runs, `problem` where Redis is away."""
    try:
        return link.read_hash(keyspace.feed_state(lane))
    except LinkAway as error:
        return {"problem": str(error)}


def lines_of(state: dict[str, str]) -> list[dict[str, Any]]:
    """Return how each line stands, of what a lane's worker said (feed_state); none where it says nothing of them."""
    try:
        lines = json.loads(state.get("lines", "[]"))
    except ValueError:
        return []
    return [line for line in lines if isinstance(line, dict) and line.keys() >= _LINE_FIELDS]


def connection_of(line: dict[str, Any]) -> dict[str, str]:
    """Return how a line's connection is (state, problem, remark); empty texts where it has none."""
    told = line.get("connection")
    told = told if isinstance(told, dict) else {}
    return {name: str(told.get(name, "")) for name in ("state", "problem", "remark")}


def day_quality(link: Link, *, lane: str) -> list[dict[str, Any]]:
    """Return what history holds of each trading day and what is wrong with it, newest first; what is none is left out.

    Raises:
        LinkAway: Redis did not answer.
    """
    found = []
    for day, text in sorted(link.read_hash(keyspace.day_quality(lane)).items(), reverse=True):
        try:
            told = json.loads(text)
        except ValueError:
            continue
        if isinstance(told, dict) and {"instruments", "minutes", "findings"} <= set(told):
            found.append({"day": day, **told})
    return found


def symbols_so_far(link: Link, *, lane: str, day: str) -> dict[str, dict[str, Any]]:
    """Return what ingest has counted so far of each symbol of a day; what is none is left out.

    Raises:
        LinkAway: Redis did not answer.
    """
    found = {}
    for symbol, text in link.read_hash(keyspace.symbol_days(lane, day)).items():
        try:
            told = json.loads(text)
        except ValueError:
            continue
        if isinstance(told, dict) and told.get("v") == 1 and told.keys() >= _COUNTS:
            found[symbol] = told
    return found


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
