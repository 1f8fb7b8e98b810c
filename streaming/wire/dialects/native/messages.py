"""What a client of the native dialect may say, as types: they read a message, refuse a wrong one, and are its schema.

Fields that nobody knows are passed over, so that a newer client can speak to an older node.
"""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from kernel.instruments import LANES
from streaming.wire.channels import EVENTS, INTERVALS

MAX_SYMBOLS = 500
TYPES = ("kline", *EVENTS)
_SAFE = 2**53 - 1  # the largest that every JSON reader takes for an integer

Symbols = Annotated[list[str], Meta(min_length=1, max_length=MAX_SYMBOLS)]
# Words that this node does not carry are read, and refused as such by the reader: a newer client may know more.
Types = Annotated[list[Annotated[str, Meta(extra_json_schema={"enum": list(TYPES)})]], Meta(min_length=1)]
Intervals = Annotated[list[Annotated[str, Meta(extra_json_schema={"enum": list(INTERVALS)})]], Meta(min_length=1)]
Seq = Annotated[int, Meta(ge=0, le=_SAFE, description="the number of a window of 1.5 s")]
_ZONED = r"^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)$"
Instant = Annotated[str, Meta(description="an instant with its zone", extra_json_schema={"pattern": _ZONED})]
Cursors = Annotated[dict[str, Seq], Meta(extra_json_schema={"propertyNames": {"enum": list(LANES)}})]


class SubscribeMessage(msgspec.Struct, tag_field="action", tag="subscribe"):
    """Follow symbols; `since` is the last seq, an instant, or one seq a market."""

    symbols: Symbols
    types: Types | None = None
    intervals: Intervals | None = None
    fill: bool = True
    stamp: bool = False
    since: Seq | Instant | Cursors | None = None
    epoch: dict[str, str] | None = None


class UnsubscribeMessage(msgspec.Struct, tag_field="action", tag="unsubscribe"):
    """Stop following; with types or intervals only these."""

    symbols: Symbols
    types: Types | None = None
    intervals: Intervals | None = None


class ListMessage(msgspec.Struct, tag_field="action", tag="list"):
    """Ask what this socket follows."""


class SnapshotMessage(msgspec.Struct, tag_field="action", tag="snapshot"):
    """Ask for the newest bar and the day."""

    symbols: Symbols | UnsetType = UNSET


class PingMessage(msgspec.Struct, tag_field="action", tag="ping"):
    """A sign of life; `id` comes back."""

    id: Any = None


ClientMessage = SubscribeMessage | UnsubscribeMessage | ListMessage | SnapshotMessage | PingMessage
ACTIONS = ("subscribe", "unsubscribe", "list", "snapshot", "ping")
decode = msgspec.json.Decoder(ClientMessage).decode


def schema_of(message: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the JSON Schema of one message."""
    _, components = msgspec.json.schema_components([message], ref_template="#/{name}")
    schema: dict[str, Any] = components[message.__name__]
    return {key: value for key, value in schema.items() if key not in ("title", "description")}
