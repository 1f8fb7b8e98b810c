"""Months of minutes and years of days as files: what is stored, to the last digit, whole, in ranges, or not again."""

from datetime import UTC, date, datetime
from io import BytesIO

import polars as pl
import pytest

from streaming.domain.days import DayBar
from streaming.domain.minutes import MinuteBar
from streaming.history.days import insert_days
from streaming.history.minutes import insert_minutes

pytestmark = pytest.mark.whole
SYMBOL = "00388.HK"
# The feed of these tests is made up, and so are its minutes.
OPENED = int(datetime(2026, 3, 2, 2, 0, tzinfo=UTC).timestamp()) * 1000


@pytest.fixture(scope="module", autouse=True)
def stored(rest) -> list[MinuteBar]:
    bars = [
        MinuteBar(
            SYMBOL, OPENED + nth * 60_000, 3_800_001 + nth, 3_810_000, 3_790_000, 3_805_000, 100 + nth, 380_500_001
        )
        for nth in range(30)
    ]
    # The exchange's February ends at 16:00 UTC; its March does not begin before.
    bars.append(MinuteBar(SYMBOL, int(datetime(2026, 2, 28, 15, 59, tzinfo=UTC).timestamp()) * 1000, 1, 1, 1, 1, 1, 1))
    insert_minutes(bars, version=1, source="test", made_up=True)
    return bars[:30]


def test_a_month_comes_as_parquet_csv_and_arrow_with_the_same_rows(rest, stored) -> None:
    frames = {}
    for form, read in (("parquet", pl.read_parquet), ("arrow", pl.read_ipc_stream)):
        answer = rest.get(f"/v1/history/{SYMBOL}/2026-03.{form}")
        assert (answer.status_code, answer.headers["Accept-Ranges"]) == (200, "bytes")
        frames[form] = read(BytesIO(answer.content))
    csv = pl.read_csv(BytesIO(rest.get(f"/v1/history/{SYMBOL}/2026-03.csv").content))

    assert frames["parquet"].equals(frames["arrow"])
    assert frames["parquet"].columns == csv.columns
    assert frames["parquet"].columns == [
        "symbol", "opened_at", "open", "high", "low", "close", "volume", "turnover", "source",
    ]  # fmt: skip
    assert frames["parquet"].height == csv.height == 30
    first = frames["parquet"].row(0, named=True)
    assert (str(first["open"]), first["volume"], str(first["turnover"]), first["source"]) == (
        "380.0001", 100, "38050.0001", "test",
    )  # fmt: skip
    assert [int(at.timestamp() * 1000) for at in frames["parquet"]["opened_at"]] == [bar.opened_ms for bar in stored]


def test_what_adjust_may_be_is_said_and_a_made_up_market_has_nothing_to_adjust(rest) -> None:
    path = f"/v1/history/{SYMBOL}/2026-03.csv"

    wrong = rest.get(f"{path}?adjust=sideways")

    assert (wrong.status_code, "'sideways' is not one of" in wrong.json()["message"]) == (400, True)
    assert rest.get(f"{path}?adj=forward").content == rest.get(path).content


def test_an_interrupted_download_goes_on_where_it_stopped(rest) -> None:
    path = f"/v1/history/{SYMBOL}/2026-03.csv"
    whole = rest.get(path)
    tag = whole.headers["ETag"]

    first = rest.get(path, headers={"Range": "bytes=0-99"})
    rest_of_it = rest.get(path, headers={"Range": "bytes=100-", "If-Range": tag})
    last = rest.get(path, headers={"Range": "bytes=-5"})

    assert (first.status_code, first.headers["Content-Range"]) == (206, f"bytes 0-99/{len(whole.content)}")
    assert first.content + rest_of_it.content == whole.content
    assert last.content == whole.content[-5:]
    assert rest.get(path, headers={"If-None-Match": tag}).status_code == 304
    behind = rest.get(path, headers={"Range": "bytes=9999999-"})
    assert (behind.status_code, behind.headers["Content-Range"]) == (416, f"bytes */{len(whole.content)}")
    assert behind.json()["code"] == "bad_range"
    assert f"the file has {len(whole.content)} bytes" in behind.json()["message"]
    # Another file by now: a piece of it would not fit.
    changed = rest.get(path, headers={"Range": "bytes=100-", "If-Range": '"other"'})
    assert (changed.status_code, changed.content) == (200, whole.content)


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        (f"{SYMBOL}/2026-03.xlsx", 400, "ends in none of .parquet, .csv, .arrow"),
        (f"{SYMBOL}/2026-13.csv", 400, "'2026-13' is no month like 2026-11"),
        (f"{SYMBOL}/2026.csv", 400, "minutes come by the month"),
        (f"{SYMBOL}/2026-03.csv?interval=5m", 400, "interval '5m' is not 1m or 1d"),
        (f"{SYMBOL}/2026-03.csv?interval=1d", 400, "a made-up market has no days"),
        (",/2026-03.csv", 400, "1 to 50 symbols"),
        (",".join(["00388.HK"] * 51) + "/2026-03.csv", 400, "1 to 50 symbols with commas stand before the period, not 51"),
        ("05555.HK/2026-03.csv", 404, "05555.HK"),
        ("nonsense/2026-03.csv", 400, "nonsense"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_told_with_its_value(rest, path: str, status: int, said: str) -> None:
    answer = rest.get(f"/v1/history/{path}")

    assert (answer.status_code, said in answer.json()["message"]) == (status, True), answer.text


def test_a_stranger_gets_nothing(rest) -> None:
    assert rest.client.get(f"{rest.base}/v1/history/{SYMBOL}/2026-03.csv").status_code == 401


def test_days_of_a_real_market_have_their_references(rest) -> None:
    from streaming.history.files import Period, days_file

    days = [("600887.SH", date(2026, 2, 27)), ("600888.SH", date(2026, 3, 2))]  # it had another code before
    insert_days([DayBar(code, day, 1, 5, 1, 40_000, 7, 8, 39_000) for code, day in days], source="live", version=1)

    frame = pl.read_parquet(BytesIO(days_file({"600888.SH": ["600887.SH"]}, Period.read("2026"), "parquet")))

    assert frame.select("symbol", "day").rows() == [("600888.SH", date(2026, 2, 27)), ("600888.SH", date(2026, 3, 2))]
    assert (str(frame["close"][0]), str(frame["prev_close"][0])) == ("4.0000", "3.9000")


@pytest.mark.parametrize("text", ["2026-1", "26-01", "2026-00", "2026-13", "x", "", "２０２６", "2026-01-01"])
def test_a_period_is_a_month_or_a_year(text: str) -> None:
    from streaming.history.files import Period

    with pytest.raises(ValueError):
        Period.read(text)
    assert Period.read("2026-12") == Period(date(2026, 12, 1), date(2027, 1, 1))
    assert Period.read("2026") == Period(date(2026, 1, 1), date(2027, 1, 1))
