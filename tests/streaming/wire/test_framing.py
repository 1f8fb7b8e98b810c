"""Frames of RFC 6455: the length takes one, three or nine bytes; what was framed comes apart again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode

from streaming.wire.framing import BARE_PONG, MOST_HEADS, PING, WINDOW_BITS, deflated, framed, payloads, text_frame


@pytest.mark.parametrize(
    ("size", "head"),
    [
        (0, b"\x81\x00"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (MOST_HEADS - 1, b"\x81\x7e\x03\xff"),
        (MOST_HEADS, b"\x81\x7e\x04\x00"),
        (65_535, b"\x81\x7e\xff\xff"),
        (65_536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
def test_the_head_says_the_length_in_as_few_bytes_as_it_takes(size, head):
    assert text_frame(b"x" * size) == head + b"x" * size


@pytest.mark.parametrize("size", [0, 125, 126, MOST_HEADS, 65_535, 65_536])
def test_frames_of_every_length_come_apart_again(size):
    assert payloads(text_frame(b"x" * size) + text_frame(b"y")) == ["x" * size, "y"]


@given(st.lists(st.text(max_size=300)))
def test_taking_apart_undoes_framing(texts):
    assert payloads(b"".join(text_frame(text.encode()) for text in texts)) == texts


def test_what_a_language_has_no_word_for_is_no_frame():
    assert (framed(""), framed("é")) == (b"", b"\x81\x02\xc3\xa9")


def test_a_ping_and_a_pong_are_final_frames_without_a_payload():
    assert (PING, BARE_PONG) == (b"\x89\x00", b"\x8a\x80")  # what a client sends is masked


def inflated(frames: bytes) -> list[str]:
    """Read compressed frames as a client does that keeps no context."""
    texts, at = [], 0
    while at < len(frames):
        assert frames[at] == 0xC1  # final, compressed, text
        size, start = frames[at + 1], at + 2
        if size == 126:
            size, start = int.from_bytes(frames[at + 2 : at + 4], "big"), at + 4
        frame = Frame(Opcode.TEXT, frames[start : start + size], rsv1=True)
        texts.append(PerMessageDeflate(True, True, WINDOW_BITS, WINDOW_BITS).decode(frame).data.decode())
        at = start + size
    return texts


def test_frames_that_were_joined_are_compressed_one_by_one():
    squeezed = deflated(text_frame(b"x" * 300) + text_frame(b"y"))

    assert inflated(squeezed) == ["x" * 300, "y"]
    assert len(squeezed) < 50


@given(st.lists(st.text(max_size=300), max_size=5))
def test_any_client_reads_what_was_compressed(texts):
    assert inflated(deflated(b"".join(text_frame(text.encode()) for text in texts))) == texts
