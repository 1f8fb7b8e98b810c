"""Proves that a picture's orders come back as pairs, best first, an empty side as an empty list."""

from streaming.records.events import Book, Events, unpack_events
from streaming.records.versions import pack


def test_orders_come_back_in_their_order_and_an_empty_side_stays_empty() -> None:
    book = Book("600519.SH", 1, 7, 10, 10, 12, 9, 11, 100, 1100, bids=[(10, 5), (9, 8)], asks=[])

    (read,) = unpack_events(pack(Events([], [book]))).books

    assert (read.bids, read.asks, read.iopv_e4) == ([(10, 5), (9, 8)], [], 0)
