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

    begins, *windows = made_up.read(end_ms(12) - 1)
    more = list(made_up.read(end_ms(13) - 1))

    assert begins.previous_closes == [PreviousClose(ONE, 90)]
    assert [window.ticks[0].volume for window in (*windows, *more)] == [11, 12, 13]
    assert asked == [(what, seq) for seq in (11, 12, 13) for what in ("trades", "levels")]


def test_a_tick_is_told_at_its_time_and_not_before() -> None:
    made_up = MadeUpSource(
        name="test", carries=bool, trades_of=lambda seq: [Trade(ONE, start_ms(seq) + 700, 100, 1, 100)],
        levels_of=lambda seq: [Levels(ONE, end_ms(seq) - 1, (), ())], previous_closes={}, first_seq=11,
    )  # fmt: skip

    assert list(made_up.read(start_ms(11) + 699)) == []
    (traded,) = made_up.read(start_ms(11) + 705)
    (shown,) = made_up.read(end_ms(11))

    assert (len(traded.ticks), len(traded.levels), traded.told) == (1, 0, False)
    assert (len(shown.ticks), len(shown.levels), shown.received_ms) == (0, 1, end_ms(11))


def test_a_successor_knows_what_was_told_before_it_and_goes_on_behind_it() -> None:
    first = MadeUpSource(
        name="test", carries=bool, levels_of=lambda seq: [], previous_closes={}, first_seq=11,
        trades_of=lambda seq: [Trade(ONE, start_ms(seq) + nth * 300, 100, nth, 100) for nth in range(5)],
    )  # fmt: skip
    (told,) = first.read(start_ms(11) + 650)
    second = MadeUpSource(
        name="test", carries=bool, levels_of=lambda seq: [], previous_closes={}, first_seq=11, told=told.mark,
        trades_of=lambda seq: [Trade(ONE, start_ms(seq) + nth * 300, 100, nth, 100) for nth in range(5)],
    )  # fmt: skip

    again, new = second.read(start_ms(11) + 1000)

    assert ([tick.volume for tick in again.ticks], again.told) == ([0, 1, 2], True)
    assert ([tick.volume for tick in new.ticks], new.told) == ([3], False)


def test_it_carries_its_own_symbols_alone() -> None:
    assert source([]).carries("TEST.CN")
    assert not source([]).carries("600519.SH")
