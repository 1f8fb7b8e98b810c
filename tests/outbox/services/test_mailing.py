"""A mail leaves once, in its reader's language, never for an address that does not exist, and what comes back is believed."""

import smtplib

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.locmem import EmailBackend

from kernel.clock import utc_now
from outbox.models import MailRecord, Outbox, SuppressedAddress
from outbox.services import mailing
from outbox.services.sending import deliver_outbox
from outbox.transports.mail import Letter
from tests.factories import a_customer
from tests.outbox.domain.test_bounces import report

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture
def note(kinds_of_a_test):
    """A kind of mail, `note`, and one that people can do without, `nudge`."""

    def write(payload, now):
        return None if payload.get("gone") else Letter(to="alice@example.com", subject="Note", paragraphs=("Text",))

    mailing.register("note", label="note", write=write)
    mailing.register("nudge", label="nudge", write=write, reminder=True)


class Server(EmailBackend):
    """A mail server that answers what `said` holds."""

    said: tuple[int, bytes] | None = None

    def send_messages(self, messages):
        if Server.said is not None:
            raise smtplib.SMTPRecipientsRefused({messages[0].to[0]: Server.said})
        return super().send_messages(messages)


@pytest.fixture
def server(settings, monkeypatch):
    settings.EMAIL_BACKEND = f"{__name__}.Server"
    monkeypatch.setattr(Server, "said", None)
    return Server


def send(customer, kind="note", **payload):
    record = mailing.write_to(customer, kind, payload)
    deliver_outbox(now=utc_now())
    record.refresh_from_db()
    return record


def test_a_mail_is_recorded_when_it_is_said_and_marked_when_it_has_left(note, alice):
    record = mailing.write_to(alice, "note", {})
    assert (record.state, record.to, record.language) == ("waiting", "alice@example.com", "en")

    deliver_outbox(now=utc_now())

    record.refresh_from_db()
    [sent] = mail.outbox
    assert (record.state, record.subject, record.customer) == ("sent", "Note", alice)
    assert record.sent_at is not None
    assert sent.message()["Message-ID"] == f"<{record.message_id}>"
    assert record.outbox_row == Outbox.objects.get().pk


def test_the_same_row_delivered_again_sends_nothing(note, alice):
    send(alice)
    Outbox.objects.update(delivered_at=None)

    assert deliver_outbox(now=utc_now()) == 1

    assert len(mail.outbox) == 1


def test_what_is_no_longer_so_is_not_told(note, alice):
    assert send(alice, gone=True).state == "dropped"

    assert mail.outbox == []
    assert mailing.mails_of(alice, most=10) == []


def test_a_row_of_the_version_before_this_one_is_still_sent(note):
    from outbox.services.sending import say

    say("note", {})
    deliver_outbox(now=utc_now())

    assert len(mail.outbox) == 1
    assert not MailRecord.objects.exists()


class TestWhatTheServerRefuses:
    def test_an_address_that_does_not_exist_gets_nothing_more(self, note, alice, server):
        server.said = (550, b"5.1.1 no such user")
        first = send(alice)
        server.said = None

        second = send(alice)

        assert (first.state, second.state) == ("bounced", "suppressed")
        assert first.why == second.why == "550 5.1.1 no such user"
        assert mail.outbox == []
        assert mailing.suppressed("Alice@Example.com") == "550 5.1.1 no such user"

    @pytest.mark.parametrize("said", [(450, b"4.2.0 later"), (554, b"5.7.1 relay access denied"), (552, b"5.2.2 full")])
    def test_what_says_nothing_of_the_address_is_tried_again(self, note, alice, server, said):
        server.said = said

        assert send(alice).state == "waiting"

        assert Outbox.objects.get().delivered_at is None
        assert not SuppressedAddress.objects.exists()

    def test_a_lifted_address_is_written_to_again(self, note, alice, server):
        server.said = (550, b"5.1.1 no such user")
        send(alice)
        server.said = None

        assert mailing.lift(address="ALICE@example.com") is True
        assert send(alice).state == "sent"
        assert mailing.lift(address="alice@example.com") is False


