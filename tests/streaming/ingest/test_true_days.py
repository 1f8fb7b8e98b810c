"""A market's day by one line and by two, with what real sources do wrong: every share once, and no other.

Times and totals are those of reports about other people's recorders; the right values stand beside them.
"""

from bisect import bisect_left

import pytest
from msgspec.structs import replace

from kernel.instruments import InstrumentId
from streaming.domain.lines import LineSetting
from streaming.domain.ticks import Levels, Snapshot, Trade
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


def asked(begins_ms: int, ends_ms: int, heard: list[int] | None):
    """Yield when a market is asked: twice a second, and each half minute where nothing is heard for so long."""
    now_ms = begins_ms
    while now_ms < ends_ms:
        yield now_ms
        nearest = bisect_left(heard, now_ms - 10_000) if heard is not None else 0
        quiet = heard is not None and (nearest == len(heard) or heard[nearest] > now_ms + 40_000)
        now_ms += 30_000 if quiet and now_ms + 40_000 < ends_ms else 500


def told(market, *, begins_ms: int, ends_ms: int, heard: list[int] | None = None):
    """Return (when its window begins, volume) of every bar, and all windows, asking as a worker does."""
    windows = [window for now_ms in asked(begins_ms, ends_ms, heard) for window in market.due(now_ms)]
    bars = [(start_ms(window.closed.seq), bar.volume) for window in windows for bar in window.closed.bars]
    return bars, windows


