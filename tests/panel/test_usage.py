"""What was used is drawn by day, hour and symbol, in the days of Shanghai, and nothing that was used is invisible."""

from datetime import UTC, datetime, timedelta

from nodes.models import UsedHour
from panel.usage import DAYS, HEIGHT, HOURS, SYMBOLS, WIDTH, since, used

NOW = datetime(2026, 11, 21, 1, 30, tzinfo=UTC)  # 09:30 in Shanghai


def hour(at, **bars):
    counts = {f"{code[1:]}.SH": sent for code, sent in bars.items()}
    return UsedHour(hour_at=at, bars=counts, sent=sum(counts.values()))


def test_an_hour_is_of_the_day_that_it_has_in_shanghai():
    rows = [
        hour(datetime(2026, 11, 20, 16, tzinfo=UTC), _600519=10),
        hour(datetime(2026, 11, 20, 15, tzinfo=UTC), _600519=5),
    ]

    use = used(rows, NOW, {})

    assert [(one.label, one.sent) for one in use.by_day][-2:] == [("20 Nov", 5), ("21 Nov", 10)]
    assert [one.sent for one in use.days_used] == [10, 5]


def test_the_thirty_days_end_with_today_and_the_hours_with_this_one():
    use = used([hour(NOW.replace(minute=0), _600519=7)], NOW, {})

    assert (len(use.by_day), len(use.by_hour)) == (DAYS, HOURS)
    assert since(NOW) == datetime(2026, 10, 22, 16, tzinfo=UTC)
    assert (use.by_hour[-1].label, use.by_hour[-1].sent) == ("09:00", 7)
    assert (use.by_hour[0].label, use.by_hour[0].sent) == ("10:00", 0)


def test_the_most_fills_the_height_and_one_bar_is_still_seen():
    rows = [hour(NOW.replace(minute=0), _600519=100_000), hour(NOW.replace(minute=0) - timedelta(days=1), _600519=1)]

    *_, yesterday, today = used(rows, NOW, {}).by_day

    assert (today.y, today.height) == (0, HEIGHT)
    assert (yesterday.height, yesterday.y) == (2, HEIGHT - 2)
    assert yesterday.x < today.x < today.x + today.width < WIDTH


def test_symbols_are_ranked_and_named_and_the_rest_is_in_the_sum():
    bars = {f"_60{nth:04d}": 100 - nth for nth in range(SYMBOLS + 2)}

    use = used([hour(NOW, **bars)], NOW, {"600000.SH": "浦发银行"})

    first = use.by_symbol[0]
    assert (first.symbol, first.name, first.shown, first.percent) == ("600000.SH", "浦发银行", "100", 100)
    assert (len(use.by_symbol), use.symbols, use.sent) == (SYMBOLS, SYMBOLS + 2, sum(bars.values()))


def test_where_nothing_was_used_nothing_is_drawn():
    use = used([], NOW, {})

    assert (use.sent, use.by_symbol, use.days_used) == (0, [], [])
    assert all(one.height == 0 for one in [*use.by_day, *use.by_hour])
