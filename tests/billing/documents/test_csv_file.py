"""CSV that a spreadsheet opens: its mark, its quoting, and no cell that it would calculate."""

import csv
import io
from datetime import UTC, datetime

import pytest

from billing.documents import csv_file


def read(*rows):
    return list(csv.reader(io.StringIO(b"".join(csv_file.lines(["a"], rows)).decode("utf-8-sig"))))[1:]


def test_it_begins_with_the_mark_and_the_heads():
    assert b"".join(csv_file.lines(["a", "b"], [])) == b"\xef\xbb\xbfa,b\r\n"


@pytest.mark.parametrize("text", ["套餐", "喆龘", "😀"])
def test_what_accounting_in_china_reads_has_every_character_and_no_mark(text):
    raw = b"".join(csv_file.lines(["抬头"], [[text]], "gb18030"))

    assert raw.decode("gb18030") == f"抬头\r\n{text}\r\n"
    assert csv_file.content_type("gb18030") == "text/csv; charset=gb18030"


def test_a_head_is_guarded_as_cells_are():
    assert b"".join(csv_file.lines(["=1"], [])).decode("utf-8-sig") == "'=1\r\n"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", " =", "\u3000@"])
def test_what_begins_like_a_formula_is_led_by_an_apostrophe(start):
    assert read([f"{start}cmd|' /C calc'!A0"]) == [[f"'{start}cmd|' /C calc'!A0"]]


def test_numbers_stay_numbers_also_below_zero():
    assert read([-5, 1.25, None, datetime(2026, 11, 30, tzinfo=UTC), '中文, "x"']) == [
        ["-5", "1.25", "", "2026-11-30T00:00:00+00:00", '中文, "x"']
    ]
