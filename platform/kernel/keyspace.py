"""Every Redis key, stream and group name of the project.

The part in braces is the Redis Cluster hash tag: all keys of one lane (CN, HK, TEST) live on one shard, so that one
Lua script can check the fence and write them together; all keys of one customer on a group likewise.
"""

# -- one lane's market data, written by whoever holds its lease ----------------------------------------------------


def lease(lane: str) -> str:
    """String: the holder's name, PX 1500; who has it runs the lane's ingest."""
    return f"lease:{{{lane}}}"


def fence(lane: str) -> str:
    """Integer: rises with every lease taken; a write with an older one is refused."""
    return f"fence:{{{lane}}}"


def epoch(lane: str) -> str:
    """String: the name of the stream in use; a new one when the clock would go back or the stream was lost."""
    return f"epoch:{{{lane}}}"


def stream(lane: str, epoch_name: str) -> str:
    """Stream: one entry a window, id `<window end in ms>-0`, field `w` (streaming.records.window.Window)."""
    return f"bars:{{{lane}}}:{epoch_name}"


def events(lane: str, epoch_name: str) -> str:
    """Stream: a window's trades and pictures under the window's id, field `e`; the newest (EVENTS_MINUTES)."""
    return f"events:{{{lane}}}:{epoch_name}"


def floor(lane: str) -> str:
    """String `<epoch> <ms>`: the end of the newest window that was trimmed off the stream; absent before any was."""
    return f"floor:{{{lane}}}"


def epochs(lane: str) -> str:
    """List: the names of the newest 50 epochs, oldest first; history reads them in this order."""
    return f"epochs:{{{lane}}}"


def newest(lane: str) -> str:
    """Hash symbol -> packed newest state (streaming.records.newest.Newest), of the present epoch."""
    return f"newest:{{{lane}}}"


def checkpoint(lane: str) -> str:
    """String: what a market needs to go on after a restart; JSON (streaming.records.checkpoint), private to ingest."""
    return f"checkpoint:{{{lane}}}"


def history_checkpoint(lane: str) -> str:
    """String: JSON {epoch, id}: up to where the stream is in history as minute bars."""
    return f"history:{{{lane}}}"


def history_lock(lane: str) -> str:
    """String with PX: whoever has it writes the lane's minute bars."""
    return f"history-lock:{{{lane}}}"


def feed_setting(lane: str) -> str:
    """String: JSON, which feed a lane runs (nodes.FeedSetting through the outbox); absent: the process's default."""
    return f"feed:{{{lane}}}"


def feed_state(lane: str) -> str:
    """Hash: what the running feed says of itself for people: name, state, clock, counters."""
    return f"feed-state:{{{lane}}}"


def refusals(lane: str) -> str:
    """Hash `<line>|<reason>` -> how many rows of that line were refused for it, ever; of all holders together."""
    return f"refusals:{{{lane}}}"


def refused_rows(lane: str) -> str:
    """Stream: the newest refused rows: fields `line`, `reason`, `row` (a text for people); bounded."""
    return f"refused-rows:{{{lane}}}"


def wanted(lane: str) -> str:
    """String with TTL: set by a node when somebody follows an instrument of the lane."""
    return f"wanted:{{{lane}}}"


def pushed(lane: str) -> str:
    """Stream: what providers have pushed for the feed `push`, a packed tick each field; bounded."""
    return f"pushed:{{{lane}}}"


def push_versions(lane: str) -> str:
    """Hash `<market>|<ts_code>` -> the newest versions that were pushed, each on a line."""
    return f"push-versions:{{{lane}}}"


def calendar_overrides(lane: str) -> str:
    """Hash date -> JSON: trading days that an operator has changed (nodes.CalendarOverride through the outbox)."""
    return f"calendar:{{{lane}}}"


# -- one customer on one node group ----------------------------------------------------------------------------------


def entitlement(customer: str, group: str) -> str:
    """String: Scope.as_json, the newest one; a node takes it over the token's when its rev is not lower."""
    return f"entitlement:{{{customer}@{group}}}"


def policy(customer: str, group: str) -> str:
    """String: Policy.as_json, what the group's operator leaves of the entitlement."""
    return f"policy:{{{customer}@{group}}}"


def subscription(customer: str, group: str) -> str:
    """List: the symbols that the customer has stored, in their order; rt_receiver sockets begin with them."""
    return f"subscription:{{{customer}@{group}}}"


def follows(customer: str, group: str) -> str:
    """Hash `<process>:<connection>` -> JSON {"at": ms, "symbols": [...]}: every open socket and what it follows."""
    return f"follows:{{{customer}@{group}}}"


def asked(customer: str, group: str) -> str:
    """Sorted set symbol -> ms with TTL: when each was asked for over REST last, of the last minute."""
    return f"asked:{{{customer}@{group}}}"


def claimed(customer: str, group: str) -> str:
    """Sorted set symbol -> ms with TTL: when each was let in over REST as a new one, of the last minute."""
    return f"claimed:{{{customer}@{group}}}"


def revoked(jti: str) -> str:
    """String with TTL: epoch seconds from which the token with this jti no longer works."""
    return f"revoked:{jti}"


def rate(kind: str, who: str) -> str:
    """The atomic limiter's bucket."""
    return f"rate:{kind}:{{{who}}}"


def policies(group: str) -> str:
    """Set: the customers of a group that have a policy; for its statistics."""
    return f"policies:{group}"


def subscribers(group: str) -> str:
    """Hash customer -> how many symbols are stored; for the group's statistics."""
    return f"subscribers:{group}"


# -- processes and control -------------------------------------------------------------------------------------------

PROCESSES = "processes"  # sorted set: streaming process -> ms of its last sign of life
CONTROL_GROUP = "tickpack.control"  # the channel layer's one group: every streaming process is a member


def siblings(group: str) -> str:
    """String with TTL: JSON [{"node", "url"}], a group's nodes that take connections; who drains names one of them."""
    return f"siblings:{group}"


def draining(node: str) -> str:
    """String: set while an operator drains the node; it then takes no new connection."""
    return f"draining:{node}"


def reports(group: str) -> str:
    """Stream: what a group's processes report to the control plane: fields `v`, `kind`, `body` (JSON); bounded."""
    return f"reports:{{{group}}}"
