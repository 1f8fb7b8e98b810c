"""What is announced goes to sockets through the outbox and to people once each, in their language."""

from datetime import timedelta

import pytest
from django.core import mail

from content.errors import AlreadyResolved, AlreadySaid, BadAnnouncement
from content.services import announcing
from kernel.clock import utc_now
from outbox.models import MailRecord, Outbox, SuppressedAddress
from outbox.services.sending import deliver_outbox
from tests.factories import NOW, a_customer, a_grant, a_group

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture
def people(node, keys_dir):
    """alice reads English, wang Chinese; both have something in force; mallory nothing."""
    alice, wang = a_customer("alice"), a_customer("wang", language="zh-hans")
    for one in (alice, wang):
        a_grant(one, node, at=NOW)
    a_customer("mallory")
    Outbox.objects.all().delete()
    MailRecord.objects.all().update(outbox_row=None)
    return alice, wang


def mails():
    return MailRecord.objects.filter(kind="announcement_mail")


def test_sockets_are_told_by_a_row_for_each_redis(announce, node):
    row = announce()

    found = Outbox.objects.get(kind="announcement")
    assert found.payload == {"update": row.updates.get().pk, "group": ""}
    assert not mails().exists()


def test_of_a_group_its_redis_alone_is_told(announce):
    announce(group=a_group("bj"))

    assert [row.payload["group"] for row in Outbox.objects.filter(kind="announcement")] == ["bj"]


def test_mails_go_once_to_whom_it_concerns_in_their_language(announce, people, settings):
    announce(mail=True, title="Prices are late")
    deliver_outbox(now=utc_now())
    deliver_outbox(now=utc_now())

    assert {one.to[0]: one.subject for one in mail.outbox} == {
        "alice@example.com": "Incident: Prices are late",
        "wang@example.com": "故障：延迟",
    }
    assert "正在排查。" in next(one.body for one in mail.outbox if one.to == ["wang@example.com"])
    assert {(one.customer, one.state) for one in mails()} == {(person, "sent") for person in people}


def test_an_address_that_does_not_work_gets_none(announce, people):
    SuppressedAddress.objects.create(address="alice@example.com", reason="gone", since_at=NOW)
    announce(mail=True)
    deliver_outbox(now=utc_now())

    assert [one.to for one in mail.outbox] == [["wang@example.com"]]
    assert mails().get(customer=people[0]).state == "suppressed"


def test_a_mail_that_a_newer_one_has_overtaken_is_not_sent(announce, people, operator):
    row = announce(mail=True)
    said = {"text_en": "Over.", "text_zh": "已恢复。", "by": operator, "now": NOW + timedelta(minutes=5)}
    announcing.update(announcement=row, resolves=True, mail=True, **said)
    deliver_outbox(now=utc_now())

    assert sorted(one.subject for one in mail.outbox) == ["Resolved: Late", "已恢复：延迟"]
    assert mails().filter(state="dropped").count() == 2


def test_a_form_that_is_sent_twice_says_it_once(announce, operator):
    row = announce()
    with pytest.raises(AlreadySaid):
        announce(now=NOW + timedelta(seconds=30))
    said = {"text_en": "More.", "text_zh": "进展。", "by": operator}
    announcing.update(announcement=row, now=NOW, **said)
    with pytest.raises(AlreadySaid):
        announcing.update(announcement=row, now=NOW + timedelta(seconds=30), **said)

    assert row.updates.count() == 2
    assert announce(now=NOW + timedelta(minutes=2)) != row


def test_nothing_is_added_to_what_is_over(announce, operator):
    row = announce()
    announcing.update(announcement=row, text_en="x", text_zh="x", resolves=True, by=operator, now=NOW)

    with pytest.raises(AlreadyResolved):
        announcing.update(announcement=row, text_en="y", text_zh="y", by=operator, now=NOW)


@pytest.mark.parametrize("wrong", [{"ends_at": NOW}, {"kind": "planned"}, {"starts_at": NOW, "ends_at": NOW}])
def test_times_that_cannot_be_are_refused(announce, wrong):
    with pytest.raises(BadAnnouncement):
        announce(**wrong)
