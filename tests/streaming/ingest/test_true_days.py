"""A market's day by one line and by two, with what real sources do wrong: every share once, and no other.

Times and totals are those of reports about other people's recorders; the right values stand beside them.
"""

from dataclasses import replace

import pytest

from kernel.instruments import InstrumentId
from streaming.domain.ticks import Snapshot
from streaming.domain.windows import start_ms
from streaming.ingest.sources import Reading
from tests.streaming.ingest.scripted import DAY_MS, MOUTAI, NINE_THIRTY, Scripted, calendar, live, newest_after

MIDNIGHT = NINE_THIRTY - 9 * 3_600_000 - 30 * 60_000  # 2023-02-01, a Wednesday
PRICE_E4 = 100_000
TENCENT = InstrumentId.parse("00700.HK")


def at(clock: str, day: int = 0) -> int:
    hours, minutes, seconds = map(int, clock.split(":"))
    return MIDNIGHT + day * DAY_MS + ((hours * 60 + minutes) * 60 + seconds) * 1000


def row(at_ms: int, volume: int, *, price_e4: int = PRICE_E4, turnover_e4: int | None = None, of=MOUTAI) -> Snapshot:
    turnover_e4 = volume * PRICE_E4 if turnover_e4 is None else turnover_e4
    return Snapshot(
        of, at_ms, PRICE_E4, PRICE_E4, max(PRICE_E4, price_e4), min(PRICE_E4, price_e4), price_e4, volume, turnover_e4
    )


def readings(*rows: Snapshot, after_ms: int = 0) -> list[Reading]:
    return [Reading([one], received_ms=one.at_ms + after_ms) for one in rows]


def told(market, *, begins_ms: int, ends_ms: int):
    """Return (when its window begins, volume) of every bar, and all windows, asking as a worker does."""
    windows = [window for now_ms in range(begins_ms, ends_ms, 500) for window in market.due(now_ms)]
    bars = [(start_ms(window.closed.seq), bar.volume) for window in windows for bar in window.closed.bars]
    return bars, windows


def play(*lines: Scripted, begins: int, ends: int, market: str = "CN", **more):
    made = live(*lines, now_ms=begins, sessions=lambda: calendar(market), **more)
    bars, windows = told(made, begins_ms=begins, ends_ms=ends)
    return made, bars, windows


def test_yesterdays_total_before_the_open_makes_no_bar_and_today_is_counted():
    rows = [row(at("8:55:00"), 1_000_000), row(at("9:25:03"), 5_000), row(at("9:31:00"), 50_000)]
    market, bars, _ = play(Scripted(readings(*rows)), begins=at("8:50:00"), ends=at("9:31:10"))
    assert [volume for _, volume in bars] == [5_000, 45_000]
    assert market.counters()["yesterday"] == 1


def test_who_starts_before_the_open_has_the_auction_in_its_first_bar():
    _, bars, _ = play(Scripted(readings(row(at("9:25:03"), 5_000))), begins=at("9:10:00"), ends=at("9:25:10"))
    assert [volume for _, volume in bars] == [5_000]
    assert at("9:25:01") < bars[0][0] <= at("9:25:03")


def test_who_starts_afterwards_does_not_take_the_morning_for_its_own():
    _, bars, _ = play(
        Scripted(readings(row(at("9:45:00"), 5_000), row(at("9:45:03"), 5_300))),
        begins=at("9:44:00"),
        ends=at("9:45:10"),
    )
    assert [volume for _, volume in bars] == [0, 300]


def test_a_worker_that_was_started_again_after_the_close_has_the_next_days_auction():
    close = row(at("15:00:03"), 900_000)
    _, _, before = play(Scripted(readings(close)), begins=at("9:00:00"), ends=at("15:00:10"))

    _, bars, _ = play(
        Scripted(readings(row(at("9:25:03", 1), 5_000))), begins=at("15:20:00"), ends=at("9:25:10", 1),
        newest=newest_after(before), resume_after=before[-1].closed.seq,
    )  # fmt: skip

    assert [volume for _, volume in bars] == [5_000]


def test_one_bogus_total_makes_no_phantom_shares_and_silences_nothing():
    bogus = row(at("10:10:00"), 5_100_000, turnover_e4=50_000 * PRICE_E4)
    rows = [row(at("10:09:57"), 50_000), bogus, row(at("10:10:03"), 52_000), row(at("10:10:06"), 90_000)]
    market, bars, _ = play(Scripted(readings(*rows)), begins=at("9:00:00"), ends=at("10:10:12"))
    assert [volume for _, volume in bars] == [50_000, 2_000, 38_000]
    assert market.counters()["unit"] == 1  # fifty thousand shares' turnover for five million


