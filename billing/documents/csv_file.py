"""CSV that spreadsheets open: UTF-8 with a byte order mark, or GB18030; no cell that would be taken for a formula."""

import csv
from collections.abc import Iterable, Iterator
from typing import Any

BOM = "\ufeff"  # without it Excel reads UTF-8 as the machine's old code page, and Chinese as noise
_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


# As a request names it: the codec, and what the type of the answer says. GB18030 has every character of Unicode, and is
# what accounting programs from China ask for; it takes no mark.
ENCODINGS = {"utf-8": "utf-8", "gb18030": "gb18030"}


class _Echo:
    """What csv writes to: hands each line back."""

    def write(self, line: str) -> str:
        return line


def lines(heads: Iterable[str], rows: Iterable[Iterable[Any]], encoding: str = "utf-8") -> Iterator[bytes]:
    """Yield the file, a line at a time. Numbers stay numbers; None is empty.

    Args:
        encoding: of ENCODINGS.
    """
    writer, codec = csv.writer(_Echo()), ENCODINGS[encoding]
    first: str = writer.writerow([_cell(head) for head in heads])
    yield ((BOM if codec == "utf-8" else "") + first).encode(codec)
    for row in rows:
        line: str = writer.writerow([_cell(value) for value in row])
        yield line.encode(codec)


def content_type(encoding: str) -> str:
    """Return the type of an answer that is such a file."""
    return f"text/csv; charset={ENCODINGS[encoding]}"


def _cell(value: Any) -> Any:
    """Return a cell that no spreadsheet calculates: a text that begins like a formula is led by an apostrophe.

    Source: OWASP, "CSV Injection". A reference of a bank or a provider is written by strangers.
    """
    if value is None or isinstance(value, int | float):
        return value
    text = value.isoformat() if hasattr(value, "isoformat") else str(value)
    guarded = text.startswith(_BEGINS_A_FORMULA) or text.lstrip().startswith(_BEGINS_A_FORMULA)
    return f"'{text}" if guarded else text
