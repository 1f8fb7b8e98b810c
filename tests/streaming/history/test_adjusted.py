"""Two weeks with a half day, a holiday and two first days without a right: equal to what DuckDB reckons by itself."""

import random
from datetime import date, datetime, timedelta
from fractions import Fraction
from io import StringIO
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest
from django.core.management import CommandError, call_command

from streaming.domain.adjustment import CorporateAction
from streaming.domain.calendar import Calendar
from streaming.domain.days import DayBar
from streaming.domain.intervals import INTERVAL_MINUTES
from streaming.domain.minutes import MinuteBar
from streaming.history.adjusted import insert_actions, read_actions, read_adjusted
from streaming.history.days import add_up, insert_days
from streaming.history.minutes import insert_minutes
from streaming.history.rollup import Span, read_bars
from streaming.history.spliced import read_spliced
from streaming.reference.calendars import published_days

pytestmark = [pytest.mark.whole, pytest.mark.usefixtures("history_server")]
SHANGHAI = ZoneInfo("Asia/Shanghai")
SYMBOL = "00777.HK"  # Hong Kong: it has half days
TODAY = date(2026, 2, 27)
# 2026-02-16 is a half day, 17 to 19 are holidays; the share loses cash on the 13th, and becomes three from two on the 23rd.
DAYS = [
    day
    for after in range(12)
    if Calendar("HK", published_days("HK")).phases_on(day := date(2026, 2, 12) + timedelta(days=after))
]
CASH_DAY, SPLIT_DAY = date(2026, 2, 13), date(2026, 2, 23)


def at(day: date, minute: int) -> int:
    midnight = datetime(day.year, day.month, day.day, tzinfo=SHANGHAI)
    return int(midnight.timestamp()) * 1000 + minute * 60_000


def minutes_of(day: date) -> list[int]:
    half = day == date(2026, 2, 16)
    return [*range(9 * 60 + 29, 12 * 60), *(() if half else range(13 * 60, 16 * 60))]


@pytest.fixture(scope="module")
def stored(history_server: str) -> list[MinuteBar]:
    chance, bars = random.Random(5), []
    for day in DAYS:
        for minute in minutes_of(day):
            if chance.random() < 0.15:
                continue  # nothing was traded
            low = chance.randrange(90_000, 110_000, 100)
            prices = [low + chance.randrange(0, 2_000, 100) for _ in range(2)]
            high = max(low, *prices)
            bars.append(
                MinuteBar(SYMBOL, at(day, minute), prices[0], high, low, prices[1], chance.randrange(1, 9_999), low * 7)
            )
    insert_minutes(bars, version=1)
    add_up(DAYS, 1)
    insert_actions(
        [
            CorporateAction(SYMBOL, CASH_DAY, Fraction(1), Fraction(1), 30_000_000),  # 0.30 a share
            CorporateAction(SYMBOL, SPLIT_DAY, Fraction(3, 2), Fraction(3, 2), 0),
            CorporateAction(SYMBOL, date(2026, 6, 1), Fraction(10), Fraction(10), 0),  # announced; not yet
        ],
        source="import",
        version=1,
    )
    return bars


# What an interval's first minute is, in seconds of the exchange's clock: written again, apart from what is under test.
_OPENED = """
    CASE
        WHEN $size = -30 THEN epoch(date_trunc('month', local))::BIGINT
        WHEN $size = -7 THEN epoch(date_trunc('week', local))::BIGINT
        WHEN $size = -1 THEN epoch(date_trunc('day', local))::BIGINT
        WHEN $size = 1 THEN epoch(local)::BIGINT
        WHEN hour(local) >= 13 THEN
            epoch(date_trunc('day', local))::BIGINT + 46800 + ((epoch(local)::BIGINT % 86400 - 46800) // ($size * 60)) * $size * 60
        ELSE
            epoch(date_trunc('day', local))::BIGINT + 34200 + greatest(0, (epoch(local)::BIGINT % 86400 - 34200) // ($size * 60)) * $size * 60
    END
"""
_SIZES = {"1d": -1, "1w": -7, "1M": -30}


