"""What the soak judges by: the protocol's page, the oracle of RFC 6455, and the table's verdicts."""

import json

import pytest

from benchmarks.soak import documented, report
from benchmarks.soak.frames import BINARY, CLOSE, CONT, PING, TEXT, Frames, frame, masked
from benchmarks.soak.rfc6455 import LIMIT, Sent, due


def test_the_page_names_types_codes_and_reasons():
    assert {"welcome", "kline", "resumed", "error"} <= documented.types()
    assert {"malformed", "unavailable"} <= documented.error_codes()
    assert {"quota_exceeded", "not_subscribed"} <= documented.reasons()
    assert {"epoch_changed", "store_unavailable"} <= documented.resume_reasons()
    assert {1002, 1007, 1009, 4401, 4429} <= documented.close_codes()


@pytest.mark.parametrize(
    "message",
    [
        {"type": "surprise"},
        {"type": "error", "code": "internal_error"},
        {"type": "subscribed", "rejected": [{"symbol": "X", "reason": "mood"}]},
        {"type": "subscribed", "resume": {"CN": {"recovered": False, "reason": "mood"}}},
        [],
    ],
)
def test_what_the_page_does_not_name_is_a_complaint(message):
    assert documented.complaint(json.dumps(message).encode())


@pytest.mark.parametrize(
    ("frames", "closes"),
    [
        ([Sent(TEXT, b"{}"), Sent(PING, b"x")], None),
        ([Sent(TEXT, b"a", fin=False), Sent(PING, b""), Sent(CONT, b"b")], None),
        ([Sent(CONT, b"b")], {1002}),
        ([Sent(TEXT, b"a", fin=False), Sent(TEXT, b"b")], {1002}),
        ([Sent(3, b"")], {1002}),
        ([Sent(TEXT, b"", rsv=4)], {1002}),
        ([Sent(TEXT, b"{}", masked=False)], {1002}),
        ([Sent(PING, b"x" * 126)], {1002}),
        ([Sent(TEXT, b"\xff")], {1007}),
        ([Sent(BINARY, b"\xff")], None),
        ([Sent(BINARY, b"", length=LIMIT + 1)], {1009}),
        ([Sent(CLOSE, b"\x03\xe8bye")], {1000}),
        ([Sent(CLOSE, b"")], {1005}),
        ([Sent(CLOSE, b"\x03\xed")], {1002}),  # 1005 is never sent
        ([Sent(CLOSE, b"\x03\xe8\xff")], {1007}),
    ],
)
def test_the_oracle_says_how_a_connection_ends(frames, closes):
    assert due(frames).closes == (closes and frozenset(closes))


def test_the_oracle_counts_messages_not_fragments():
    owed = due([Sent(TEXT, b"a", fin=False), Sent(PING, b"p"), Sent(CONT, b"b"), Sent(BINARY, b"")])

    assert (owed.messages, owed.pongs) == (2, [b"p"])


def test_a_frame_is_masked_and_read_back():
    assert frame(b"abc", mask=b"\x01\x02\x03\x04") == b"\x81\x83\x01\x02\x03\x04" + bytes((0x60, 0x60, 0x60))
    assert masked(masked(b"some longer text", b"abcd"), b"abcd") == b"some longer text"
    assert Frames().feed(b"\x81\x03abc\x89\x00\x81\x05ab") == [(TEXT, b"abc"), (PING, b"")]


def test_a_figure_knows_whether_it_is_as_wanted():
    verdicts = [report.Figure("p", "n", 5, wanted).met for wanted in ("<= 5", "<= 4", ">= 5", "= 5", "= 0", "")]

    assert verdicts == [True, False, True, True, False, None]
