"""Proves that minute bars survive the engine: to the last digit, a minute written twice is one, away is said so."""

import pytest

from streaming.domain.minutes import MinuteBar
from streaming.errors import HistoryUnavailable
from streaming.history.connection import query
from streaming.history.minutes import insert_minutes
from tests.streaming.references import stored_minutes

pytestmark = [pytest.mark.whole, pytest.mark.usefixtures("history_server")]

NINE_THIRTY = 1_675_215_000_000  # 2023-02-01 09:30 in Shanghai


def minute(symbol: str, nth: int, close_e4: int = 100_000) -> MinuteBar:
    return MinuteBar(symbol, NINE_THIRTY + nth * 60_000, 100_000, 100_000, 90_000, close_e4, 300, 30_000_000)


def test_what_was_inserted_is_read_back_to_the_last_digit() -> None:
    bar = MinuteBar("600519.SH", NINE_THIRTY, 18_549_800, 18_550_000, 18_460_500, 18_471_000, 86_700, 1_606_673_500_000)

    insert_minutes([bar], version=1)

    assert stored_minutes("600519.SH", NINE_THIRTY, NINE_THIRTY + 60_000) == [bar]


def test_a_minute_written_again_replaces_the_one_before() -> None:
    insert_minutes([minute("600003.SH", 0, close_e4=95_000)], version=1)
    insert_minutes([minute("600003.SH", 0, close_e4=96_000)], version=2)
    insert_minutes([minute("600003.SH", 0, close_e4=96_000)], version=2)

    bars = stored_minutes("600003.SH")

    assert [bar.close_e4 for bar in bars] == [96_000]


def test_a_server_that_is_away_is_said_to_be_away(settings) -> None:
    settings.CLICKHOUSE_URL = "http://127.0.0.1:9/default"

    with pytest.raises(HistoryUnavailable):
        insert_minutes([minute("600004.SH", 0)], version=1)
    with pytest.raises(HistoryUnavailable):
        query("SELECT 1", {})


def test_a_read_that_fails_tells_the_log_why_down_to_the_first_cause_without_the_password(settings, caplog) -> None:
    settings.CLICKHOUSE_URL = "http://reader:hush@127.0.0.1:9/default"

    with pytest.raises(HistoryUnavailable):
        query("SELECT 1", {})

    (said,) = [record.getMessage() for record in caplog.records if record.name == "streaming.history.connection"]
    assert "OperationalError" in said
    assert "ConnectionRefusedError" in said
    assert "hush" not in said


def test_an_insert_that_fails_leaves_it_to_its_caller_to_say_so(settings, caplog) -> None:
    settings.CLICKHOUSE_URL = "http://127.0.0.1:9/default"

    with pytest.raises(HistoryUnavailable):
        insert_minutes([minute("600004.SH", 0)], version=1)

    # Ingest tries every other second and warns once a minute.
    assert [record for record in caplog.records if record.name == "streaming.history.connection"] == []
