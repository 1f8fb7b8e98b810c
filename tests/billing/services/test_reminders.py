"""A pack's end is told a week before, the day before, on the day, and once after: each exactly once, and only if it is so."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.db import close_old_connections, connection

from billing.domain.months import SHANGHAI
from billing.models import EndNotice, TrialOffer
from billing.services import entitlements, gifts, refunds, reminders, renewals
from billing.services.purchases import place_trial
from kernel.clock import utc_now
from nodes.models import Node
from outbox.models import MailRecord
from outbox.services import mailing
from outbox.services.sending import deliver_outbox
from tests.factories import NOW, a_customer, a_grant, a_node, a_paid, a_plan, pay

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
END = datetime(2026, 12, 21, 1, 0, tzinfo=UTC)  # of what is bought at NOW: 09:00 in Shanghai


@pytest.fixture(autouse=True)
def shop(keys_dir, settings, monkeypatch):
    settings.ONE_PERSON_SHOP = True
    settings.PANEL_URL = "https://shop.example"


@pytest.fixture
def grant(alice, node):
    return a_grant(alice, node)


def at(day: int, hour: int, minute: int = 0, month: int = 12) -> datetime:
    """An instant in Shanghai."""
    return datetime(2026, month, day, hour, minute, tzinfo=SHANGHAI)


def steps_by(until: datetime, since: datetime = NOW) -> list[tuple[str, str]]:
    """Run the task each hour; return what was said: (step, when in Shanghai)."""
    now = since
    while now < until:
        reminders.remind(now=now)
        now += timedelta(hours=1)
    rows = EndNotice.objects.order_by("at")
    return [(row.step, f"{row.at.astimezone(SHANGHAI):%m-%d %H:%M}") for row in rows]


def read(now: datetime, monkeypatch) -> list:
    """Deliver everything as if it were then; return the mails."""
    before = len(mail.outbox)
    Node.objects.update(last_seen_at=now)
    deliver_outbox(now=max(now, utc_now()))
    return mail.outbox[before:]


def test_four_steps_each_once_in_the_morning(grant):
    assert steps_by(at(15, 12)) == [("week", "12-14 09:00")]
    assert steps_by(at(22, 12), at(19, 0)) == [
        ("week", "12-14 09:00"),
        ("day", "12-20 09:00"),
        ("today", "12-21 07:00"),
    ]
    assert steps_by(at(31, 23), at(23, 0))[3:] == [("way_back", "12-24 09:00")]


def test_running_again_says_nothing_again(grant):
    assert [reminders.remind(now=at(14, 10)) for _ in range(3)] == [1, 0, 0]
    assert MailRecord.objects.filter(kind="pack_ends").count() == 1


def test_a_step_whose_time_has_passed_is_left_out(grant):
    assert steps_by(at(20, 23), at(20, 10)) == [("day", "12-20 09:00".replace("09:00", "10:00"))]


@pytest.mark.parametrize(
    ("ends", "day", "today"),
    [
        (at(21, 0), (at(19, 9), at(20, 0)), (at(20, 9), at(21, 0))),  # midnight: the day before was the last one
        (at(21, 3), (at(20, 9), at(21, 0)), (at(21, 1), at(21, 3))),
        (at(21, 0, 30), (at(20, 9), at(21, 0)), (at(21, 0), at(21, 0, 30))),
        (at(21, 20), (at(20, 9), at(21, 0)), (at(21, 9), at(21, 20))),
    ],
)
def test_the_day_is_the_last_one_in_shanghai(ends, day, today):
    assert reminders.window("day", ends) == day
    assert reminders.window("today", ends) == today


class TestWhoIsNotTold:
    def test_whoever_has_renewed(self, grant, node, alice):
        a_grant(alice, node, at=NOW + timedelta(days=10), kind="extend", extends=grant.pk)

        assert steps_by(at(31, 23), at(13, 0)) == []

    def test_whoever_loses_nothing_since_another_pack_begins_then(self, grant, node, alice):
        a_grant(alice, node, at=END)

        assert steps_by(at(21, 9), at(14, 0)) == []

    def test_whoever_was_paid_back(self, alice, node):
        fact = a_paid(alice, node)
        refunds.ask_refund(
            payment_id=fact.pk, amount_fen=1000, reason="r", fault="buyer", effect="close", by=alice, now=NOW
        )

        assert steps_by(at(31, 23), at(13, 0)) == []

    def test_whose_extension_was_paid_back_is_told_of_the_end_before_it(self, grant, alice, node):
        later = a_grant(alice, node, at=NOW + timedelta(days=1), kind="extend", extends=grant.pk)
        entitlements.close_grant(grant_id=later.pk, reason="r", now=NOW + timedelta(days=2))

        assert [step for step, _ in steps_by(at(15, 0), at(13, 0))] == ["week"]

    def test_whoever_was_deactivated(self, grant, alice):
        alice.is_active = False
        alice.save()

        assert steps_by(at(31, 23), at(13, 0)) == []

    def test_whoever_has_something_again_is_not_called_back(self, grant, alice):
        a_grant(alice, a_node("sh-9", last_seen_at=END), at=END + timedelta(hours=2))

        assert "way_back" not in [step for step, _ in steps_by(at(31, 23), at(23, 0))]

    def test_what_was_given_for_nothing_is_told_but_nobody_is_called_back_or_sold_to(self, alice, node, monkeypatch):
        gifts.grant_by_hand(customer=alice, plan=a_plan(), node=node, ends_at=END, reason="r", by=alice, now=NOW)

        assert [step for step, _ in steps_by(at(31, 23), at(13, 0))] == ["week", "day", "today"]


def test_hours_that_were_given_after_an_outage_move_the_end_and_repeat_nothing(grant, alice):
    reminders.remind(now=at(14, 10))
    gifts.compensate(key="k", hours=5, reason="r", by=alice, now=at(15, 10), group=grant.group)

    assert [step for step, _ in steps_by(at(22, 12), at(15, 11))] == ["week", "day", "today"]


class TestLetters:
    """The letters ask what is so when they are written, so these are of a pack that was bought just now."""

    @pytest.fixture
    def ending(self, alice):
        node = a_node(last_seen_at=utc_now())
        return a_grant(alice, node, at=utc_now() - timedelta(days=24))

    def said(self, grant, step="week"):
        from billing import announcements

        deliver_outbox(now=utc_now())
        before = len(mail.outbox)
        announcements.pack_ends(grant, ends_at=grant.ends_at, step=step)
        deliver_outbox(now=utc_now())
        return mail.outbox[before:]

    def test_it_names_the_end_and_leads_to_the_renewal(self, ending):
        [sent] = self.said(ending)

        assert sent.subject == "Pack 5 ends in a week"
        assert f"{ending.ends_at.astimezone(SHANGHAI):%H:%M:%S} (Shanghai time, UTC+8)" in sent.body
        assert f"/subscribe/?plan=pack-5&kind=extend&extends={ending.pk}" in sent.body
        assert "your programs are disconnected" in sent.body
        assert sent.message()["List-Unsubscribe"].startswith("<https://shop.example/mails/stop/")

    def test_whoever_has_another_pack_reads_what_really_changes(self, ending, alice):
        a_grant(alice, Node.objects.get(), plan="pack-15", at=utc_now())

        [sent] = self.said(ending)

        assert "15 symbols at once instead of 20" in sent.body
        assert "disconnected" not in sent.body

    def test_in_chinese(self, ending, alice):
        alice.language = "zh-hans"
        alice.save()
        ending.refresh_from_db()

        [sent] = self.said(type(ending).objects.get(pk=ending.pk), "today")

        assert sent.subject == "5 只套餐今天到期"
        assert "（北京时间）" in sent.body

    def test_whoever_renews_before_the_mail_leaves_gets_none(self, ending, alice):
        from billing import announcements

        deliver_outbox(now=utc_now())
        before = len(mail.outbox)
        announcements.pack_ends(ending, ends_at=ending.ends_at, step="week")
        a_grant(alice, Node.objects.get(), at=utc_now(), kind="extend", extends=ending.pk)
        deliver_outbox(now=utc_now())

        assert [one.subject for one in mail.outbox[before:]] == ["Pack 5 goes on, as you have paid"]

    def test_whoever_loses_nothing_gets_none(self, ending, alice):
        a_grant(alice, Node.objects.get(), at=ending.ends_at)

        assert self.said(ending) == []

    def test_a_gift_is_not_sold(self, alice, node):
        grant = gifts.grant_by_hand(
            customer=alice, plan=a_plan(), node=node, ends_at=utc_now() + timedelta(days=7), reason="r", by=alice,
            now=utc_now(),
        )  # fmt: skip

        [sent] = self.said(grant)

        assert "It was given to you by the shop." in sent.body
        assert "subscribe" not in sent.body

    def test_the_way_back_comes_to_who_has_nothing(self, alice, node):
        from billing import announcements

        grant = a_grant(alice, node, at=utc_now() - timedelta(days=40))
        deliver_outbox(now=utc_now())
        announcements.way_back(grant, ends_at=grant.ends_at)
        deliver_outbox(now=utc_now())

        assert mail.outbox[-1].subject == "Pack 5 has ended. This is the way back"
        mailing.choose_reminders(customer=alice, wanted=False)
        announcements.way_back(grant, ends_at=grant.ends_at)
        deliver_outbox(now=utc_now())
        assert MailRecord.objects.filter(kind="way_back").order_by("-id").first().state == "dropped"


def remind_at_once(monkeypatch) -> int:
    """Run the task twice, such that both have seen that nothing was said; return how many mails are written."""
    met, seen = threading.Barrier(2), reminders._is_told

    def meeting(*arguments):
        told = seen(*arguments)
        try:
            met.wait(5)
        except threading.BrokenBarrierError:
            pass
        return told

    monkeypatch.setattr(reminders, "_is_told", meeting)

    def work():
        close_old_connections()
        try:
            reminders.remind(now=at(14, 10))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return MailRecord.objects.filter(kind="pack_ends").count()


@pytest.fixture
def committed(transactional_db, keys_dir):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer")
    return a_grant(a_customer("alice"), a_node())


def test_two_workers_at_once_say_it_once(committed, monkeypatch):
    assert remind_at_once(monkeypatch) == 1


def test_without_the_constraint_the_same_two_workers_say_it_twice(committed, monkeypatch):
    """The twin: shows that the test above can fail, and that the constraint is what protects."""
    name = "one_notice_of_an_end"
    constraint = next(one for one in EndNotice._meta.constraints if one.name == name)
    with connection.schema_editor() as editor:
        editor.remove_constraint(EndNotice, constraint)
    try:
        assert remind_at_once(monkeypatch) == 2
    finally:
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE billing_endnotice")
        with connection.schema_editor() as editor:
            editor.add_constraint(EndNotice, constraint)


def test_what_renews_by_itself_is_told_by_the_renewal_alone(grant, alice):
    renewals.switch(customer=alice, grant=grant.pk, on=True, now=NOW)
    assert steps_by(at(22, 12)) == []

    renewals.switch(customer=alice, grant=grant.pk, on=False, now=NOW)
    assert steps_by(at(15, 12)) == [("week", "12-14 09:00")]


def test_a_trial_is_told_the_day_before_alone_and_that_nothing_is_charged(alice, node, monkeypatch):
    TrialOffer.objects.create(plan=a_plan("pack-15"), days=9)
    order = place_trial(customer=alice, plan="pack-15", node=node.slug, idempotency_key="t", now=NOW)
    pay(order)

    assert steps_by(at(8, 12)) == [("day", "11-29 09:00")]
    assert MailRecord.objects.filter(kind="trial_ends").count() == 1
    assert MailRecord.objects.filter(kind__in=["pack_ends", "way_back"]).count() == 0
