"""Proves the rule by which releases overlap: a field more is read by today's reader, another version is refused by name."""

from typing import ClassVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.records import events, newest, pushed, window
from streaming.records.versions import Record, UnknownVersion, pack, unpacker

NEWEST = newest.Newest(7, 10, 12, 9, 11, 100, 1100, "trading", 10, "2023-02-01", 10, 12, 9, 100, 1100, 3, 4)
BAR = window.MovedBar("600519.SH", 10, 12, 9, 11, 100, 1100)
RECORDS = {
    "window": (window.Window(7, "open", None, "test", 3, [BAR], events=2), window.unpack_window),
    "newest": (NEWEST, newest.unpack_newest),
    "events": (
        events.Events(
            [events.Print("600519.SH", 1, 7, 11, 100, 1100, "B")],
            [events.Book("600519.SH", 1, 7, 10, 10, 12, 9, 11, 100, 1100, [(10, 5)], [])],
        ),
        events.unpack_events,
    ),
    "pushed": (
        pushed.PushedTick("600519.SH", "20230201", 10, 10, 12, 9, 11, 100, 1100, (10, 5), (11, 6)),
        pushed.unpack_pushed_tick,
    ),
}
each_record = pytest.mark.parametrize(("record", "unpack"), RECORDS.values(), ids=RECORDS)


@each_record
def test_what_was_packed_is_read_back(record, unpack) -> None:
    assert unpack(pack(record)) == record


@each_record
def test_a_record_begins_with_its_version_which_no_messagepack_array_does(record, unpack) -> None:
    assert pack(record)[:1] == record.VERSION < b"\x7f"
    assert msgspec.msgpack.encode(record)[0] >= 0x80


@each_record
def test_a_field_that_a_newer_release_has_appended_is_ignored(record, unpack) -> None:
    fields = msgspec.msgpack.decode(pack(record)[1:])

    assert unpack(record.VERSION + msgspec.msgpack.encode([*fields, {"new": True}])) == record


class Longer(newest.Newest, frozen=True):
    """Tomorrow's form of the same version: one field more, with a default."""

    more: str = "unsaid"


def test_a_field_that_an_older_release_did_not_say_has_its_default() -> None:
    longer = unpacker(Longer)(pack(NEWEST))

    assert (longer.close_e4, longer.more) == (11, "unsaid")


@each_record
@given(version=st.binary(max_size=1).filter(lambda version: version not in (b"\x01", b"\x02")))
def test_another_version_is_refused_by_name(record, unpack, version: bytes) -> None:
    foreign = version + pack(record)[1:] if version else b""

    with pytest.raises(UnknownVersion) as refusal:
        unpack(foreign)

    assert (refusal.value.kind, refusal.value.version) == (type(record).__name__, foreign[0] if foreign else None)


@each_record
@given(raw=st.binary(max_size=60))
def test_no_bytes_raise_anything_but_what_readers_pass_over(record, unpack, raw: bytes) -> None:
    for packed in (raw, b"\x01" + raw, b"\x02" + raw):
        try:
            unpack(packed)
        except msgspec.MsgspecError:
            pass


def test_a_record_of_before_there_was_a_version_is_told_from_one_that_has_it() -> None:
    before = msgspec.to_builtins(RECORDS["window"][0])[:14]  # an array of as many fields as it had then
    with pytest.raises(UnknownVersion, match="version 158"):
        window.unpack_window(msgspec.msgpack.encode(before))


def test_the_version_is_no_field() -> None:
    class Small(Record, frozen=True):
        VERSION: ClassVar[bytes] = b"\x05"

        number: int

    assert pack(Small(3)) == b"\x05\x91\x03"
    assert unpacker(Small)(b"\x05\x91\x03") == Small(3)
