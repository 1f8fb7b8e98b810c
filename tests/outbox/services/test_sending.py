"""A row is delivered at least once, in its recipient's language; what cannot be delivered waits and says why."""

import threading
from datetime import timedelta

import pytest
from django.db import close_old_connections, connection, transaction
from django.db.models import QuerySet

from kernel.clock import utc_now
from outbox.models import Outbox
from outbox.selectors import waiting
from outbox.services import sending
from outbox.services.sending import deliver_outbox, purge_outbox, say

pytestmark = pytest.mark.whole


def deliver(at=None) -> int:
    return deliver_outbox(now=at or utc_now())


@pytest.mark.django_db
class TestDelivery:
    def test_what_was_said_is_handed_to_its_transport_once(self, carried):
        say("note", {"n": 1})

        assert (deliver(), deliver()) == (1, 0)
        assert [payload for payload, _ in carried] == [{"n": 1}]

    def test_the_message_is_made_in_the_recipients_language(self, carried):
        say("note", {}, language="zh-hans")
        say("note", {})

        deliver()

        assert [language for _, language in carried] == ["zh-hans", "en"]

    def test_the_oldest_is_delivered_first(self, carried):
        for number in range(3):
            say("note", {"n": number})

        deliver()

        assert [payload["n"] for payload, _ in carried] == [0, 1, 2]

    def test_a_row_waits_for_its_delay(self, carried):
        say("note", {}, delay=timedelta(seconds=30))

        assert deliver() == 0
        assert deliver(utc_now() + timedelta(seconds=31)) == 1

    def test_a_kind_that_nobody_registered_cannot_be_said(self, carried):
        with pytest.raises(ValueError, match="another"):
            say("another", {})

        assert not Outbox.objects.exists()

    def test_one_kind_alone_can_be_delivered(self, carried, kinds_of_a_test):
        kinds_of_a_test.register("slow", label="slow", prepare=lambda payload, now: payload, transport=print)
        say("slow", {})
        say("note", {})

        assert deliver_outbox(now=utc_now(), only={"note"}) == 1
        assert Outbox.objects.get(delivered_at=None).kind == "slow"

    def test_what_was_delivered_is_forgotten_after_a_week(self, carried):
        say("note", {"n": 1})
        say("note", {"n": 2})
        now = utc_now()
        deliver_outbox(now=now, limit=1)

        assert purge_outbox(now=now + timedelta(days=7)) == 0
        assert purge_outbox(now=now + timedelta(days=7, seconds=1)) == 1
        assert Outbox.objects.get().delivered_at is None


@pytest.mark.django_db
class TestTrouble:
    @pytest.fixture
    def stuck(self, kinds_of_a_test):
        """The kind `stuck`, whose transport is away for as long as this holds something."""
        away = [True]

        def transport(message):
            if away:
                raise ConnectionError("nobody there")

        kinds_of_a_test.register("stuck", label="stuck", prepare=lambda payload, now: payload, transport=transport)
        return away

    def test_what_cannot_be_delivered_waits_longer_each_time_and_says_why(self, stuck):
        row, now, waits = say("stuck", {}), utc_now(), []
        for _ in range(12):
            assert deliver(now) == 0
            row.refresh_from_db()
            waits.append((row.due_at - now).total_seconds())
            now = row.due_at

        assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300]
        assert (row.attempts, row.delivered_at) == (12, None)
        assert row.last_error == "ConnectionError: nobody there"
        assert (waiting().all, waiting().in_trouble, waiting().unknown) == (1, 1, 0)

    def test_one_that_waits_does_not_hold_up_the_others(self, stuck, carried):
        say("stuck", {})
        say("note", {})

        assert deliver() == 1
        assert Outbox.objects.get(delivered_at=None).kind == "stuck"

    def test_it_arrives_once_the_transport_is_back(self, stuck):
        say("stuck", {})
        deliver()
        stuck.clear()

        assert deliver(utc_now() + timedelta(seconds=3)) == 1
        assert Outbox.objects.get().last_error == ""

    def test_a_handler_that_breaks_its_transaction_spoils_no_row(self, kinds_of_a_test, carried):
        def prepare(payload, now):
            with connection.cursor() as cursor:
                cursor.execute("SELECT nothing_of_the_kind")

        kinds_of_a_test.register("broken", label="broken", prepare=prepare, transport=print)
        say("broken", {})
        say("note", {})

        assert deliver() == 1
        assert "nothing_of_the_kind" in Outbox.objects.get(kind="broken").last_error

    def test_a_broker_that_is_away_costs_the_buyer_nothing(
        self, carried, monkeypatch, django_capture_on_commit_callbacks
    ):
        def away(*_args, **_kwargs):
            raise ConnectionRefusedError

        monkeypatch.setattr(sending.current_app, "send_task", away)

        with django_capture_on_commit_callbacks(execute=True) as callbacks:
            say("note", {})

        assert len(callbacks) == 1
        assert deliver() == 1


