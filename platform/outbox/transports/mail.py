"""Mails, through Django's backend (settings.EMAIL_BACKEND)."""

from dataclasses import dataclass

from django.core.mail import send_mail


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to one person, in their language already."""

    to: str
    subject: str
    body: str


def deliver(mail: Mail) -> None:
    """Hand a mail to the mail server."""
    send_mail(mail.subject, mail.body, None, [mail.to])
