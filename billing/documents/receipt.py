"""Receipts as PDF, with Chinese text. No character is ever a blank: what the font lacks is named, as [U+1F600].

fpdf2 and the font cost two seconds to import, so they are when the first receipt of a process is drawn; each takes
about 0.4 s from then on, most of it for taking the few glyphs that it needs out of the font.
"""

import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Any

_FACE = 2  # of the collection: 0 is the Japanese one, in which some Chinese characters look foreign
_MARGIN, _WIDTH = 18, 174  # of an A4 page, in mm


@dataclass(frozen=True, slots=True)
class Line:
    """Something that was bought. Amounts are texts, to the fen."""

    what: str
    period: str
    quantity: str
    price: str
    amount: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What stands on a receipt, in the reader's language already; pairs are names and values.

    Args:
        sums: below the lines, the last one in bold.
        refunds: date, number and amount of each.
    """

    title: str
    facts: tuple[tuple[str, str], ...]
    seller: tuple[str, tuple[tuple[str, str], ...]]
    buyer: tuple[str, tuple[tuple[str, str], ...]]
    heads: tuple[str, str, str, str, str]
    lines: tuple[Line, ...]
    sums: tuple[tuple[str, str], ...]
    refunds_title: str = ""
    refunds: tuple[tuple[str, str, str], ...] = ()
    notes: tuple[str, ...] = ()


def draw(receipt: Receipt) -> bytes:
    """Return the PDF."""
    pdf = _page(receipt.title)
    pdf.set_font("noto", size=20)
    pdf.multi_cell(_WIDTH, 11, _printable(receipt.title), new_x="LMARGIN", new_y="NEXT", align="L")
    pdf.ln(2)
    for name, value in receipt.facts:
        _fact(pdf, name, value)
    pdf.ln(4)
    for title, facts in (receipt.seller, receipt.buyer):
        _heading(pdf, title)
        for name, value in facts:
            _fact(pdf, name, value)
        pdf.ln(3)
    _lines(pdf, receipt)
    for place, (name, value) in enumerate(receipt.sums, 1):
        _sum(pdf, name, value, last=place == len(receipt.sums))
    if receipt.refunds:
        pdf.ln(4)
        _heading(pdf, receipt.refunds_title)
        for when, number, amount in receipt.refunds:
            _sum(pdf, f"{when}   {number}", amount, last=False)
    pdf.ln(6)
    pdf.set_font("noto", size=8)
    pdf.set_text_color(95)
    for note in receipt.notes:
        pdf.multi_cell(_WIDTH, 4.6, _printable(note), new_x="LMARGIN", new_y="NEXT", align="L")
    return bytes(pdf.output())


def _page(title: str) -> Any:
    from fpdf import FPDF
    from noto_cjk_sans_otc import FONT_PATH

    pdf = FPDF(format="A4")
    pdf.set_margins(_MARGIN, 18)
    pdf.set_auto_page_break(True, margin=18)
    pdf.add_font("noto", fname=str(FONT_PATH), collection_font_number=_FACE)
    pdf.set_title(title)
    pdf.add_page()
    return pdf


def _heading(pdf: Any, text: str) -> None:
    pdf.set_font("noto", size=11)
    pdf.set_text_color(11, 92, 86)
    pdf.multi_cell(_WIDTH, 7, _printable(text), new_x="LMARGIN", new_y="NEXT", align="L")
    pdf.set_text_color(0)


def _fact(pdf: Any, name: str, value: str) -> None:
    pdf.set_font("noto", size=10)
    pdf.set_text_color(95)
    pdf.multi_cell(44, 6, _printable(name), new_x="RIGHT", new_y="TOP", align="L")
    pdf.set_text_color(0)
    pdf.multi_cell(_WIDTH - 44, 6, _printable(value), new_x="LMARGIN", new_y="NEXT", align="L", wrapmode="CHAR")


def _lines(pdf: Any, receipt: Receipt) -> None:
    pdf.set_font("noto", size=9.5)
    pdf.set_draw_color(205)
    columns = (40, 68, 16, 25, 25)
    with pdf.table(
        col_widths=columns, width=_WIDTH, align="LEFT", line_height=6, text_align=("L", "L", "R", "R", "R"),
        borders_layout="HORIZONTAL_LINES", first_row_as_headings=False, padding=1.2,
    ) as table:  # fmt: skip
        table.row([_printable(head) for head in receipt.heads])
        for one in receipt.lines:
            table.row([_printable(text) for text in (one.what, one.period, one.quantity, one.price, one.amount)])
    pdf.ln(2)


def _sum(pdf: Any, name: str, value: str, *, last: bool) -> None:
    pdf.set_font("noto", size=12 if last else 10)
    pdf.multi_cell(_WIDTH - 40, 7, _printable(name), new_x="RIGHT", new_y="TOP", align="R")
    pdf.multi_cell(40, 7, _printable(value), new_x="LMARGIN", new_y="NEXT", align="R")


def _printable(text: str) -> str:
    """Return a text in which every character can be seen: what the font lacks by its number.

    Marks that choose how a character looks and joiners show nothing by themselves, and are left out; other controls
    become a blank.
    """
    known = _characters()
    shown = []
    for one in unicodedata.normalize("NFC", text):
        if ord(one) in known and (one == " " or one.isprintable()):
            shown.append(one)
        elif (
            one in "\u200b\u200c\u200d\u2060\ufeff"
            or "\ufe00" <= one <= "\ufe0f"
            or "\U000e0100" <= one <= "\U000e01ef"
        ):
            continue
        elif one.isspace() or unicodedata.category(one) == "Cc":
            shown.append(" ")
        else:
            shown.append(f"[U+{ord(one):04X}]")
    return "".join(shown)


@cache
def _characters() -> frozenset[int]:
    """Return the code points that the font has a glyph for."""
    from fontTools.ttLib import TTFont
    from noto_cjk_sans_otc import FONT_PATH

    with TTFont(str(FONT_PATH), fontNumber=_FACE, lazy=True) as font:
        return frozenset(font.getBestCmap())
