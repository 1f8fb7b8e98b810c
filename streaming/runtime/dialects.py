"""The wire languages of this process: those that wire has, with the committed list of instruments."""

from collections.abc import Mapping
from functools import cache

from streaming.reference import directory
from streaming.wire.dialect import Dialect, load_dialects


@cache
def dialects() -> Mapping[str, Dialect]:
    """Return every language by name; the same objects to everybody, for the hub tells languages apart by them."""
    return load_dialects(directory())