def test_a_bogus_total_with_its_turnover_is_taken_back_and_the_day_adds_up():
    wrong = [row(at("10:09:57"), 50_000), row(at("10:10:00"), 5_000_000)]
    right = [row(at(f"10:10:{second:02d}"), 50_000 + 100 * second) for second in range(3, 30, 3)]
    _, bars, windows = play(Scripted(readings(*wrong, *right)), begins=at("9:00:00"), ends=at("10:10:40"))
    taken = [one for window in windows for one in window.closed.corrections]
    assert len(taken) == 1
    assert start_ms(taken[0].seq) <= wrong[1].at_ms < start_ms(taken[0].seq + 1)
    assert all(volume > 0 for _, volume in bars)
    assert sum(volume for _, volume in bars) + taken[0].volume == right[-1].cum_volume


def test_hong_kongs_nominal_price_makes_no_bar():
    first, nominal = (
        row(at("16:00:00"), 1_000_000, of=TENCENT),
        row(at("16:01:10"), 1_000_000, price_e4=98_000, of=TENCENT),
    )
    print_ = row(at("16:08:40"), 1_900_000, of=TENCENT)
    _, bars, windows = play(
        Scripted(readings(first, nominal, print_)), begins=at("9:00:00"), ends=at("16:09:00"), market="HK"
    )
    assert [volume for _, volume in bars] == [1_000_000, 900_000]
    assert [levels.at_ms for window in windows for levels in window.closed.levels] == [
        first.at_ms,
        nominal.at_ms,
        print_.at_ms,
    ]


def test_a_hundred_times_the_previous_close_and_lots_for_shares_are_refused_by_name():
    rows = [row(at("10:00:00"), 10_000), row(at("10:00:03"), 10_100, price_e4=PRICE_E4 * 100),
            row(at("10:00:06"), 102, turnover_e4=10_200 * PRICE_E4), replace(row(at("10:00:09"), 2**60), cum_turnover_e4=1),
            row(at("10:00:12"), 10_300)]  # fmt: skip
    market, bars, _ = play(Scripted(readings(*rows)), begins=at("9:00:00"), ends=at("10:00:20"))
    assert [volume for _, volume in bars] == [10_000, 300]
    assert {name: market.counters()[name] for name in ("price_jump", "size")} == {"price_jump": 1, "size": 1}


# -- two lines ---------------------------------------------------------------------------------------------------------


def a_morning(seed: int = 7) -> list[Snapshot]:
    """Ten minutes of one instrument, a row every 3 s: the truth."""
    rows, volume = [], 0
    for index in range(200):
        seed = (seed * 1_103_515_245 + 12_345) % 2**31
        volume += (seed >> 8) % 7 * 100
        rows.append(row(at("10:05:00") + 3_000 * index, volume))
    return rows


def two(clean: list[Snapshot], other: list[Reading]):
    lines = (
        Scripted(readings(*clean), name="clean"),
        Scripted(sorted(other, key=lambda one: one.received_ms), name="other"),
    )
    return play(*lines, begins=at("8:00:00"), ends=at("10:16:00"))


LOTS = [replace(one, cum_volume=one.cum_volume // 100) for one in a_morning()]
FAULTS = {
    "the same": readings(*a_morning()),
    "a little first": readings(*a_morning(), after_ms=-400),
    "in lots": readings(*LOTS),
    "2 s late": readings(*a_morning(), after_ms=2_000),
    "one in twenty dropped": readings(*(one for index, one in enumerate(a_morning()) if index % 20)),
    "one in twenty repeated": readings(
        *(one for index, one in enumerate(a_morning()) for _ in range(1 + (index % 20 == 0)))
    ),
    "yesterdays totals": [*readings(row(at("8:55:00"), 77_000_000)), *readings(*a_morning())],
    "a bogus total": [
        *readings(*a_morning()),
        *readings(row(at("10:10:01"), 90_000_000, turnover_e4=1_000 * PRICE_E4)),
    ],
    "dead for a while": readings(*(one for one in a_morning() if not at("10:08:00") <= one.at_ms < at("10:12:00"))),
    "never there": [],
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_bars_of_two_lines_are_those_of_the_clean_one_whatever_the_other_does(fault):
    _, alone, _ = play(Scripted(readings(*a_morning()), name="clean"), begins=at("8:00:00"), ends=at("10:16:00"))

    market, bars, windows = two(a_morning(), FAULTS[fault])

    assert bars == alone
    assert sum(volume for _, volume in bars) == a_morning()[-1].cum_volume
    assert not any(window.closed.corrections for window in windows)
    assert sum(market.first_copies().values()) == len({one.cum_volume for one in a_morning()} - {0})


def test_the_clean_line_may_die_and_the_other_goes_on_where_it_was():
    rows = a_morning()
    clean = Scripted(readings(*rows[:100]), name="clean")
    other = Scripted(readings(*rows, after_ms=300), name="other")
    market, bars, _ = play(clean, other, begins=at("8:00:00"), ends=at("10:16:00"))
    assert sum(volume for _, volume in bars) == rows[-1].cum_volume
    assert set(market.first_copies()) == {"clean", "other"}
