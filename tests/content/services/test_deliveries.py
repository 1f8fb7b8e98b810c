"""An announcement's row becomes a control message that a node reads as docs/protocol.md says."""

from datetime import timedelta

import pytest

from content.services import announcing, deliveries
from outbox.transports.redis import Tell
from streaming.wire.announced import read
from tests.factories import NOW, a_group

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def test_a_node_reads_what_the_panel_tells(announce):
    said = announce("planned", market="HK", ends_at=NOW + timedelta(hours=2), group=a_group("bj")).updates.get()

    writes = deliveries.announcement({"update": said.pk, "group": "bj"}, NOW)

    [command] = writes.commands
    assert isinstance(command, Tell)
    assert (command.message["kind"], command.message["group"]) == ("announcement", "bj")
    told = read(command.message["told"])
    assert (told.kind, told.market, told.update) == ("planned", "HK", said.pk)
    assert (told.starts_at, told.ends_at) == ("2026-11-21T01:00:00.000Z", "2026-11-21T03:00:00.000Z")
    assert told.text == {"en": "We look into it.", "zh": "正在排查。"}


def test_what_is_over_is_told_as_resolved_and_of_all_groups_the_group_is_empty(announce, operator):
    over = {"text_en": "Over.", "text_zh": "已恢复。", "resolves": True, "by": operator, "now": NOW}
    said = announcing.update(announcement=announce(), **over)

    [command] = deliveries.announcement({"update": said.pk, "group": ""}, NOW).commands

    assert (command.message["group"], read(command.message["told"]).kind) == ("", "resolved")
