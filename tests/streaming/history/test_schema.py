"""The numbered files bring up the engine, keep what an earlier release has stored, and are parsed for a cluster."""

import secrets
from pathlib import Path

import pytest

from streaming.history import connection, schema
from streaming.history.days import read_days
from tests.streaming.references import stored_minutes

DROPPED = ("bars_1m", "bars_1m_made_up", "bars_1d", "corporate_actions", "schema_changes")


def test_the_files_are_numbered_without_a_gap() -> None:
    assert [change.number for change in schema.changes()] == list(range(1, len(schema.changes()) + 1))


def test_a_cluster_is_named_in_each_statement_that_makes_a_table_and_nothing_is_left_in_braces() -> None:
    for change in schema.changes()[1:]:
        for statement in change.statements("ticks"):
            if "CREATE TABLE" in statement:
                assert "ON CLUSTER 'ticks'" in statement
                assert "ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}" in statement
                assert "non_replicated" not in statement
    for change in schema.changes():
        assert not any("{" in statement for statement in change.statements(""))


@pytest.fixture
def engine(tmp_path: Path, settings, monkeypatch):
    """An engine of its own, empty."""
    from config.embedded import servers

    (tmp_path / "log").mkdir()
    child, url = servers.clickhouse(tmp_path, secrets.token_hex(16))
    child.start()
    child.wait_ready()
    settings.CLICKHOUSE_URL = url
    monkeypatch.setattr(connection, "_clients", {})
    yield
    child.make_sure_stopped(0)


@pytest.mark.whole
@pytest.mark.usefixtures("engine")
def test_what_an_earlier_release_stored_is_carried_over_with_its_versions_and_its_days() -> None:
    connection.bring_up()
    for table in DROPPED:
        connection.command(f"DROP TABLE {table}")
    connection.command(
        "INSERT INTO minute_bars VALUES"
        " ('600519.SH', toDateTime(1675215000, 'UTC'), 100000, 110000, 90000, 105000, 300, 30000000, 1795000000000),"
        " ('600519.SH', toDateTime(1675215060, 'UTC'), 105000, 120000, 95000, 110000, 200, 20000000, 1795000000000)"
    )

    names = connection.bring_up()

    assert names == [change.name for change in schema.changes()]
    assert [bar.volume for bar in stored_minutes("600519.SH")] == [300, 200]
    (day,) = read_days(["600519.SH"], "1d", 0, 2**53, 10)["600519.SH"]
    assert (day.open_e4, day.high_e4, day.low_e4, day.close_e4, day.volume) == (100_000, 120_000, 90_000, 110_000, 500)
    rows = connection.query("SELECT DISTINCT version, source FROM bars_1m", {})
    assert [tuple(row) for row in rows] == [(3 * 10**14 + 1_795_000_000_000, "live")]


@pytest.mark.whole
@pytest.mark.usefixtures("engine")
def test_a_change_that_broke_off_is_begun_again_and_doubles_nothing() -> None:
    connection.bring_up()
    connection.command(
        "INSERT INTO minute_bars VALUES"
        " ('600519.SH', toDateTime(1675215000, 'UTC'), 100000, 110000, 90000, 105000, 300, 30000000, 5)"
    )
    connection.command("TRUNCATE TABLE schema_changes")

    assert connection.bring_up() == [change.name for change in schema.changes()]
    connection.command("TRUNCATE TABLE schema_changes")
    connection.bring_up()

    assert [bar.volume for bar in stored_minutes("600519.SH")] == [300]
    assert connection.bring_up() == []


@pytest.mark.whole
@pytest.mark.usefixtures("engine")
def test_the_engine_parses_what_a_cluster_would_be_told() -> None:
    connection.bring_up()

    for change in schema.changes():
        for statement in change.statements("ticks"):
            connection.query(f"EXPLAIN AST {statement}", {})


@pytest.mark.whole
@pytest.mark.usefixtures("history_server")
def test_an_insert_whose_answer_was_lost_and_comes_again_is_stored_once() -> None:
    from streaming.history.minutes import insert_minutes
    from tests.streaming.history.test_minutes import minute

    for _ in range(2):
        insert_minutes([minute("600005.SH", nth) for nth in range(3)], version=7)

    (row,) = connection.query("SELECT count() FROM bars_1m WHERE symbol = '600005.SH'", {})
    assert row[0] == 3  # before any merge
