"""Reports are read once from where the last reader stopped; a bad one is counted and blocks nobody."""

import json
import threading
import uuid

import pytest
from django.db import OperationalError, close_old_connections, connection
from django.db.models import QuerySet

from kernel import keyspace
from kernel.clock import utc_now
from outbox import report_kinds
from outbox.errors import LinkAway, UnreadableReport
from outbox.models import ReportCheckpoint
from outbox.services.reports import Read, read_reports
from outbox.transports.redis import RedisLink
from tests.factories import NOW

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture
def group(data_redis):
    slug = f"g-{uuid.uuid4().hex[:8]}"
    yield slug
    data_redis.delete(keyspace.reports(slug))


@pytest.fixture
def taken(monkeypatch):
    """What the handler of the kind `note` was handed, in order."""
    handed = []
    monkeypatch.setattr(report_kinds, "_known", dict(report_kinds._known))
    report_kinds.register("note", handler=handed.append)
    return handed


@pytest.fixture
def report(data_redis, group):
    def write(body='{"n": 1}', *, kind="note", v="1", **more) -> str:
        text = body if isinstance(body, str) else json.dumps(body)
        options = {name: more.pop(name) for name in ("id", "maxlen") if name in more}
        entry = {"v": v, "kind": kind, "body": text, **more}
        return data_redis.xadd(keyspace.reports(group), entry, approximate=False, **options).decode()

    return write


def read(group, **more) -> Read:
    return read_reports(group=group, link=RedisLink(), now=NOW, **more)


def numbers(taken) -> list[int]:
    return [one.body["n"] for one in taken]


def checkpoint(group) -> ReportCheckpoint:
    return ReportCheckpoint.objects.get(group=group)


class TestReading:
    def test_each_report_is_handed_over_once_and_in_order(self, group, report, taken):
        first = report({"n": 1})
        report({"n": 2})

        assert (read(group), read(group)) == (Read(handled=2), Read())
        report({"n": 3})
        assert read(group) == Read(handled=1)
        assert numbers(taken) == [1, 2, 3]
        assert (taken[0].group, taken[0].kind, taken[0].version) == (group, "note", "1")
        assert taken[0].entry_ms == int(first.split("-")[0])

    def test_a_long_stream_is_read_in_pieces(self, group, report, taken):
        for number in range(5):
            report({"n": number})

        assert [read(group, limit=2) for _ in range(3)] == [Read(2, 0, True), Read(2, 0, True), Read(1, 0, False)]
        assert numbers(taken) == [0, 1, 2, 3, 4]

    def test_a_group_that_never_reported_has_nothing(self, group, taken):
        assert read(group) == Read()
        assert (checkpoint(group).missed, checkpoint(group).lost) == (0, 0)

    def test_each_group_has_a_checkpoint_of_its_own(self, group, report, taken, data_redis):
        other = f"{group}-b"
        report({"n": 1})
        data_redis.xadd(keyspace.reports(other), {"v": "1", "kind": "note", "body": '{"n": 2}'})

        assert (read(group).handled, read(other).handled) == (1, 1)
        data_redis.delete(keyspace.reports(other))
        assert [one.group for one in taken] == [group, other]

    def test_a_redis_that_is_away_changes_nothing(self, group, report, taken):
        report()
        read(group)
        before = checkpoint(group).entry_id

        with pytest.raises(LinkAway):
            read_reports(group=group, link=RedisLink("redis://127.0.0.1:1/0"), now=utc_now())
        assert checkpoint(group).entry_id == before


class TestBadReports:
    @pytest.mark.parametrize(
        ("bad", "why"),
        [
            ({"body": "{"}, "JSON"),
            ({"body": "[1]"}, "no JSON object"),
            ({"body": "[" * 100_000}, "JSON"),
            ({"kind": "nobody_knows"}, "nobody_knows"),
            ({"v": "2"}, "version '2' of note"),
        ],
        ids=["json", "list", "deep", "kind", "version"],
    )
    def test_one_that_cannot_be_read_is_counted_with_its_reason_and_blocks_nobody(self, group, report, taken, bad, why):
        report(**bad)
        report({"n": 2})

        assert read(group) == Read(handled=1, skipped=1)
        assert numbers(taken) == [2]
        assert why in checkpoint(group).last_skipped
        assert (checkpoint(group).handled, checkpoint(group).skipped) == (1, 1)

    def test_a_field_that_is_missing_is_one_of_them(self, group, taken, data_redis):
        data_redis.xadd(keyspace.reports(group), {"kind": "note", "body": "{}"})

        assert read(group) == Read(skipped=1)

    @pytest.mark.parametrize("error", [UnreadableReport("no"), ZeroDivisionError("oh"), KeyError("n")], ids=repr)
    def test_one_that_its_owner_chokes_on_leaves_nothing_behind(self, group, report, taken, error):
        def choke(_report):
            ReportCheckpoint.objects.create(group="half-done")
            raise error

        report_kinds.register("choking", handler=choke)
        report(kind="choking")
        report({"n": 2})

        assert read(group) == Read(handled=1, skipped=1)
        assert not ReportCheckpoint.objects.filter(group="half-done").exists()

    def test_a_database_that_is_away_is_not_the_reports_fault(self, group, report, taken):
        def away(_report):
            raise OperationalError("server closed the connection")

        report_kinds.register("unlucky", handler=away)
        report({"n": 1})
        report(kind="unlucky")

        with pytest.raises(OperationalError):
            read(group)
        assert (checkpoint(group).entry_id, checkpoint(group).handled) == ("0-0", 0)


