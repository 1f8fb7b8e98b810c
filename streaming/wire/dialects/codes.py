"""Codes as other systems write them: which instruments a code without its exchange can mean, and of what kind one is.

A code stands for several products where an index shares it with a stock (000001 is the SSE Composite in Shanghai and
Ping An Bank in Shenzhen), so who asks without an exchange may have to say the kind.
"""

from kernel.instruments import InstrumentId, Venue
from kernel.listing import FUNDS
from streaming.domain.instruments import Directory

_MAINLAND = (Venue.SH, Venue.SZ, Venue.BJ)


def meant_by(code: str, directory: Directory) -> list[InstrumentId]:
    """Return what a code without an exchange can mean: `700`, `600519`, `HSI`; empty where it means nothing."""
    asked = code.strip().upper() if len(code) <= 16 else ""
    if not (asked.isascii() and asked.isalnum()):
        return []
    if asked == "TEST":
        return [InstrumentId("TEST", Venue.TEST)]
    if asked.isdecimal() and len(asked) <= 5:
        return [InstrumentId(asked.zfill(5), Venue.HK)]
    if asked.isdecimal() and len(asked) == 6:
        listed = [found.id for venue in _MAINLAND if (found := directory.get(f"{asked}.{venue}")) is not None]
        return listed or _unlisted(asked, directory)
    if asked.isalpha() and (found := directory.get(f"{asked}.HK")) is not None:
        return [found.id]
    return []


def _unlisted(code: str, directory: Directory) -> list[InstrumentId]:
    """Return the exchange's product that a mainland code's first digits stand for."""
    if code.startswith(("43", "82", "83", "87", "88", "92", "899")):
        venue = Venue.BJ
    elif code.startswith(("5", "6", "7", "9")):
        venue = Venue.SH
    else:
        venue = Venue.SZ
    return [directory.identify(f"{code}.{venue}")]


def kind_of(instrument_id: InstrumentId, directory: Directory) -> str:
    """Return stock, fund or index: by the list, and by the code's first digits for what the list does not have."""
    kind = directory.described(instrument_id).kind
    return "fund" if kind in FUNDS else kind
