"""Proves that a window is small on the wire to the nodes and that what is left out of it has its meaning."""

from streaming.records.versions import pack
from streaming.records.window import MovedBar, Window, unpack_window


def test_a_window_of_sixty_bars_takes_about_two_kilobytes() -> None:
    bars = [MovedBar(f"6005{nth:02}.SH", 18_457_600, 18_460_000, 18_450_000, 18_459_900, 12_300, 22_702_848_000_000)
            for nth in range(60)]  # fmt: skip

    assert 1_500 < len(pack(Window(1_116_810_001, "open", 1_675_222_200_000, "replay", 3, bars))) < 3_000


def test_what_a_window_does_not_say_is_nothing_new() -> None:
    read = unpack_window(pack(Window(7, "open", None, "test", 3, [])))

    assert (read.states, read.references, read.previous, read.speed) == ([], [], [], 1.0)
    assert (read.finished, read.keyframe, read.events) == (False, False, None)
