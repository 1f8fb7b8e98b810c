"""Each change of a text is a version with who made it; no change is none."""

import pytest

from content.models import TextVersion
from content.services import texts
from tests.factories import NOW

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def write(by, **changes):
    usual = {"page": "terms", "body_en": "A\r\nB", "body_zh": "甲", "checked": False, "note": "", "by": by, "now": NOW}
    return texts.write(**{**usual, **changes})


def test_versions_say_who_wrote_them_and_older_ones_stay(operator, alice):
    write(operator)
    write(alice, body_en="C", note="shorter")

    assert [(one.body_en, one.by, one.note) for one in TextVersion.objects.all()] == [
        ("C\n", alice, "shorter"), ("A\nB\n", operator, ""),
    ]  # fmt: skip


def test_the_same_words_make_no_version_and_a_check_does(operator):
    first = write(operator)

    assert write(operator) == first
    assert write(operator, checked=True) != first