@pytest.mark.django_db
class TestKindsOfAnotherVersion:
    """During a deploy old and new workers overlap, and one reads what only the other knows."""

    @pytest.fixture
    def of_another_version(self):
        now = utc_now()
        return Outbox.objects.create(kind="from_tomorrow", payload={"n": 1}, created_at=now, due_at=now)

    def test_a_row_that_nobody_here_knows_stays_is_counted_and_says_so(self, of_another_version, carried):
        say("note", {})

        assert deliver() == 1
        of_another_version.refresh_from_db()
        assert (of_another_version.delivered_at, of_another_version.attempts) == (None, 0)
        assert "knows no rows of this kind" in of_another_version.last_error
        assert (waiting().all, waiting().in_trouble, waiting().unknown) == (1, 0, 1)

    def test_the_worker_that_knows_it_need_not_wait_for_those_that_do_not(self, of_another_version, kinds_of_a_test):
        handed = []
        for _ in range(5):
            deliver()
        kinds_of_a_test.register(
            "from_tomorrow", label="", prepare=lambda payload, now: payload, transport=handed.append
        )

        assert deliver() == 1
        of_another_version.refresh_from_db()
        assert handed == [{"n": 1}]
        assert of_another_version.last_error == ""

    def test_it_is_not_purged_however_long_it_waits(self, of_another_version):
        assert purge_outbox(now=utc_now() + timedelta(days=400)) == 0


@pytest.mark.django_db(transaction=True)
def test_a_row_of_a_transaction_that_failed_never_was(carried):
    def say_and_fail():
        with transaction.atomic():
            say("note", {})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        say_and_fail()

    assert not Outbox.objects.exists()


@pytest.fixture
def meeting(transactional_db, kinds_of_a_test):
    """One row whose delivery waits for a second worker to deliver it too, for a second at most."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer")
    barrier, handed = threading.Barrier(2), []

    def prepare(payload, now):
        try:
            barrier.wait(1)
        except threading.BrokenBarrierError:
            pass
        return payload

    kinds_of_a_test.register("met", label="met", prepare=prepare, transport=handed.append)
    say("met", {"n": 1})
    return barrier, handed


def at_once(workers: int) -> list[int]:
    """Deliver with several workers that start together; return how many rows each has delivered."""
    start, counts = threading.Barrier(workers), []

    def work():
        close_old_connections()
        start.wait(5)
        try:
            counts.append(deliver())
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return counts


def test_two_workers_at_once_deliver_a_row_once(meeting):
    barrier, handed = meeting

    counts = at_once(2)

    assert barrier.broken  # they never met: the second one found the row in the first one's hand
    assert (sorted(counts), handed) == ([0, 1], [{"n": 1}])


def test_without_the_lock_the_same_two_workers_deliver_it_twice(meeting, monkeypatch):
    """The twin: shows that the test above can fail, and that the lock is what protects."""
    barrier, handed = meeting
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, *args, **kwargs: self.all())

    counts = at_once(2)

    assert not barrier.broken
    assert (counts, handed) == ([1, 1], [{"n": 1}, {"n": 1}])


@pytest.mark.django_db(transaction=True)
def test_four_workers_share_forty_rows(carried):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer")
    with transaction.atomic():
        for number in range(40):
            say("note", {"n": number})

    counts = at_once(4)

    assert sum(counts) == 40
    assert sorted(payload["n"] for payload, _ in carried) == list(range(40))
