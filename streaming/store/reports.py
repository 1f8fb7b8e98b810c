"""Reports of this group's processes upwards: a bounded stream that the control plane reads when it can."""

from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from django.conf import settings

from kernel import keyspace
from streaming.records.reports import Health, health_entry

# Ten processes that report every 5 s fill it in seven hours; 20 MB.
MOST_ENTRIES = 50_000


def health_command(health: Health) -> tuple[Any, ...]:
    """Return the command that adds a health report, for a blocking client or an event loop's.

    Executing it raises redis.RedisError where the store is away; the report is then lost, and the next one tells more.
    """
    fields = [part for item in health_entry(health).items() for part in item]
    return ("XADD", keyspace.reports(settings.NODE_GROUP), "MAXLEN", "~", MOST_ENTRIES, "*", *fields)


@cache
def program_version() -> str:
    """Return the version of the installed program; "0" in a bare checkout."""
    try:
        return version("tickpack")
    except PackageNotFoundError:
        return "0"
