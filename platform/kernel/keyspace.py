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
    """Stream: trades and pictures as they came, field `e`, id `<start of the window that closes next, ms>-<n>`.

    So its ids and those of the windows are one order. The newest (EVENTS_MINUTES).
    """
    return f"events:{{{lane}}}:{epoch_name}"


def numbers(lane: str) -> str:
    """Hash symbol -> `<trades> <pictures>`: how many were numbered in the present epoch."""
    return f"numbers:{{{lane}}}"


def events_checkpoint(lane: str) -> str:
    """String: up to where trades and pictures were told; JSON (streaming.records.checkpoint), private to ingest."""
    return f"events-checkpoint:{{{lane}}}"


def floor(lane: str) -> str:
    """String `<epoch> <ms>`: the end of the newest window that was trimmed off the stream; absent before any was."""
    return f"floor:{{{lane}}}"


def epochs(lane: str) -> str:
    """List: the names of the newest 50 epochs, oldest first; history reads them in this order."""
    return f"epochs:{{{lane}}}"


def newest(lane: str) -> str:
    """Hash symbol -> packed newest state (streaming.records.newest.Newest), of the present epoch."""
    return f"newest:{{{lane}}}"


def statistics(lane: str) -> str:
    """Hash symbol -> packed statistics of a day (streaming.records.statistics), of the present epoch; with TTL."""
    return f"statistics:{{{lane}}}"


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


def day_quality(lane: str) -> str:
    """Hash YYYY-MM-DD -> what history holds of a trading day and what is wrong with it, as JSON; the last 60 days."""
    return f"day-quality:{{{lane}}}"


def symbol_days(lane: str, day: str) -> str:
    """Hash symbol -> JSON (streaming.records.day_counts): what ingest counted on a day so far; for eight days."""
    return f"symbol-days:{{{lane}}}:{day}"


def counted_days(lane: str) -> str:
    """Hash `YYYY-MM-DD` -> ms when ingest wrote that day's counts last, `<day> reported` -> ms when they went up."""
    return f"counted-days:{{{lane}}}"


def refused_rows(lane: str) -> str:
    """Stream: the newest refused rows: fields `line`, `reason`, `row` (a text for people); bounded."""
    return f"refused-rows:{{{lane}}}"


def wanted(lane: str) -> str:
    """String with TTL: set by a node when somebody follows an instrument of the lane."""
    return f"wanted:{{{lane}}}"


PUSH_LINE = "push"  # the line of pushes that name none


def pushed(lane: str, line: str = PUSH_LINE) -> str:
    """Stream: what was pushed for a line of the feed `live`, a packed tick each field; bounded."""
    return f"pushed:{{{lane}}}" if line == PUSH_LINE else f"pushed:{{{lane}}}:{line}"


def push_versions(lane: str, line: str = PUSH_LINE) -> str:
    """Hash `<market>|<ts_code>` -> the newest versions that were pushed for a line, each on a line of text."""
    return f"push-versions:{{{lane}}}" if line == PUSH_LINE else f"push-versions:{{{lane}}}:{line}"


def calendar_overrides(lane: str) -> str:
    """Hash date -> JSON: trading days that an operator has changed (nodes.CalendarOverride through the outbox)."""
    return f"calendar:{{{lane}}}"


def calendar_horizon(lane: str) -> str:
    """String: the last day of which operators have entered what is published (nodes.CalendarHorizon)."""
    return f"calendar-horizon:{{{lane}}}"


INSTRUMENTS = "instruments"  # String: the published list (kernel.listing.pack); absent: the committed one counts


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
    """Hash `<process>:<connection>` -> JSON {"at": ms, "symbols": {...}}: every open socket and what it follows.

    Those of the panel's own pages are `<process>:viewer-<connection>`; who has no account is `guest:<address>`.
    """
    return f"follows:{{{customer}@{group}}}"


def told_sockets(customer: str, group: str, asked: str) -> str:
    """Hash field of `follows` -> JSON, with TTL: what processes have answered to one question about open sockets."""
    return f"sockets:{{{customer}@{group}}}:{asked}"


def asked(customer: str, group: str) -> str:
    """Sorted set symbol -> ms with TTL: when each was asked for over REST last, of the last minute."""
    return f"asked:{{{customer}@{group}}}"


def claimed(customer: str, group: str) -> str:
    """Sorted set symbol -> ms with TTL: when each was let in over REST as a new one, of the last minute."""
    return f"claimed:{{{customer}@{group}}}"


def asked_by_viewers(customer: str, group: str) -> str:
    """As `asked`, of the panel's own pages: what programs ask for never waits for it."""
    return f"asked-viewer:{{{customer}@{group}}}"


def claimed_by_viewers(customer: str, group: str) -> str:
    """As `claimed`, of the panel's own pages."""
    return f"claimed-viewer:{{{customer}@{group}}}"


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
