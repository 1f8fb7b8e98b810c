"""The mail of an announcement says what, whom and when."""

from datetime import timedelta

import pytest

from content.services import letters
from tests.factories import NOW, a_group

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def letter(row):
    return letters.announcement({"update": row.updates.get().pk, "to": "alice@example.com"}, NOW)


def test_planned_work_names_its_times_and_its_scope(announce):
    row = announce("planned", title="New disks", market="CN", group=a_group("bj"), ends_at=NOW + timedelta(hours=2))

    found = letter(row)

    assert found.subject == "Planned work: New disks"
    assert dict(found.facts)["Concerns"] == "A-shares · BJ"
    assert "11:00:00" in dict(found.facts)["Ends"]  # three in the morning in UTC is eleven in Shanghai


def test_an_information_is_its_title_and_concerns_everybody_without_saying_so(announce):
    found = letter(announce("info", title="A new board"))

    assert (found.subject, found.facts) == ("A new board", ())
