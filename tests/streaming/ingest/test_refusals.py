"""What does not count can be looked at: how many, why, and the newest rows themselves; copies are counted alone."""

from streaming.domain.ticks import Trade
from streaming.ingest.refusals import KEPT, Refusals
from tests.streaming.ingest.scripted import MOUTAI, NINE_THIRTY, snapshot


def test_news_are_told_once_and_the_newest_hundred_rows_are_kept():
    refusals = Refusals("push")
    for number in range(KEPT + 20):
        refusals.note("unit", snapshot(NINE_THIRTY + number, 100, 500))

    counts, rows = refusals.news()
    assert counts == {"unit": KEPT + 20}
    assert (len(rows), str(NINE_THIRTY + KEPT + 19) in rows[-1].row) == (KEPT, True)
    assert refusals.news() == ({}, [])

    refusals.note("price", Trade(MOUTAI, NINE_THIRTY, 0, 7, 0))
    counts, [row] = refusals.news()
    assert counts == {"price": 1}
    assert (row.line, row.reason) == ("push", "price")
    assert "7 shares at 0 e4" in row.row


def test_a_copy_is_no_fault():
    refusals = Refusals("push")
    refusals.note("repeated", snapshot(NINE_THIRTY, 100, 500))
    assert refusals.news() == ({"repeated": 1}, [])
