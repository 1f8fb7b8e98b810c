"""Finding instruments: what a node's list has, by whatever a person or a program writes."""

import asyncio
from typing import Any

from kernel.scope import MARKETS
from streaming.api.node import NATIVE
from streaming.api.rest import Call, answered
from streaming.domain import E4
from streaming.domain.instruments import TICK_TABLES, Instrument
from streaming.domain.search import MOST_CHARACTERS, MOST_HITS, MOST_QUERIES, Found, Index, split
from streaming.errors import BadParameter
from streaming.reference import directory, instruments

DEFAULT_LIMIT = 20


@answered(NATIVE)
async def find(call: Call) -> dict[str, Any]:
    """What is found for each part of a text: one product, or a list of them."""
    text, market = call.request.GET.get("q", ""), call.text("market").upper()
    if market and market not in MARKETS:
        raise BadParameter(f"Invalid parameter: market {market[:16]!r} is not one of {', '.join(MARKETS)}")
    limit = call.limit(DEFAULT_LIMIT, MOST_HITS)
    parts = split(text)
    if not parts:
        raise BadParameter(
            "Invalid parameter: q is empty; write a code, a name, its pinyin or its initials, "
            f"or up to {MOST_QUERIES} of them with commas between"
        )
    index = await _index()
    found = [index.search(part, market=market, limit=limit) for part in parts]
    return {
        "results": [_told(part[:MOST_CHARACTERS], one) for part, one in zip(parts, found, strict=True)],
        "listed": len(directory()),
        "list": instruments.rev(),
    }


async def _index() -> Index:
    """Return the list's index. It is made in a thread: that takes 0.1 s, once a process and once a new list."""
    listed = directory()
    found: Index | None = listed.known(Index)
    return found if found is not None else await asyncio.to_thread(listed.made, Index)


def _told(asked: str, found: Found) -> dict[str, Any]:
    items = [{**_row(hit.instrument), "matched": hit.by} for hit in found.hits]
    return {"q": asked, "ambiguous": found.ambiguous, "items": items}


def _row(one: Instrument) -> dict[str, Any]:
    return {
        "symbol": one.symbol,
        "name_zh": one.name_zh,
        "name_en": one.name_en,
        "market": str(one.market or "TEST"),
        "exchange": str(one.id.venue),
        "board": one.board,
        "kind": one.kind,
        "currency": one.currency,
        "lot": one.lot,
        "price_steps": [[from_e4 / E4, step_e4 / E4] for from_e4, step_e4 in TICK_TABLES[one.tick_table]],
        "state": one.state,
        "sector": one.sector,
        "listed_on": one.listed_on,
        "delisted_on": one.delisted_on,
        "former_codes": one.former_codes.split(),
        "former_names": one.former_names.split(),
    }