def play(*lines: Scripted, begins: int, ends: int, market: str = "CN", **more):
    made = live(*lines, now_ms=begins, sessions=lambda: calendar(market), **more)
    heard = sorted(reading.received_ms for line in lines for reading in line.readings)
    bars, windows = told(made, begins_ms=begins, ends_ms=ends, heard=heard)
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
    news = [one for window in windows if window.told is not None for run, _ in window.told.runs for one in run]
    assert [one.at_ms for one in news if isinstance(one, Levels)] == [
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


# -- who leads, and lines of different kinds ---------------------------------------------------------------------------

CODES = [InstrumentId.parse(f"{600000 + nth}.SH") for nth in range(40)]


def a_busy_quarter(seconds: int = 240) -> list[Snapshot]:
    """Four minutes of forty instruments, each moving every 3 s."""
    return [
        row(at("10:05:00") + 3_000 * index, (index + 1) * 100 * (nth + 1), of=code)
        for index in range(seconds // 3)
        for nth, code in enumerate(CODES)
    ]


def volumes(windows) -> dict[str, int]:
    total: dict[str, int] = {}
    for window in windows:
        for bar in window.closed.bars:
            total[bar.symbol] = total.get(bar.symbol, 0) + bar.volume
    return total


def test_a_line_that_dies_gives_the_lead_and_gets_it_back_and_no_share_is_missing_or_double():
    rows = a_busy_quarter()
    dead = [one for one in rows if not at("10:06:00") <= one.at_ms < at("10:06:30")]
    lines = Scripted(readings(*dead), name="a"), Scripted(readings(*rows, after_ms=200), name="b")
    _, _, windows = play(*lines, begins=at("8:00:00"), ends=at("10:09:10"))
    assert volumes(windows) == {str(code): 8_000 * (nth + 1) for nth, code in enumerate(CODES)}
    switches = [one for window in windows for one in window.switches]
    assert [(one.before, one.after, one.reason) for one in switches] == [("a", "b", "mute"), ("b", "a", "back")]
    assert at("10:06:02") <= switches[0].at_ms <= at("10:06:08")
    assert at("10:07:29") <= switches[1].at_ms <= at("10:07:36")
    assert [windows[0].leader, windows[-1].leader] == ["a", "a"]


@pytest.mark.parametrize("off_ms", [3_000, -3_000])
@pytest.mark.parametrize("clean_first", [True, False])
def test_a_line_with_a_clock_three_seconds_off_loses_and_doubles_nothing(off_ms, clean_first):
    rows = a_busy_quarter(60)
    _, alone, _ = play(Scripted(readings(*rows), name="clean"), begins=at("8:00:00"), ends=at("10:07:00"))
    off = [Reading([replace(one, at_ms=one.at_ms + off_ms)], received_ms=one.at_ms) for one in rows]
    lines = [Scripted(readings(*rows), name="clean"), Scripted(off, name="other")]
    _, bars, _ = play(*lines[:: 1 if clean_first else -1], begins=at("8:00:00"), ends=at("10:07:00"))
    assert sum(volume for _, volume in bars) == sum(volume for _, volume in alone)
    if clean_first or off_ms > 0:  # a slow clock that is the first to be read tells of a window that has closed
        assert bars == alone


def test_both_lines_faulty_the_day_adds_up_and_only_minutes_around_the_faults_differ():
    rows = a_morning()
    late = readings(*(one for index, one in enumerate(rows) if index % 7), after_ms=1_800)
    dropped = readings(*(one for one in rows if not at("10:08:00") <= one.at_ms < at("10:09:00")))
    _, alone, _ = play(Scripted(readings(*rows), name="clean"), begins=at("8:00:00"), ends=at("10:16:00"))
    _, bars, _ = play(Scripted(late, name="a"), Scripted(dropped, name="b"), begins=at("8:00:00"), ends=at("10:16:00"))
    assert sum(volume for _, volume in bars) == rows[-1].cum_volume

    def by_minute(told):
        sums: dict[int, int] = {}
        for at_ms, volume in told:
            sums[at_ms // 60_000] = sums.get(at_ms // 60_000, 0) + volume
        return sums

    differing = {minute for minute in by_minute(alone) if by_minute(alone)[minute] != by_minute(bars).get(minute)}
    assert differing <= {at("10:07:00") // 60_000, at("10:08:00") // 60_000, at("10:09:00") // 60_000}


def tape_of(rows: list[Snapshot]) -> list[Reading]:
    """The trades behind the totals of one instrument, each half a second before its total."""
    told, before = [], 0
    for one in rows:
        if volume := one.cum_volume - before:
            told.append(
                Reading(
                    [Trade(one.instrument, one.at_ms - 500, one.last_e4, volume, volume * one.last_e4)],
                    received_ms=one.at_ms - 450,
                )
            )
        before = one.cum_volume
    return told


def test_a_tape_beside_totals_counts_once_and_its_losses_are_filled():
    rows, truth = a_morning(), a_morning()[-1].cum_volume
    lossy = [one for index, one in enumerate(tape_of(rows)) if index % 20]
    market, bars, _ = play(
        Scripted(lossy, name="tape"), Scripted(readings(*rows), name="total"), begins=at("8:00:00"), ends=at("10:16:00")
    )
    assert sum(volume for _, volume in bars) == truth
    assert market.counters()["copy"] == 0


def test_two_tapes_and_two_totals_count_once():
    rows = a_morning()
    lines = (
        Scripted(tape_of(rows), name="tape"),
        Scripted(tape_of(rows), name="tape2"),
        Scripted(readings(*rows), name="total"),
        Scripted(readings(*rows, after_ms=700), name="total2"),
    )
    _, bars, _ = play(*lines, begins=at("8:00:00"), ends=at("10:16:00"))
    assert sum(volume for _, volume in bars) == rows[-1].cum_volume


def test_a_tape_that_dies_is_replaced_by_totals_and_comes_back_and_no_share_is_missing_or_double():
    rows = a_busy_quarter()
    by_code = [tape_of([one for one in rows if one.instrument == code]) for code in CODES]
    tape = sorted((one for of_code in by_code for one in of_code), key=lambda one: one.received_ms)
    dead = [one for one in tape if not at("10:06:00") <= one.received_ms < at("10:06:30")]
    lines = Scripted(dead, name="tape"), Scripted(readings(*rows, after_ms=150), name="total")
    market, _, windows = play(*lines, begins=at("8:00:00"), ends=at("10:09:00"))
    assert volumes(windows) == {str(code): 8_000 * (nth + 1) for nth, code in enumerate(CODES)}
    assert [(one.after, one.reason) for window in windows for one in window.switches] == [
        ("total", "mute"),
        ("tape", "back"),
    ]
    assert market.leader == "tape"


def test_lines_are_changed_while_the_market_runs_and_nothing_is_lost_or_double():
    rows = a_morning()
    market = live(
        Scripted(readings(*rows[:100]), name="a"), now_ms=at("8:00:00"), sessions=lambda: calendar(), close_delay_ms=500
    )
    before, _ = told(market, begins_ms=at("8:00:00"), ends_ms=at("10:08:00"))
    market.arrange(
        [LineSetting("a", mode="drain"), LineSetting("b", rank=2)], {"b": Scripted(readings(*rows), name="b")}
    )
    after, windows = told(market, begins_ms=at("10:08:00"), ends_ms=at("10:16:00"))
    assert sum(volume for _, volume in before + after) == rows[-1].cum_volume
    assert [(one.before, one.after, one.reason) for window in windows for one in window.switches] == [
        ("a", "b", "drained")
    ]
    assert {one.name: one.state for one in market.standings()} == {"a": "drained", "b": "leading"}


# -- takeovers within a day --------------------------------------------------------------------------------------------


def after_a_takeover(at_clock: str, *rows: Snapshot, before: list[Snapshot], begun: str = "9:00:00", died: str):
    """Play a day up to a worker's death and the rest with its successor; return the successor's bars."""
    first, _, windows = play(Scripted(readings(*before)), begins=at(begun), ends=at(died))
    _, bars, _ = play(
        Scripted(readings(*rows)), begins=at(at_clock), ends=rows[-1].at_ms + 5_000,
        newest=newest_after(windows), resume_after=windows[-1].closed.seq, since_ms=first.since_ms,
    )  # fmt: skip
    return [volume for _, volume in bars]


def test_what_had_no_trade_yet_when_a_worker_took_over_keeps_its_first_one():
    """A thin stock: a picture without volume at the open, the successor at ten, its first trade after that."""
    quiet = row(at("9:31:00"), 0)
    assert after_a_takeover("10:00:00", row(at("10:05:00"), 700), before=[quiet], died="9:59:50") == [700]


def test_what_was_never_told_before_a_takeover_keeps_its_first_trade_too():
    other = row(at("9:31:00"), 500, of=TENCENT)
    assert after_a_takeover("10:00:00", row(at("10:05:00"), 700), before=[other], died="9:59:50") == [700]


def test_a_break_over_the_days_first_trade_does_not_take_the_morning_for_its_own():
    other = row(at("9:10:00"), 0, of=TENCENT)
    rows = row(at("9:45:00"), 5_000), row(at("9:45:03"), 5_300)
    assert after_a_takeover("9:44:00", *rows, before=[other], died="9:20:00") == [0, 300]


def test_what_was_told_to_stand_at_nothing_counts_on_from_there_whatever_break_there_was():
    quiet = row(at("9:10:00"), 0)
    rows = row(at("9:45:00"), 5_000), row(at("9:45:03"), 5_300)
    assert after_a_takeover("9:44:00", *rows, before=[quiet], died="9:20:00") == [5_000, 300]


def test_a_break_over_the_auctions_print_that_ends_before_the_open_loses_nothing():
    quiet = row(at("9:20:00"), 0)
    rows = row(at("9:25:11"), 5_000), row(at("9:30:03"), 5_300)
    assert after_a_takeover("9:25:10", *rows, before=[quiet], died="9:24:48") == [5_000, 300]
    assert after_a_takeover("9:29:50", rows[1], before=[quiet], died="9:10:00") == [5_300]


def test_who_begins_anew_between_the_auctions_print_and_the_open_has_the_auction():
    _, bars, _ = play(
        Scripted(readings(row(at("9:28:01"), 5_000), row(at("9:30:03"), 5_300))),
        begins=at("9:28:00"), ends=at("9:30:10"),
    )  # fmt: skip
    assert [volume for _, volume in bars] == [5_000, 300]


def test_who_began_in_the_middle_of_the_day_passes_that_on():
    rows = row(at("10:05:00"), 9_000), row(at("10:05:03"), 9_100)
    assert after_a_takeover(
        "10:04:00", *rows, before=[row(at("9:50:00"), 5, of=TENCENT)], begun="9:45:00", died="10:00:00"
    ) == [0, 100]


def test_a_second_takeover_knows_what_the_first_one_did():
    first, _, windows = play(Scripted(readings(row(at("9:31:00"), 0))), begins=at("9:00:00"), ends=at("9:40:00"))
    second, _, more = play(
        Scripted(), begins=at("9:40:05"), ends=at("9:50:00"), newest=newest_after(windows),
        resume_after=windows[-1].closed.seq, since_ms=first.since_ms,
    )  # fmt: skip
    _, bars, _ = play(
        Scripted(readings(row(at("10:05:00"), 700))), begins=at("9:50:05"), ends=at("10:05:10"),
        newest=newest_after([*windows, *more]), resume_after=more[-1].closed.seq, since_ms=second.since_ms,
    )  # fmt: skip
    assert [volume for _, volume in bars] == [700]


# -- rows as careless senders write them -------------------------------------------------------------------------------


def test_a_last_price_outside_a_range_that_comes_later_counts_and_is_in_the_range_that_is_shown():
    careless = replace(row(at("9:25:03"), 50_000, turnover_e4=50_000 * 102_000), last_e4=102_000)
    _, bars, windows = play(Scripted(readings(careless)), begins=at("9:00:00"), ends=at("9:25:10"))
    assert [volume for _, volume in bars] == [50_000]
    ((symbol, shown),) = windows[-4].closed.shown.items() if windows[-4].closed.shown else [
        item for window in windows for item in window.closed.shown.items()
    ]  # fmt: skip
    assert (symbol, shown.high_e4, shown.low_e4, shown.last_e4) == ("600519.SH", 102_000, 100_000, 102_000)


def test_a_range_that_cannot_be_is_refused():
    wrong = replace(row(at("10:00:00"), 50_000), high_e4=90_000, low_e4=110_000, last_e4=102_000)
    market, bars, windows = play(Scripted(readings(wrong)), begins=at("9:00:00"), ends=at("10:00:10"))
    assert bars == []
    assert market.counters()["range"] == 1
    assert not any(window.closed.shown for window in windows)


def test_a_turnover_that_stands_still_delays_shares_and_loses_none():
    rows = [row(at("10:00:00"), 1_000), row(at("10:00:03"), 1_200, turnover_e4=1_000 * PRICE_E4),
            row(at("10:00:06"), 1_300, turnover_e4=1_000 * PRICE_E4),
            row(at("10:00:09"), 1_400, turnover_e4=1_000 * PRICE_E4)]  # fmt: skip
    market, bars, _ = play(Scripted(readings(*rows)), begins=at("9:00:00"), ends=at("10:00:30"))
    assert [volume for _, volume in bars] == [1_000, 300, 100]
    assert market.counters()["held"] == 2


def test_a_held_total_that_is_contradicted_never_counts():
    rows = [row(at("10:00:00"), 50_000), row(at("10:00:03"), 90_000, turnover_e4=50_000 * PRICE_E4),
            row(at("10:00:06"), 50_100), row(at("10:00:09"), 50_200)]  # fmt: skip
    _, bars, windows = play(Scripted(readings(*rows)), begins=at("9:00:00"), ends=at("10:00:40"))
    assert [volume for _, volume in bars] == [50_000, 100, 100]
    assert not any(window.closed.corrections for window in windows)


def test_who_was_told_of_a_day_without_a_trade_passes_that_on_though_it_began_late():
    """It joined at a quarter to ten and heard a total of 0: the first trade after a takeover is not the morning's."""
    quiet = row(at("9:50:00"), 0)
    assert after_a_takeover("10:04:00", row(at("10:05:00"), 700), before=[quiet], begun="9:45:00", died="10:00:00") == [
        700
    ]


def test_what_a_tape_lost_stands_among_the_markets_counters():
    rows = a_morning()
    lossy = [one for index, one in enumerate(tape_of(rows)) if index % 20]
    lines = Scripted(lossy, name="tape"), Scripted(readings(*rows), name="total")
    market, _, _ = play(*lines, begins=at("8:00:00"), ends=at("10:16:00"))
    # Where a total came before there was a tape it counts by itself, and nothing is to be filled.
    lost = sum(one.ticks[0].volume for index, one in enumerate(tape_of(rows)) if index and not index % 20)
    assert 0 < market.counters()["tape_filled"] <= lost