def by_duckdb(bars: list[MinuteBar], interval: str, how: str) -> list[MinuteBar]:
    """Reckon the same bars with another engine, with exact factors from the closes in the table."""
    db = duckdb.connect()
    db.execute("CREATE TABLE m (t BIGINT, o HUGEINT, h HUGEINT, l HUGEINT, c HUGEINT, v HUGEINT, a HUGEINT)")
    rows = [(b.opened_ms, b.open_e4, b.high_e4, b.low_e4, b.close_e4, b.volume, b.turnover_e4) for b in bars]
    db.executemany("INSERT INTO m VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    def close_before(day: date) -> int:
        (found,) = db.execute("SELECT arg_max(c, t) FROM m WHERE t < ?", [at(day, 0)]).fetchone()  # type: ignore[misc]
        return int(found)

    cash_close, split_close = close_before(CASH_DAY), close_before(SPLIT_DAY)
    cash_reference = cash_close - 3_000  # a tick is 0.001: nothing to round
    split_reference = ((split_close * 2 * 2 + 3 * 10) // (3 * 2 * 10)) * 10  # half up to 0.001
    cash, split = Fraction(cash_close, cash_reference), Fraction(split_close, split_reference)
    factors = {"none": (Fraction(1),) * 3, "backward": (Fraction(1), cash, cash * split)}
    factors["forward"] = (1 / (cash * split), 1 / split, Fraction(1))
    volumes = {"none": (Fraction(1),) * 3, "backward": (Fraction(1), Fraction(1), Fraction(2, 3))}
    volumes["forward"] = (Fraction(3, 2), Fraction(3, 2), Fraction(1))
    db.execute("CREATE TABLE f (era INT, pn HUGEINT, pd HUGEINT, vn HUGEINT, vd HUGEINT)")
    for era in range(3):
        price, volume = factors[how][era], volumes[how][era]
        db.execute(
            "INSERT INTO f VALUES (?, ?, ?, ?, ?)",
            [era, price.numerator, price.denominator, volume.numerator, volume.denominator],
        )
    # Minutes of less than a day are added up first and adjusted once; weeks and months are made of adjusted days.
    size = _SIZES.get(interval, INTERVAL_MINUTES[interval])
    first = size if size >= -1 else -1
    db.execute(
        f"""
        CREATE TABLE adjusted AS
        WITH marked AS (
            SELECT *, make_timestamp((t + 28800000) * 1000) AS local,
                   CASE WHEN t < {at(CASH_DAY, 0)} THEN 0 WHEN t < {at(SPLIT_DAY, 0)} THEN 1 ELSE 2 END AS era
            FROM m
        ), first AS (
            SELECT {_OPENED.replace("$size", str(first))} AS opened, any_value(era) AS era, arg_min(o, t) o, max(h) h,
                   min(l) l, arg_max(c, t) c, sum(v) v, sum(a) a
            FROM marked GROUP BY 1
        )
        SELECT opened, (2 * o * pn + pd) // (2 * pd) o, (2 * h * pn + pd) // (2 * pd) h, (2 * l * pn + pd) // (2 * pd) l,
               (2 * c * pn + pd) // (2 * pd) c, (2 * v * vn + vd) // (2 * vd) v, a
        FROM first JOIN f USING (era)
        """
    )
    if size < -1:
        sql = f"""
            SELECT {_OPENED.replace("$size", str(size))} AS longer, arg_min(o, opened), max(h), min(l),
                   arg_max(c, opened), sum(v), sum(a)
            FROM (SELECT *, make_timestamp(opened::BIGINT * 1000000) AS local FROM adjusted) GROUP BY 1 ORDER BY 1
        """
    else:
        sql = "SELECT opened, o, h, l, c, v, a FROM adjusted ORDER BY opened"
    rows = db.execute(sql).fetchall()
    return [MinuteBar(SYMBOL, (int(opened) - 28_800) * 1000, *map(int, numbers)) for opened, *numbers in rows]


@pytest.mark.parametrize("how", ["none", "forward", "backward"])
@pytest.mark.parametrize("interval", INTERVAL_MINUTES)
def test_every_interval_is_what_another_engine_reckons_to_the_last_digit(stored, interval: str, how: str) -> None:
    span = Span(limit=100_000)

    if how == "none":
        told = read_bars([SYMBOL], interval, span, sessions=True)
    else:
        told = read_adjusted({SYMBOL: ()}, interval, span, how=how, today=TODAY, ticks_e4={SYMBOL: 10})

    assert told[SYMBOL] == by_duckdb(stored, interval, how)


def test_what_comes_behind_the_asked_end_has_not_happened(stored) -> None:
    span = Span(end_ms=at(SPLIT_DAY, 0), limit=100_000)

    told = read_adjusted({SYMBOL: ()}, "1d", span, how="forward", today=TODAY, ticks_e4={SYMBOL: 10})[SYMBOL]
    raw = read_bars([SYMBOL], "1d", span, sessions=True)[SYMBOL]

    assert told[1:] == raw[1:]  # since the cash left, nothing has changed
    assert told[0].close_e4 < raw[0].close_e4


def test_the_reference_of_the_mainland_is_what_its_exchange_named(stored) -> None:
    symbol, before, day = "600778.SH", date(2026, 2, 12), date(2026, 2, 13)
    bars = [
        DayBar(symbol, before, 100_000, 100_000, 100_000, 100_000, 100, 1, 99_000),
        DayBar(symbol, day, 65_000, 66_000, 65_000, 66_000, 100, 1, 65_300),  # 6.53; exactly 6.5333
    ]
    insert_days(bars, source="live", version=1)
    insert_actions(
        [CorporateAction(symbol, day, Fraction(3, 2), Fraction(3, 2), 20_000_000)], source="import", version=1
    )

    told = read_adjusted({symbol: ()}, "1d", Span(), how="backward", today=TODAY, ticks_e4={symbol: 100})[symbol]

    assert [bar.close_e4 for bar in told] == [100_000, round(66_000 * 100_000 / 65_300)]


def test_a_code_that_changed_is_one_history_adjusted_over_both() -> None:
    old, new, day = "430779.BJ", "920779.BJ", date(2025, 10, 9)
    bars = [
        DayBar(old, date(2025, 9, 29), 100_000, 100_000, 100_000, 100_000, 100, 1_000),
        DayBar(old, date(2025, 9, 30), 100_000, 100_000, 100_000, 100_000, 100, 1_000),
        DayBar(new, day, 50_000, 52_000, 50_000, 52_000, 400, 2_000),
    ]
    insert_days(bars, source="live", version=1)
    insert_actions([CorporateAction(new, day, Fraction(2), Fraction(2), 0)], source="import", version=1)
    former = {new: (old,)}

    days = read_adjusted(former, "1d", Span(), how="forward", today=TODAY, ticks_e4={new: 100})[new]
    months = read_adjusted(former, "1M", Span(), how="forward", today=TODAY, ticks_e4={new: 100})[new]

    assert [(bar.symbol, bar.close_e4, bar.volume) for bar in days] == [
        (new, 50_000, 200), (new, 50_000, 200), (new, 52_000, 400),
    ]  # fmt: skip
    assert [(bar.close_e4, bar.volume) for bar in months] == [(50_000, 400), (52_000, 400)]
    assert [bar.volume for bar in read_spliced(former, "1d", Span(limit=2), sessions=True)[new]] == [100, 400]


def imported(path: Path, *rows: str) -> str:
    path.write_text(
        "symbol,ex_date,cash_per_10,bonus_per_10,rights_per_10,rights_price,split,reference,withdrawn\n"
        + "\n".join(rows)
    )
    out = StringIO()
    call_command("import_corporate_actions", str(path), "--yes", stdout=out)
    return out.getvalue()


def test_actions_are_imported_changed_and_taken_back_with_the_difference_shown(tmp_path: Path) -> None:
    path = tmp_path / "actions.csv"

    first = imported(path, "600779.SH,2026-06-12,2,5,,,,6.53,", "600779.SH,2025-06-12,,,3,5,,,")
    (known,) = read_actions(["600779.SH"]).values()
    again = imported(path, "600779.SH,2026-06-12,2,5,,,,6.53,")
    changed = imported(path, "600779.SH,2026-06-12,3,5,,,,6.47,", "600779.SH,2025-06-12,,,3,5,,,1")

    assert "+ 600779.SH 2026-06-12: 1 share becomes 1.5, 0.2 in cash, reference 6.53" in first
    assert [(one.ratio, one.split, one.cash_e8) for one in known] == [
        (Fraction(13, 10), Fraction(1), -150_000_000), (Fraction(3, 2), Fraction(3, 2), 20_000_000),
    ]  # fmt: skip
    assert "Everything is known already" in again
    assert "~ 600779.SH 2026-06-12" in changed
    assert "- 600779.SH 2025-06-12" in changed
    assert [one.cash_e8 for one in read_actions(["600779.SH"])["600779.SH"]] == [30_000_000]


def test_without_a_terminal_nothing_is_written_and_the_answer_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "actions.csv"
    path.write_text("symbol,ex_date,cash_per_10\n600780.SH,2026-06-12,2\n")

    with pytest.raises(CommandError, match="run this again with --yes"):
        call_command("import_corporate_actions", str(path), stdout=StringIO())

    assert read_actions(["600780.SH"]) == {}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("nonsense,2026-06-12,2,,,,,,", "line 2: 'nonsense' is no symbol"),
        ("600779.SH,12.6.2026,2,,,,,,", "ex_date '12.6.2026' is no day"),
        ("600779.SH,2026-06-12,two,,,,,,", "cash_per_10 'two' is no number"),
        ("600779.SH,2026-06-12,-2,,,,,,", "a number is negative"),
        ("600779.SH,2026-06-12,,,3,,,,", "rights_per_10 without a rights_price"),
        ("600779.SH,2026-06-12,,,,,,,", "nothing happens to the share"),
        ("600779.SH,2026-06-12,2,,,,,,\n600779.SH,2026-06-12,3,,,,,,", "stands there twice"),
    ],
)
def test_a_row_that_cannot_be_is_told_with_its_line(tmp_path: Path, row: str, said: str) -> None:
    with pytest.raises(CommandError, match=said):
        imported(tmp_path / "actions.csv", row)
