"""Which line led a group's market since when, as its ingest reports it."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec

from nodes.models import LineSwitch, NodeGroup
from outbox.errors import UnreadableReport
from outbox.report_kinds import Report

_Name = Annotated[str, msgspec.Meta(max_length=20)]


class _Switch(msgspec.Struct, frozen=True):
    market: Annotated[str, msgspec.Meta(max_length=8)]
    at_ms: Annotated[int, msgspec.Meta(ge=0, le=2**50)]
    before: _Name
    after: _Name
    reason: _Name


def record_switch(report: Report) -> None:
    """Keep that another line leads; a report that comes again changes nothing.

    Raises:
        UnreadableReport: it is no report of a switch.
    """
    try:
        switch = msgspec.convert(report.body, _Switch)
        at = datetime.fromtimestamp(switch.at_ms / 1000, UTC)
    except (msgspec.ValidationError, ValueError, OverflowError, OSError) as error:
        raise UnreadableReport(f"line_switch: {error}") from None
    LineSwitch.objects.get_or_create(
        group=NodeGroup.objects.only("pk").get(slug=report.group),
        lane=switch.market,
        at=at,
        after=switch.after,
        defaults={"before": switch.before, "reason": switch.reason},
    )
