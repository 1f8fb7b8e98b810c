"""Windows are numbered by time alone: each is 1.5 s long, and they meet without a gap."""

from hypothesis import given
from hypothesis import strategies as st

from streaming.domain.windows import chunk_of, end_ms, seq_of, start_ms


def test_the_first_window_of_unix_time_is_number_one():
    assert [seq_of(at) for at in (0, 1499, 1500, 2999, 3000)] == [1, 1, 2, 2, 3]
    assert (start_ms(1), end_ms(1)) == (0, 1500)


def test_a_piece_of_the_stream_has_a_hundred_windows():
    assert [chunk_of(seq) for seq in (99, 100, 199, 200)] == [0, 1, 1, 2]


@given(st.integers(0, 10**14))
def test_an_instant_lies_in_its_window(at_ms):
    seq = seq_of(at_ms)

    assert start_ms(seq) <= at_ms < end_ms(seq) == start_ms(seq + 1)
