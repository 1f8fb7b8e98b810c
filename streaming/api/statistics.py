"""Instruments' statistics of the day, as the market's sources tell them: read from the store for what is asked."""

from collections.abc import Iterable
from typing import Any

from redis.exceptions import RedisError

from streaming.api.node import NATIVE
from streaming.api.rest import Call, answered, of_newest, shows
from streaming.domain.instruments import Instrument
from streaming.domain.statistics import Statistics
from streaming.errors import AmbiguousSymbol, BadParameter, StoreUnavailable
from streaming.reference import directory
from streaming.store.connection import redis_async
from streaming.store.rate_limit import Wanted
from streaming.store.statistics import read_statistics
from streaming.wire.dialects.native.rest import statistics as shown
from streaming.wire.dialects.tickdb import symbols

MAX_SYMBOLS = 50


async def reported(instruments: Iterable[Instrument]) -> dict[str, Statistics]:
    """Return what was told of instruments last, by symbol, whatever day that was: shares and lots outlive it.

    Raises:
        StoreUnavailable: the store is away.
    """
    try:
        return await read_statistics(redis_async(), [one.id for one in instruments])
    except (RedisError, OSError):
        raise StoreUnavailable from None


async def of_the_day(call: Call, instruments: Iterable[Instrument]) -> dict[str, Statistics]:
    """Return what was told of instruments on the day that their quotes are of; those of a day before are absent.

    Raises:
        StoreUnavailable: the store is away.
    """
    listed = list(instruments)
    told = await reported(listed)
    found = {}
    for one in listed:
        newest, statistics = call.node.quotes.newest(one), told.get(one.symbol)
        if statistics is not None and (newest is None or statistics.day.isoformat() >= newest.day):
            found[one.symbol] = statistics
    return found


def _seen(call: Call) -> dict[str, Instrument]:
    asked = [text for part in call.text("symbols", "symbol").split(",") if (text := part.strip())]
    if not asked or len(asked) > MAX_SYMBOLS:
        raise BadParameter(f"symbols names 1 to {MAX_SYMBOLS} with commas, not {len(asked)}")
    return call.see_all(list(dict.fromkeys(asked)), _read, stop_at=(AmbiguousSymbol,))


def _read(text: str) -> Instrument:
    return directory().described(symbols.read(text, directory(), ""))


def _wanted(call: Call) -> Wanted:
    return of_newest(_seen(call).values())


@answered(NATIVE)
@shows(_wanted, "quote")
async def statistics(call: Call) -> dict[str, Any]:
    """The day's statistics of up to 50 instruments, as far as anybody tells them."""
    call.may("quote")
    seen = _seen(call)
    told = await of_the_day(call, seen.values())
    rejected = [
        {"symbol": text[:64], "reason": error.code, "message": error.message} for text, error in call.refused.items()
    ]
    data = [shown(one, told.get(one.symbol)) for one in seen.values()]
    return {"data": data, "left_out": call.unfit, "rejected": rejected}
