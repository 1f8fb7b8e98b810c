"""The panel speaks Chinese: every text has its translation, and the compiled file is the one of the source."""

import ast
import re
from pathlib import Path

import polib
import pytest

ROOT = Path(__file__).resolve().parents[2]
PO = ROOT / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"


def test_every_text_is_translated():
    entries = polib.pofile(str(PO))

    assert len(entries) > 200
    assert [entry.msgid for entry in entries if not entry.translated() or "fuzzy" in entry.flags] == []


def test_the_compiled_file_is_fresh():
    source = {(entry.msgctxt, entry.msgid): entry.msgstr or entry.msgstr_plural for entry in polib.pofile(str(PO))}
    compiled = polib.mofile(str(PO.with_suffix(".mo")))

    assert {(entry.msgctxt, entry.msgid): entry.msgstr or entry.msgstr_plural for entry in compiled} == source


@pytest.mark.parametrize("placeholder", [r"%\(\w+\)s", r"\{\w+\}"])
def test_a_translation_names_what_its_text_names(placeholder):
    for entry in polib.pofile(str(PO)):
        said = entry.msgstr or entry.msgstr_plural[0]
        wanted = set(re.findall(placeholder, entry.msgid_plural or entry.msgid))
        assert set(re.findall(placeholder, said)) == wanted, entry.msgid


def test_every_text_of_the_templates_is_known():
    known = {entry.msgid for entry in polib.pofile(str(PO))}
    texts = [
        text
        for file in (ROOT / "templates").rglob("*.html")
        for text in re.findall(r"""\{% translate (?:"([^"]+)"|'[^']+')""", file.read_text())
        if text
    ]

    assert len(texts) > 80
    assert sorted(set(texts) - known) == []


def test_every_text_of_the_code_is_known():
    known = {entry.msgid for entry in polib.pofile(str(PO))}
    texts = set()
    for folder in ("platform", "billing", "nodes"):
        for file in (ROOT / folder).rglob("*.py"):
            if "migrations" in file.parts:
                continue
            for call in ast.walk(ast.parse(file.read_text())):
                if isinstance(call, ast.Call) and getattr(call.func, "id", "") in ("_", "gettext", "ngettext"):
                    texts.update(one.value for one in call.args[:1] if isinstance(one, ast.Constant))

    assert len(texts) > 150
    assert sorted(texts - known) == []
