"""How AllTick's clients write an instrument: `700.HK`, `600519.SH`, `000001.SZ`; a bare index name counts too."""

from kernel.instruments import BadSymbol, InstrumentId, Venue
from streaming.domain.instruments import Directory
from streaming.wire.dialects.codes import meant_by


def write(instrument_id: InstrumentId) -> str:
    """Return `700.HK`, `600519.SH`, `HSI.HK`: no leading zeros in Hong Kong."""
    if instrument_id.venue is Venue.HK and instrument_id.code.isdecimal():
        return f"{instrument_id.code.lstrip('0') or '0'}.HK"
    return str(instrument_id)


def read(text: str, directory: Directory) -> InstrumentId:
    """Return what a code means.

    Raises:
        BadSymbol: it has no symbol's form, or a code without its exchange means several things.
    """
    asked = text.strip()
    if "." in asked or not (meant := meant_by(asked, directory)):
        return directory.identify(asked)
    if len(meant) == 1:
        return meant[0]
    forms = ", ".join(map(str, meant))
    raise BadSymbol(f"{asked[:40]!r} has several meanings; write one of {forms}", symbol=asked[:40])
