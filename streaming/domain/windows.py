"""The numbering of windows: window `seq` ends at `seq * 1.5 s` of Unix time and covers the 1.5 s before that.

Time alone makes the number, so it is the same on every process and node, and a client sees a gap by itself.
"""

WINDOW_MS = 1500
CHUNK_WINDOWS = 100  # two and a half minutes: what is read and trimmed together


def seq_of(at_ms: int) -> int:
    """Return the window that an instant falls into; an instant on the edge belongs to the window it opens."""
    return at_ms // WINDOW_MS + 1


def end_ms(seq: int) -> int:
    """Return where a window ends, in epoch milliseconds: its bar's `timestamp` and its stream id."""
    return seq * WINDOW_MS


def chunk_of(seq: int) -> int:
    """Return the number of the piece of the stream that a window is in."""
    return seq // CHUNK_WINDOWS


def start_ms(seq: int) -> int:
    """Return where a window begins."""
    return (seq - 1) * WINDOW_MS
