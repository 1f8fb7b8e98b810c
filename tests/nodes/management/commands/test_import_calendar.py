"""`manage.py import_calendar` shows what a notice changes, asks, and names every mistake."""

import io
import sys

import pytest
from django.core.management import CommandError, call_command

from nodes.models import CalendarHorizon, CalendarOverride

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
NOTICE = "CN 2027-02-05..2027-02-11 closed Spring Festival\nHK 2027-02-05 half\nHK 2027-07-20 opens 13:30 typhoon\nCN 2027 published\n"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "notice.txt"
    path.write_text(NOTICE, encoding="utf-8")
    return str(path)


def told(*arguments: str) -> str:
    out = io.StringIO()
    call_command("import_calendar", *arguments, stdout=out)
    return out.getvalue()


def test_the_difference_is_shown_and_written_with_yes(file):
    said = told(file, "--yes", "--by", "Lin")

    assert said == (
        "CN:\n"
        "  + added   2027-02-05..2027-02-11 (5 days)   full (presumed) -> closed  Spring Festival\n"
        "  known until 2026-12-31 -> 2027-12-31\n"
        "  2027: 260 -> 255 trading days\n"
        "    Feb 20 -> 15\n"
        "HK:\n"
        "  = same    2027-02-05 Fri                    half\n"
        "  + added   2027-07-20 Tue                    full -> opens 13:30  typhoon\n"
        "  2027: 248 -> 248 trading days\n"
        "Written: 6 days changed. Nodes and ingest know it within a second.\n"
    )
    assert {row.entered_by for row in CalendarOverride.objects.all()} == {"Lin"}
    assert CalendarHorizon.objects.get().entered_by == "Lin"
    assert "Everything is in force already; nothing was written." in told(file)


def test_without_a_terminal_and_without_yes_nothing_is_written(file):
    with pytest.raises(CommandError, match="run this again with --yes"):
        told(file)

    assert not CalendarOverride.objects.exists()


@pytest.mark.parametrize(("answer", "written"), [("y", True), ("YES", True), ("", False), ("n", False)])
def test_somebody_at_a_terminal_is_asked(file, terminal, answer, written):
    terminal(answer)

    if written:
        told(file)
    else:
        with pytest.raises(CommandError, match="Nothing was written"):
            told(file)

    assert CalendarOverride.objects.exists() == written


def test_what_is_piped_in_is_read(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("HK 2027-07-21 closes 13:55 typhoon\n"))

    assert "full -> closes 13:55  typhoon" in told("--yes")


def test_a_notice_of_a_part_says_what_stays_presumed(tmp_path):
    path = tmp_path / "part.txt"
    path.write_text("CN 2027-02-05 closed\n")

    assert "259 weekdays of these years stay presumed" in (said := told(str(path), "--yes"))
    assert "add the line: CN 2027 published" in said


def test_mistakes_are_named_by_line_and_nothing_is_written(tmp_path):
    path = tmp_path / "wrong.txt"
    path.write_text("CN 2027-02-05 clsoed\nCN 2027-02-06 closed\nUS 2027-02-07 closed\n")

    with pytest.raises(CommandError) as refused:
        told(str(path), "--yes")

    assert "line 1: 'clsoed'" in str(refused.value)
    assert "line 3: 'US' is no market" in str(refused.value)
    assert not CalendarOverride.objects.exists()


def test_a_file_that_is_no_text_and_one_that_is_not_there_are_named(tmp_path):
    (tmp_path / "notice.pdf").write_bytes(b"%PDF-1.7 \xff\xfe")

    for name in ("notice.pdf", "nowhere.txt"):
        with pytest.raises(CommandError, match=name):
            told(str(tmp_path / name), "--yes")


def test_a_gap_is_told_with_what_to_bring_first(tmp_path):
    path = tmp_path / "2028.txt"
    path.write_text("CN 2028 published\n")

    with pytest.raises(CommandError, match=r"known until 2026-12-31\. Bring the notice of the time between first"):
        told(str(path), "--yes")
