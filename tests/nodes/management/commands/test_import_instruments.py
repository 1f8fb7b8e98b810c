"""`manage.py import_instruments` shows what a file changes, asks, and does not believe a file that was cut off."""

import io
import sys

import pytest
from django.core.management import CommandError, call_command

from nodes.models import Instrument, InstrumentList

pytestmark = [pytest.mark.whole, pytest.mark.django_db, pytest.mark.usefixtures("few")]
FILE = (
    "symbol,name_zh,lot,former_codes\n600519.SH,茅台,100,\n000001.SZ,平安银行,100,\n920047.BJ,,,430047.BJ\n"
    "688981.SH,中芯国际,200,\nnonsense,甲,1,\n600001.SH,乙,0,\n"
)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text(FILE, encoding="utf-8")
    return str(path)


def told(*arguments):
    out = io.StringIO()
    call_command("import_instruments", *arguments, stdout=out)
    return out.getvalue()


def test_the_difference_is_shown_and_written_with_yes(file):
    assert told(file, "--yes", "--by", "Lin") == (
        "+ new: 2\n"
        "    920047.BJ 诺思兰德  bse stock CNY lot 100 step 0.01\n"
        "    688981.SH 中芯国际  star stock CNY lot 200 step 0.01\n"
        "~ changed: 1\n"
        "    600519.SH name_zh '贵州茅台' -> '茅台', former_names '' -> '贵州茅台'\n"
        "> has another code: 1\n"
        "    430047.BJ -> 920047.BJ\n"
        "! rejected: 2\n"
        "    line 6: nonsense 'nonsense' is not a symbol; write it like 600519.SH, 000001.SZ or 00700.HK\n"
        "    line 7: 600001.SH lot 0 is no whole number from 1 on\n"
        "= 1 as they are\n"
        "Written: 3 rows changed. Nodes and ingest know it within seconds.\n"
    )
    assert Instrument.objects.count() == 5
    assert InstrumentList.objects.get().published_by == "Lin"
    assert told(file, "--yes").endswith("Everything is in force already; nothing was written.\n")


def test_it_asks_first(file, terminal):
    terminal("n")
    with pytest.raises(CommandError, match=r"^Nothing was written\.$"):
        told(file)
    assert not Instrument.objects.exists()

    terminal("y")
    told(file)
    assert Instrument.objects.count() == 5


def test_without_a_terminal_nothing_is_written(file, monkeypatch):
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)

    with pytest.raises(CommandError, match="nobody to ask"):
        told(file)


def test_a_file_that_was_cut_off_delists_nothing(tmp_path):
    whole = tmp_path / "whole.csv"
    whole.write_text("symbol,name_zh\n" + "".join(f"{600_000 + n}.SH,第{n}号\n" for n in range(200)), encoding="utf-8")
    told(str(whole), "--yes", "--many-gone")
    page = tmp_path / "page.csv"
    page.write_text("symbol,name_zh\n" + "".join(f"{600_000 + n}.SH,第{n}号\n" for n in range(100)), encoding="utf-8")

    with pytest.raises(CommandError, match="100 products would be delisted, as if the file were cut off"):
        told(str(page), "--yes")
    assert Instrument.objects.filter(state="delisted").count() == 1  # 600519, which the whole file did not have

    told(str(page), "--yes", "--many-gone")
    assert Instrument.objects.filter(state="delisted").count() == 101


def test_a_part_delists_nothing(tmp_path):
    part = tmp_path / "part.csv"
    part.write_text("symbol,name_zh\n688981.SH,中芯国际\n", encoding="utf-8")

    assert "gone" not in told(str(part), "--yes", "--part")


def test_the_list_of_the_program_can_be_entered_to_be_changed():
    assert told("bundled", "--yes") == (
        "= 4 as they are\nEverything is in force already; it can be changed in the admin from now on.\n"
    )
    assert Instrument.objects.count() == 4
    assert told("bundled", "--yes").endswith("nothing was written.\n")


def test_a_file_that_cannot_be_read_is_said(tmp_path):
    with pytest.raises(CommandError, match="cannot be read as a text in UTF-8"):
        told(str(tmp_path / "none.csv"))
    gbk = tmp_path / "gbk.csv"
    gbk.write_bytes("symbol,name_zh\n600519.SH,贵州茅台\n".encode("gbk"))
    with pytest.raises(CommandError, match="cannot be read as a text in UTF-8"):
        told(str(gbk))
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("a,b\n", encoding="utf-8")
    with pytest.raises(CommandError, match="names no column symbol"):
        told(str(wrong))
