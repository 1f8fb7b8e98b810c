"""Proves that a window is small on the wire to the nodes and that what is left out of it has its meaning."""

import msgspec
import pytest

from streaming.records.versions import pack
from streaming.records.window import MovedBar, Window, unpack_window


def test_a_window_of_sixty_bars_takes_about_a_kilobyte() -> None:
    bars = [MovedBar(f"6005{nth:02}.SH", 18_457_600, 18_460_000, 18_450_000, 18_459_900, 12_300, 227_056_770_000 + nth)
            for nth in range(60)]  # fmt: skip

    assert 600 < len(pack(Window(1_116_810_001, "open", 1_675_222_200_000, "replay", 3, bars))) < 60 * 25


def test_a_window_that_was_stored_as_rows_is_read() -> None:
    bar = MovedBar("600519.SH", 10, 12, 9, 11, 100, 1100)
    window = Window(7, "open", None, "push", 3, [bar], [], [("600519.SH", 11)], keyframe=True, chain="live push")
    stored = b"\x01" + msgspec.msgpack.encode(window)

    assert unpack_window(stored) == window
    assert type(unpack_window(stored)) is Window


def test_columns_of_different_lengths_are_no_window() -> None:
    stored = msgspec.msgpack.decode(pack(Window(7, "open", None, "test", 3, []))[1:])
    stored[5] = [1, [1, 2], [1], [1], [1], [1], [1], [1]]
    with pytest.raises(msgspec.ValidationError, match="Window"):
        unpack_window(Window.VERSION + msgspec.msgpack.encode(stored))


def test_what_a_window_does_not_say_is_nothing_new() -> None:
    read = unpack_window(pack(Window(7, "open", None, "test", 3, [])))

    assert (read.states, read.references, read.previous, read.speed) == ([], [], [], 1.0)
    assert (read.finished, read.keyframe, read.events) == (False, False, None)


def test_everything_that_a_window_says_is_stored() -> None:
    window = Window(
        7, "open", 1_675_222_200_000, "live", 3, [MovedBar("600519.SH", 10, 12, 9, 11, 100, 1100)],
        [("600519.SH", "halted")], [("600519.SH", 11)], 2.0, True, True, 1_675_222_199_000, [("600519.SH", 9)], 4,
        [("600519.SH", 6, -100, -1100)], "live", "a", [("b", "a", "mute")], True, True,
        late_prices=[("600519.SH", 5, 12, 9, 11)],
    )  # fmt: skip
    silent = Window(7, "", None, "", 3, [])
    differing = [name for name in Window.__struct_fields__ if getattr(window, name) != getattr(silent, name)]

    assert unpack_window(pack(window)) == window
    assert set(Window.__struct_fields__) - set(differing) == {"seq", "fence"}  # or another field needs a value here
