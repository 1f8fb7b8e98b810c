"""Socket paths of a node: those that the dialects name."""

from collections.abc import Mapping
from typing import Any

from streaming.runtime.dialects import dialects
from streaming.sockets.consumer import StreamConsumer

# By a dict and not by Channels' URLRouter: it tries its patterns one after another, and matches a path for each.
SOCKETS: Mapping[str, Any] = {
    path: StreamConsumer.as_asgi(dialect=dialect, via=via)
    for dialect in dialects().values()
    for path, via in dialect.paths.items()
}
