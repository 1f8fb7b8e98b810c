"""Reports of this group's processes upwards: a bounded stream that the control plane reads when it can."""

from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from django.conf import settings

from kernel import keyspace
from streaming.records.reports import (
    Delivery,
    Health,
    LineSwitch,
    SymbolCounts,
    TokenUses,
    delivery_entry,
    health_entry,
    switch_entry,
    symbol_counts_entry,
    token_uses_entry,
)

# Ten processes that report every 5 s fill it in seven hours; 20 MB.
MOST_ENTRIES = 50_000


def health_command(health: Health) -> tuple[Any, ...]:
    """Return the command that adds a health report, for a blocking client or an event loop's.

    Executing it raises redis.RedisError where the store is away; the report is then lost, and the next one tells more.
    """
    return _command(health_entry(health))


def switch_command(switch: LineSwitch) -> tuple[Any, ...]:
    """Return the command that adds a switch of lines; as health_command's."""
    return _command(switch_entry(switch))


def delivery_command(delivery: Delivery) -> tuple[Any, ...]:
    """Return the command that adds a report of deliveries; one that may have been added may be added again."""
    return _command(delivery_entry(delivery))


def token_uses_command(uses: TokenUses) -> tuple[Any, ...]:
    """Return the command that adds a report of used tokens; as health_command's."""
    return _command(token_uses_entry(uses))


def symbol_counts_command(counts: SymbolCounts) -> tuple[Any, ...]:
    """Return the command that adds a report of counted symbols; as health_command's."""
    return _command(symbol_counts_entry(counts))


def _command(entry: dict[str, str | bytes]) -> tuple[Any, ...]:
    fields = [part for item in entry.items() for part in item]
    return ("XADD", keyspace.reports(settings.NODE_GROUP), "MAXLEN", "~", MOST_ENTRIES, "*", *fields)


@cache
def program_version() -> str:
    """Return the version of the installed program; "0" in a bare checkout."""
    try:
        return version("tickpack")
    except PackageNotFoundError:
        return "0"
