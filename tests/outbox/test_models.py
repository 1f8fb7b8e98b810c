"""A group has one checkpoint, and rows and checkpoints say in short what they are."""

import pytest
from django.db import IntegrityError

from outbox.models import Outbox, ReportCheckpoint

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def test_a_group_has_one_checkpoint_from_the_beginning_of_its_stream():
    first = ReportCheckpoint.objects.create(group="sh")

    assert (str(first), first.entry_id, first.position) == ("sh", "0-0", 0)
    with pytest.raises(IntegrityError):
        ReportCheckpoint.objects.create(group="sh")


def test_a_row_is_named_by_its_kind():
    assert str(Outbox(pk=7, kind="note")) == "note #7"
