"""Proves that what is made up comes window by window: trades before levels, each window once, in order."""

from kernel.instruments import InstrumentId, Venue
from streaming.domain.ticks import Levels, PreviousClose, Trade
from streaming.domain.windows import end_ms, start_ms
from streaming.ingest.sources.made_up import MadeUpSource

ONE = InstrumentId("TEST", Venue.TEST)


def source(asked: list[tuple[str, int]]) -> MadeUpSource:
    def trades_of(seq: int) -> list[Trade]:
        asked.append(("trades", seq))
        return [Trade(ONE, start_ms(seq), 100, seq, 100 * seq)]

    def levels_of(seq: int) -> list[Levels]:
        asked.append(("levels", seq))
        return [Levels(ONE, start_ms(seq), (), ())]

    return MadeUpSource(
        name="test", carries=lambda symbol: symbol == "TEST.CN", trades_of=trades_of, levels_of=levels_of,
        previous_closes={ONE: 90}, first_seq=11,
    )  # fmt: skip


def test_windows_come_in_order_and_each_is_asked_for_once() -> None:
    asked: list[tuple[str, int]] = []
    made_up = source(asked)

    begins, *windows = made_up.read(end_ms(12))
    more = list(made_up.read(end_ms(13)))

    assert begins.previous_closes == [PreviousClose(ONE, 90)]
    assert [window.ticks[0].volume for window in (*windows, *more)] == [11, 12, 13]
    assert asked == [(what, seq) for seq in (11, 12, 13) for what in ("trades", "levels")]


def test_it_carries_its_own_symbols_alone() -> None:
    assert source([]).carries("TEST.CN")
    assert not source([]).carries("600519.SH")
