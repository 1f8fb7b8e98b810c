"""The panel speaks Chinese: every text has its translation, and the compiled file is the one of the source."""

import re
from pathlib import Path

import polib
import pytest
import unfold
from django.contrib import admin
from django.contrib.admin.utils import label_for_field
from django.utils import translation

from tests.panel.translated import texts_of_code, texts_of_template, texts_of_templates

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
    known = {(entry.msgctxt, entry.msgid) for entry in polib.pofile(str(PO))}
    texts = texts_of_templates()

    assert len(texts) > 500
    assert sorted(map(str, texts - known)) == []


def test_every_text_of_the_code_is_known():
    known = {(entry.msgctxt, entry.msgid) for entry in polib.pofile(str(PO))}
    texts = texts_of_code()

    assert len(texts) > 500
    assert sorted(map(str, texts - known)) == []


def test_every_text_of_the_admins_theme_is_translated():
    """The theme has no Chinese of its own; some of its texts are Django's."""
    known = {entry.msgid for entry in polib.pofile(str(PO))}
    packages = Path(unfold.__file__).parent.parent
    for app in ("django/conf", "django/contrib/admin", "django/contrib/auth"):
        source = packages / app / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
        known |= {entry.msgid for entry in polib.pofile(str(source)) if entry.translated()}
    texts = {
        text
        for file in (packages / "unfold").rglob("*.html")
        for found in re.findall(r"""\{% (?:translate|trans) (?:"([^"]+)"|'([^']+)')""", file.read_text())
        for text in found
        if text
    }

    assert len(texts) > 80
    assert sorted(texts - known) == []


def test_every_column_and_name_of_the_admin_is_chinese():
    # allauth's second factors have names that no language changes.
    ours = [(model, shown) for model, shown in admin.site._registry.items() if model._meta.app_label != "mfa"]
    with translation.override("zh-hans"):
        said = {
            f"{model._meta.label}.{name}": str(label_for_field(name, model, shown))
            for model, shown in ours
            for name in shown.list_display
        }
        said |= {model._meta.label: str(model._meta.verbose_name_plural) for model, _ in ours}

    assert len(said) > 200
    assert {name: text for name, text in said.items() if not re.search("[\u4e00-\u9fff]", text) and text != "ID"} == {}


def test_a_text_is_found_however_it_is_written():
    source = """{% trans 'a' %}{% translate "b" context "c" %}{% blocktranslate trimmed with x=1 %}
      d {{ x }}
    {% plural %}e{% endblocktranslate %}{% translate "5 %" %}"""

    assert list(texts_of_template(source)) == [(None, "a"), ("c", "b"), (None, "d %(x)s"), (None, "5 %%")]


def test_chinese_readers_have_one_word_for_their_account():
    for entry in polib.pofile(str(PO)):
        said = entry.msgstr or "".join(entry.msgstr_plural.values())
        assert "帐号" not in said, entry.msgid
        assert "账户" not in said or "transfer" in entry.msgid.lower() or "bank" in entry.msgid.lower(), entry.msgid
        assert "你" not in said, entry.msgid


def test_money_is_written_one_way_on_pages():
    """¥20; a currency's name belongs to letters, receipts and other papers."""
    files = [file for folder in ("panel", "account", "help") for file in (ROOT / "templates" / folder).rglob("*.html")]
    texts = {text for file in files for _context, text in texts_of_template(file.read_text())}
    chinese = {entry.msgid: entry.msgstr or str(entry.msgstr_plural) for entry in polib.pofile(str(PO))}

    assert [text for text in sorted(texts) if "CNY" in text] == []
    assert [text for text in sorted(texts) if re.search(r"(\)s|\d) ?元|元／", chinese.get(text, ""))] == []
