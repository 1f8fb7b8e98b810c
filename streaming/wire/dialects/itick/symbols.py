"""How iTick's clients write an instrument: code and region, `700$HK`; Hong Kong's codes without leading zeros.

Demo clients leave the region out: a bare code counts where it means one thing, and where an index shares it with a
stock the path's asset decides. What is named with its region is served by every asset. Its own samples write `700.HK`
beside the region, and its chart demo an exchange's name (`HKEX`) in the region's place.
"""

from kernel.instruments import BadSymbol, InstrumentId, Venue
from streaming.domain.instruments import Directory
from streaming.errors import UnknownSymbol
from streaming.wire.dialects.codes import kind_of, meant_by

ASSETS = ("stock", "fund", "indices", "forex", "crypto", "future")
CARRIED = ("stock", "fund", "indices")
REGIONS = ("SH", "SZ", "BJ", "HK")
EXCHANGES = {Venue.SH: "SSE", Venue.SZ: "SZSE", Venue.BJ: "BSE", Venue.HK: "HKEX", Venue.TEST: "TEST"}
_OF_EXCHANGE = {name: "CN" if venue is Venue.TEST else str(venue) for venue, name in EXCHANGES.items()}
# Indices of every country are under GB there; CN is no region of theirs, but people write it.
INDICES = "GB"
_NO_EXCHANGE = ("", INDICES, "CN")


def write(instrument_id: InstrumentId) -> str:
    """Return `700$HK`, `600519$SH`, `HSI$HK`."""
    return f"{code_of(instrument_id)}${region_of(instrument_id)}"


def code_of(instrument_id: InstrumentId) -> str:
    """Return the code alone, without leading zeros in Hong Kong."""
    if instrument_id.venue is Venue.HK and instrument_id.code.isdecimal():
        return instrument_id.code.lstrip("0") or "0"
    return instrument_id.code


def region_of(instrument_id: InstrumentId) -> str:
    """Return the region alone: the exchange's two letters, CN for the test symbol."""
    return "CN" if instrument_id.venue is Venue.TEST else str(instrument_id.venue)


def read(text: str, directory: Directory, asset: str = "stock") -> InstrumentId:
    """Return what `700$HK` means, or a bare `700`, `600519`, `HSI`.

    Raises:
        BadSymbol, UnknownSymbol: it has no symbol's form; its region or asset has nothing that we could carry.
    """
    code, _, region = text.strip().partition("$")
    return find(code, region, directory, asset)


def find(code: str, region: str, directory: Directory, asset: str = "stock") -> InstrumentId:
    """Return what a code and a region, or an exchange's name, mean; raises as `read`."""
    code, region = code.strip().upper(), region.strip().upper()
    shown = f"{code}${region}"[:40] if region else code[:40]
    if asset not in CARRIED:
        raise UnknownSymbol(f"{shown!r}: nothing of {asset[:16]!r} is carried by this node", symbol=shown)
    if not code:
        raise BadSymbol("the code is missing; write it like 700$HK or 600519$SH", symbol=shown)
    region = _OF_EXCHANGE.get(region, region)
    if region in REGIONS:
        return directory.identify(f"{code.removesuffix(f'.{region}')}.{region}")
    if region not in _NO_EXCHANGE:
        raise UnknownSymbol(f"nothing of the region {region[:16]!r} is carried by this node", symbol=shown)
    return _bare(code, region, directory, asset, shown)


def _bare(code: str, region: str, directory: Directory, asset: str, shown: str) -> InstrumentId:
    if "." in code:
        return directory.identify(code)  # people who come from elsewhere write 700.HK
    meant = [one for one in meant_by(code, directory) if region != "CN" or one.venue is not Venue.HK]
    if len(meant) > 1:
        wanted = ("index",) if asset == "indices" or region == "GB" else ("stock", "fund")
        meant = [one for one in meant if kind_of(one, directory) in wanted]
    if len(meant) != 1:
        raise BadSymbol(f"{shown!r} is not a symbol; write it like 700$HK or 600519$SH", symbol=shown)
    return meant[0]
