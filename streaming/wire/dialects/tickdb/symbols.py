"""How TickDB's clients write an instrument: `700.HK` or `00700.HK`, `600519.SH`, a bare index name, a bare code.

A bare code that means several things is refused with the types it can have; `type` then chooses.
"""

from kernel.instruments import BadSymbol, InstrumentId, Venue
from streaming.domain.instruments import Directory
from streaming.errors import AmbiguousSymbol, TypeConflict, UnknownSymbol
from streaming.wire.dialects.codes import kind_of, meant_by

TYPES = ("stock", "indices", "crypto", "forex", "futures")
_METALS = ("metals", "commodity")  # of older pages; nothing of them is carried either


def write(instrument_id: InstrumentId) -> str:
    """Return `700.HK`, `600519.SH`, `HSI.HK`: no leading zeros in Hong Kong."""
    if instrument_id.venue is Venue.HK and instrument_id.code.isdecimal():
        return f"{instrument_id.code.lstrip('0') or '0'}.HK"
    return str(instrument_id)


def type_of(instrument_id: InstrumentId, directory: Directory) -> str:
    """Return stock (funds are stocks there) or indices."""
    return "indices" if kind_of(instrument_id, directory) == "index" else "stock"


def read(text: str, directory: Directory, wanted: str = "") -> InstrumentId:
    """Return what a symbol means.

    Args:
        wanted: the parameter `type`, empty where it was not sent.

    Raises:
        AmbiguousSymbol: it has several meanings of different types, and no type was given.
        TypeConflict: its suffix says another type than was given.
        BadSymbol, UnknownSymbol: it has no symbol's form; its type is one of which nothing is carried.
    """
    asked = text.strip()
    if wanted in ("crypto", "forex", "futures", *_METALS):
        raise UnknownSymbol(f"{asked[:40]!r}: nothing of the type {wanted} is carried by this node", symbol=asked[:40])
    if "." in asked or not (meant := meant_by(asked, directory)):
        found = directory.identify(asked)
        if wanted and type_of(found, directory) != wanted:
            raise TypeConflict(f"{asked[:40]!r} is of the type {type_of(found, directory)}, not {wanted}")
        return found
    types = sorted({type_of(one, directory) for one in meant})
    if wanted:
        meant = [one for one in meant if type_of(one, directory) == wanted]
        if not meant:
            raise TypeConflict(f"{asked[:40]!r} is of the type {' or '.join(types)}, not {wanted}")
    if len(meant) == 1:
        return meant[0]
    if len(types) > 1 and not wanted:
        raise AmbiguousSymbol(
            f"{asked[:40]!r} has several meanings; pass type={' or type='.join(types)}", available_types=types
        )
    forms = ", ".join(map(str, meant))
    raise BadSymbol(f"{asked[:40]!r} has several meanings; write one of {forms}", symbol=asked[:40])