class TestLoss:
    def test_reports_that_were_trimmed_before_they_were_read_are_counted(self, group, report, taken, caplog):
        report({"n": 0})
        read(group)
        for number in range(1, 10):
            report({"n": number}, maxlen=4)

        assert read(group) == Read(handled=4)
        assert numbers(taken) == [0, 6, 7, 8, 9]
        assert (checkpoint(group).missed, checkpoint(group).lost) == (5, 0)
        assert "5 reports were trimmed" in caplog.text

    def test_trimming_what_was_read_is_no_loss(self, group, report, taken, caplog):
        for number in range(10):
            report({"n": number}, maxlen=3)
            read(group)

        assert numbers(taken) == list(range(10))
        assert (checkpoint(group).missed, checkpoint(group).lost) == (0, 0)
        assert not caplog.text

    def test_what_was_trimmed_before_the_first_reading_is_counted_too(self, group, report, taken):
        for number in range(5):
            report({"n": number}, maxlen=2)

        assert read(group) == Read(handled=2)
        assert checkpoint(group).missed == 3

    @pytest.mark.parametrize("again", [0, 1, 3, 8], ids=["nothing", "less", "as much", "more"])
    def test_a_stream_that_was_lost_is_read_from_its_new_beginning(
        self, group, report, taken, data_redis, caplog, again
    ):
        for number in range(3):
            report({"n": number})
        read(group)
        data_redis.delete(keyspace.reports(group))
        for number in range(again):
            report({"n": 100 + number})

        assert read(group) == Read(handled=again)
        assert numbers(taken)[3:] == [100 + number for number in range(again)]
        assert checkpoint(group).lost == 1
        assert "was lost" in caplog.text
        report({"n": 200})
        assert read(group) == Read(handled=1)
        assert checkpoint(group).lost == 1

    @pytest.mark.parametrize("again", [3, 5], ids=["as much", "more"])
    def test_so_is_one_whose_clock_went_back(self, group, report, taken, data_redis, again):
        for number in range(3):
            report({"n": number})
        read(group)
        data_redis.delete(keyspace.reports(group))
        for number in range(again):
            report({"n": 100 + number}, id=f"{1000 + number}-0")

        handled = read(group).handled
        report({"n": 200}, id="2000-0")

        assert handled + read(group).handled == again + 1
        assert checkpoint(group).lost == 1


@pytest.fixture
def meeting(transactional_db, group, report, monkeypatch):
    """One report whose handler waits for a second reader to hand it over too, for a second at most."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer")
    barrier, handed = threading.Barrier(2), []

    def handler(one):
        try:
            barrier.wait(1)
        except threading.BrokenBarrierError:
            pass
        handed.append(one.body["n"])

    monkeypatch.setattr(report_kinds, "_known", dict(report_kinds._known))
    report_kinds.register("note", handler=handler)
    report({"n": 1})
    ReportCheckpoint.objects.create(group=group)

    def two_readers():
        def work():
            close_old_connections()
            try:
                read(group)
            finally:
                connection.close()

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        return handed

    return two_readers, barrier


def test_two_readers_at_once_hand_a_report_over_once(meeting, group):
    two_readers, barrier = meeting

    assert two_readers() == [1]
    assert barrier.broken  # they never met: the second one found the checkpoint in the first one's hand
    assert checkpoint(group).handled == 1


def test_without_the_lock_the_same_two_hand_it_over_twice(meeting, monkeypatch):
    """The twin: shows that the test above can fail, and that the lock is what protects."""
    two_readers, barrier = meeting
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, *args, **kwargs: self.all())

    assert two_readers() == [1, 1]
    assert not barrier.broken
