"""A mail goes to Django's backend."""

from django.core import mail

from outbox.transports.mail import Mail, deliver


def test_a_mail_is_sent_from_the_shop():
    deliver(Mail(to="alice@example.com", subject="Pack 5 is ready", body="..."))

    [sent] = mail.outbox
    assert (sent.to, sent.subject, sent.body) == (["alice@example.com"], "Pack 5 is ready", "...")
    assert "no-reply" in sent.from_email
