"""Proves that a successor reads where others stopped: of today, of before there were positions, and of no later form."""

import json

import msgspec
import pytest

from streaming.records.checkpoint import Checkpoint, HistoryPosition, pack_text, unpack_text
from streaming.records.versions import UnknownVersion

CHOICE = {"feed": "push", "data": "", "speed": "1", "seed": 0, "run": 0}


def test_a_checkpoint_is_a_text_that_people_can_read() -> None:
    checkpoint = Checkpoint(CHOICE, 7, finished=False, positions={"push": "5-0"})

    assert json.loads(pack_text(checkpoint)) == {
        "v": 1, "choice": CHOICE, "seq": 7, "finished": False, "positions": {"push": "5-0"}, "leader": "", "since_ms": 0, "store": "",
    }  # fmt: skip
    assert unpack_text(pack_text(checkpoint), Checkpoint) == checkpoint


def test_one_of_before_there_were_positions_is_read_without_any() -> None:
    older = json.dumps({"choice": CHOICE, "seq": 7, "finished": True, "position": "5-0"})

    assert unpack_text(older, Checkpoint) == Checkpoint(CHOICE, 7, finished=True, positions={})


def test_what_a_newer_release_has_added_is_ignored() -> None:
    newer = json.dumps({"v": 1, "choice": CHOICE, "seq": 7, "merged": {"push": 3}})

    assert unpack_text(newer, Checkpoint) == Checkpoint(CHOICE, 7)


def test_another_version_is_refused_by_name_whatever_its_fields_are() -> None:
    with pytest.raises(UnknownVersion, match="Checkpoint of version 2"):
        unpack_text('{"v": 2, "choice": "push", "seq": [7]}', Checkpoint)


@pytest.mark.parametrize("text", ["", "7", "[]", "nonsense", '{"seq": "seven"}', '{"v": "1"}'])
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(msgspec.MsgspecError):
        unpack_text(text, Checkpoint)


def test_the_position_of_history_names_the_entry_behind_which_it_goes_on() -> None:
    position = HistoryPosition("18c-1", "1675215001500-0")

    assert json.loads(pack_text(position)) == {"v": 1, "epoch": "18c-1", "id": "1675215001500-0"}
    assert unpack_text('{"epoch": "18c-1", "id": "1675215001500-0"}', HistoryPosition) == position
    assert position.after_ms == 1_675_215_001_500
