"""Market, venue and the canonical name of one listed product.

Canonical forms: six digits for SH, SZ and BJ (`600519.SH`), five for HK (`00700.HK`), letters for HK's indices
(`HSI.HK`) and `TEST.CN` on the venue TEST. `InstrumentId.parse` accepts what people type: lower case, `700.HK`,
`0700.HK`, bare `HSI`. It knows the form only; whether such a product exists is the reference list's business.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum

from kernel.errors import Malformed


class Market(StrEnum):
    """What a plan sells."""

    CN = "CN"
    HK = "HK"


class Venue(StrEnum):
    """An exchange, or TEST: the symbol that always moves."""

    SH = "SH"
    SZ = "SZ"
    BJ = "BJ"
    HK = "HK"
    TEST = "TEST"


# One ingest task, one stream and one set of Redis keys for each, so that markets fail apart.
LANES = ("CN", "HK", "TEST")
_BARE_ALIASES = {"HSI": "HSI.HK", "HSCEI": "HSCEI.HK", "HSTECH": "HSTECH.HK"}
_MAINLAND = re.compile(r"([0-9]{6})\.(SH|SZ|BJ)", re.ASCII)
_HONG_KONG = re.compile(r"([0-9]{1,5})\.HK", re.ASCII)
_HONG_KONG_INDEX = re.compile(r"([A-Z]{2,10})\.HK", re.ASCII)


class BadSymbol(Malformed):
    message = "This is not the form of a symbol."
    code = "bad_symbol"


@dataclass(frozen=True, slots=True, order=True)
class InstrumentId:
    """One listed product, by its canonical code and venue."""

    code: str
    venue: Venue
    # The canonical text, made once: folding asks for it a dozen times a tick.
    symbol: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        text = "TEST.CN" if self.venue is Venue.TEST else f"{self.code}.{self.venue}"
        object.__setattr__(self, "symbol", text)

    def __str__(self) -> str:
        return self.symbol

    @property
    def market(self) -> Market | None:
        """The market a token must include; None for TEST, which every valid token includes."""
        if self.venue is Venue.TEST:
            return None
        return Market.HK if self.venue is Venue.HK else Market.CN

    @property
    def lane(self) -> str:
        """The stream its bars travel on: CN, HK or TEST."""
        return "TEST" if self.venue is Venue.TEST else "HK" if self.venue is Venue.HK else "CN"

    @classmethod
    def parse(cls, text: str) -> "InstrumentId":
        """Read a symbol as a person writes it.

        Raises:
            BadSymbol: the text has no symbol's form; the message names it.
        """
        asked = text.strip().upper() if isinstance(text, str) and len(text) <= 32 else ""
        asked = _BARE_ALIASES.get(asked, asked)
        if asked == "TEST.CN":
            return cls("TEST", Venue.TEST)
        if match := _MAINLAND.fullmatch(asked):
            return cls(match[1], Venue(match[2]))
        if match := _HONG_KONG.fullmatch(asked):
            return cls(match[1].zfill(5), Venue.HK)
        if match := _HONG_KONG_INDEX.fullmatch(asked):
            return cls(match[1], Venue.HK)
        shown = text[:40] if isinstance(text, str) else type(text).__name__
        raise BadSymbol(f"{shown!r} is not a symbol; write it like 600519.SH, 000001.SZ or 00700.HK", symbol=shown)