class TestWhatComesBack:
    def told(self, record, **changes):
        return mailing.take_report(report(**changes).replace(
            b"0123456789abcdef0123456789abcdef@shop.example", record.message_id.encode()), now=utc_now())  # fmt: skip

    def test_a_report_of_a_mail_of_ours_suppresses_its_address(self, note, alice):
        record = send(alice)

        assert self.told(record) == 1

        record.refresh_from_db()
        assert (record.state, mailing.suppressed(alice.email)) == ("bounced", "5.1.1 smtp; 550 5.1.1 no such user")

    def test_a_report_that_names_no_mail_of_ours_changes_nothing(self, note, alice):
        send(alice)

        assert mailing.take_report(report(), now=utc_now()) == 0
        assert not SuppressedAddress.objects.exists()

    def test_nor_does_one_of_a_full_mailbox(self, note, alice):
        record = send(alice)

        assert self.told(record, status="5.2.2", said="smtp; 552 5.2.2 full") == 0
        record.refresh_from_db()
        assert record.state == "sent"

    def test_a_report_that_is_read_again_does_not_undo_a_lift(self, note, alice):
        record = send(alice)
        self.told(record)
        mailing.lift(address=alice.email)

        assert self.told(record) == 0
        assert mailing.suppressed(alice.email) is None


class TestReminders:
    def test_whoever_wants_none_gets_none_and_all_else(self, note, alice):
        mailing.choose_reminders(customer=alice, wanted=False)

        assert send(alice, "nudge").state == "dropped"
        assert send(alice, "note").state == "sent"
        mailing.choose_reminders(customer=alice, wanted=True)
        assert send(alice, "nudge").state == "sent"

    def test_the_key_in_a_reminder_ends_them(self, note, alice):
        record = send(alice, "nudge")
        [sent] = mail.outbox
        assert f"/mails/stop/{record.key}/" in sent.message()["List-Unsubscribe"]

        assert mailing.is_known(key=record.key)
        assert mailing.stop_reminders(key=record.key) is True
        assert mailing.wants_reminders(alice.pk) is False
        assert mailing.stop_reminders(key="0" * 32) is False

    def test_a_mail_that_must_be_read_has_no_such_way_out(self, note, alice):
        send(alice)

        assert mail.outbox[0].message()["List-Unsubscribe"] is None


class TestAccountMails:
    def send(self, customer):
        message = EmailMultiAlternatives("Confirm", "Text", None, ["alice@example.com"])
        return mailing.send_account_mail(message, customer=customer, language="en", now=utc_now())

    def test_they_go_to_a_suppressed_address_as_well(self, alice):
        SuppressedAddress.objects.create(address=alice.email, reason="r", since_at=utc_now())

        record = self.send(alice)

        assert (record.state, record.kind, len(mail.outbox)) == ("sent", "account", 1)
        assert mail.outbox[0].message()["Message-ID"] == f"<{record.message_id}>"

    def test_a_refused_one_is_recorded_and_breaks_no_page(self, alice, server):
        server.said = (550, b"5.1.1 no such user")

        assert self.send(alice).state == "bounced"
        assert mailing.suppressed(alice.email) is not None

    def test_a_server_in_trouble_is_no_secret(self, alice, server):
        server.said = (451, b"4.3.0 later")

        with pytest.raises(smtplib.SMTPRecipientsRefused):
            self.send(alice)
        assert not MailRecord.objects.exists()


def test_a_persons_mails_are_theirs_newest_first(note, alice):
    bob = a_customer("bob")
    first, second = send(alice), send(alice)
    send(bob)

    assert mailing.mails_of(alice, most=10) == [second, first]
    assert mailing.mails_of(alice, most=1) == [second]
