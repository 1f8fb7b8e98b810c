"""A customer's program: follows symbols with `streaming.client`, resumes wherever it is cut, notes what it hears.

    python -m benchmarks.soak.follower ADDRESS TOKEN-FILE NOTES SYMBOL ...

Each note is a line of JSON: ["bar", epoch, symbol, seq, volume, amount] of bars with a volume; ["gap", epoch, reason]
where something was said to be missing; ["recovered", epoch].
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import IO, Any

from streaming.client.events import Bar, Connected, Gap, Recovered, Said, Skipped
from streaming.client.stream import Stream

LANE = "CN"


async def follow(address: str, token: str, notes: IO[str], symbols: list[str]) -> None:
    """Follow until this process is ended."""
    epoch: str | None = None
    async with Stream(address, token, symbols=symbols, fill=False, longest_wait_s=1.0) as stream:
        async for thing in stream.everything():
            note: list[Any] | None = None
            if isinstance(thing, Bar):
                note = ["bar", epoch, thing.symbol, thing.seq, thing.volume, thing.amount] if thing.volume else None
            elif isinstance(thing, Gap) and thing.lane == LANE:
                note = ["gap", epoch, thing.reason]
            elif isinstance(thing, Skipped):
                note = ["gap", epoch, "skipped"]
            elif isinstance(thing, Recovered) and thing.lane == LANE:
                note = ["recovered", epoch]
            elif isinstance(thing, Said | Connected):
                epoch = _epoch_in(thing.message) or epoch
            if note is not None:
                notes.write(json.dumps(note) + "\n")
                notes.flush()


def _epoch_in(message: Any) -> str | None:
    """Return the lane's epoch that a message names."""
    if message.get("type") == "subscribed":
        found: str | None = message.get("resume", {}).get(LANE, {}).get("epoch")
        return found
    if message.get("type") == "status":
        return message.get("epoch") if message.get("market") == LANE else None
    epochs = message.get("epoch")
    return epochs.get(LANE) if isinstance(epochs, dict) else None


if __name__ == "__main__":
    with Path(sys.argv[3]).open("a") as opened:
        asyncio.run(follow(sys.argv[1], Path(sys.argv[2]).read_text(), opened, sys.argv[4:]))
