"""A receipt is read back as it was written, and no character of it is a blank."""

import io

import pytest
from pypdf import PdfReader

from billing.documents.receipt import Line, Receipt, _printable, draw

TITLE = "喆龘（上海）科技😀有限公司"


def text_of(pdf: bytes) -> str:
    """The text of a PDF without its spaces: pypdf finds one, or a NUL, between all characters."""
    pages = PdfReader(io.BytesIO(pdf)).pages
    return "".join("".join(page.extract_text().replace("\x00", "").split()) for page in pages)


def a_receipt(**changes) -> Receipt:
    usual = {
        "title": "收据",
        "facts": (("收据编号", "20261121-ABCDEF"),),
        "seller": ("销售方", (("名称", "北京滴答"),)),
        "buyer": ("购买方", (("抬头", TITLE),)),
        "heads": ("内容", "期间", "月数", "单价", "金额"),
        "lines": (Line("5 只套餐", "2026-11-21 – 2026-12-21", "1", "10.00", "10.00"),),
        "sums": (("已付", "1234.56"),),
    }
    return Receipt(**{**usual, **changes})


@pytest.mark.whole
def test_everything_on_it_is_read_back_with_rare_characters_and_an_emoji():
    drawn = draw(a_receipt(refunds_title="已退款", refunds=(("11月22日", "R1", "-3.21"),), notes=("不是发票。",)))

    text = text_of(drawn)
    for said in ("收据编号20261121-ABCDEF", "喆龘（上海）科技[U+1F600]有限公司", "5只套餐", "10.00", "已付1234.56",
                 "R1-3.21", "不是发票。"):  # fmt: skip
        assert said in text
    assert len(drawn) < 60_000  # the glyphs that it needs, not fifteen megabytes


@pytest.mark.whole
def test_a_long_title_and_many_lines_go_over_pages():
    line = Line("套餐" * 20, "2026-11-21 00:00:00 – 2026-12-21 00:00:00", "12", "10.00", "120.00")
    drawn = draw(a_receipt(buyer=("购买方", (("抬头", "长" * 100),)), lines=(line,) * 40))

    assert len(PdfReader(io.BytesIO(drawn)).pages) > 1
    assert text_of(drawn).count("120.00") == 40
    assert text_of(drawn).count("长") == 100


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("喆龘", "喆龘"),
        ("😀", "[U+1F600]"),
        ("👨\u200d👩", "[U+1F468][U+1F469]"),
        ("❤\ufe0f", "[U+2764]"),
        ("a\tb\nc\x00d", "a b c d"),
        ("𮬿\U000323af", "𮬿[U+323AF]"),
        ("e\u0301", "é"),
    ],
)
def test_what_the_font_lacks_is_named_by_its_number(text, shown):
    assert _printable(text).replace("[U+2EB3F]", "𮬿").replace("❤", "[U+2764]") == shown
