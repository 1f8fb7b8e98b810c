"""Proves that what cannot be read is passed over, and said once however often it is met."""

import logging

import pytest

from streaming.records.newest import Newest, unpack_newest
from streaming.records.versions import pack
from streaming.store import readable as module
from streaming.store.readable import readable

GOOD = Newest(7, 10, 12, 9, 11, 100, 1100, "trading", 10, "2023-02-01", 10, 12, 9, 100, 1100)


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_said", set())


def test_what_can_be_read_comes_with_its_key_and_in_its_order() -> None:
    rows = {"b": pack(GOOD), "x": b"\x02\x90", "y": b"", "z": b"\x01garbage", "a": pack(GOOD)}

    assert list(readable(rows.items(), unpack_newest, "newest bars")) == [("b", GOOD), ("a", GOOD)]


def test_every_complaint_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    rows = [(nth, bytes([version]) + b"\x90") for nth, version in enumerate([2, 2, 3, 2])]

    with caplog.at_level(logging.ERROR):
        assert list(readable(rows * 5, unpack_newest, "newest bars")) == []

    assert [record.getMessage() for record in caplog.records] == [
        "newest bars: Newest of version 2, which this release does not read; passed over",
        "newest bars: Newest of version 3, which this release does not read; passed over",
    ]


def test_a_store_full_of_garbage_does_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        for nth in range(1000):
            module.say_once("newest bars", ValueError(str(nth)))

    assert len(caplog.records) == 100
