"""How the lines of a market stand, as the admin shows them (keyspace.feed_state, `lines`)."""

from dataclasses import asdict
from typing import Any

from streaming.ingest.market import Market


def line_report(market: Market) -> list[dict[str, Any]]:
    """Return how each line stands, for people: as the merge sees it, and how its connection is."""
    first, reasons, conditions = market.first_copies(), market.lines.did_not_count(), market.lines.conditions()
    told = max(1, sum(first.values()))
    return [
        {
            **asdict(one),
            "first": first[one.name] / told,  # the share of new totals and trades that it told first
            "reasons": reasons[one.name],
            **({"connection": asdict(conditions[one.name])} if one.name in conditions else {}),
        }
        for one in market.standings()
        if one.name in reasons
    ]
