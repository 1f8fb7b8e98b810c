"""A code is shown as its word wherever a row or a form shows it, and migrations know the code alone."""

import pytest
from django.contrib.admin.utils import display_for_field
from django.utils import translation

from nodes.models import Instrument, LineSwitch
from nodes.models.words import BOARDS, REASONS, WordField, counted, shown


@pytest.mark.parametrize(("code", "said"), [("main", "主板"), ("hk", "香港")])
def test_a_row_shows_the_word(code, said):
    field = Instrument._meta.get_field("board")

    with translation.override("zh-hans"):
        assert str(display_for_field(code, field, "-")) == said
        assert Instrument(board=code).get_board_display() == said
        assert shown(Instrument(board=code), "board") == said
        assert (code, said) in [(value, str(text)) for value, text in field.formfield().choices]


def test_a_code_without_a_word_is_shown_as_it_is():
    assert shown(LineSwitch(reason="of tomorrow"), "reason") == "of tomorrow"
    assert counted(REASONS, {"unit": 3, "of tomorrow": 1}) == "of tomorrow 1 · units that do not fit 3"


def test_a_migration_knows_the_code_alone():
    field = WordField("board", max_length=10, words=BOARDS)
    field.set_attributes_from_name("board")

    assert field.deconstruct()[1] == "django.db.models.CharField"
    assert "words" not in field.deconstruct()[3]
    assert field.clone().words == field.words
