"""Mails, through Django's backend (settings.EMAIL_BACKEND): HTML and plain text, drawn from one letter."""

from dataclasses import dataclass
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a mail."""

    name: str
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Letter:
    """What one person is told, in their language already; both forms of the mail say the same.

    Args:
        facts: names and values of a small table: number, period, amount.
        button: what it says, and the page of ours that it leads to.
        after: paragraphs behind the button.
        about: why one gets this mail, in its foot.
        reply_to: where an answer goes; empty: to REPLY_TO_EMAIL.
    """

    to: str
    subject: str
    paragraphs: tuple[str, ...]
    facts: tuple[tuple[str, str], ...] = ()
    button: tuple[str, str] | None = None
    after: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    about: str = ""
    reply_to: str = ""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a mail has beside its letter: its id, and where one stops such mails if one can."""

    message_id: str = ""
    stop_url: str = ""


def compose(letter: Letter, envelope: Envelope) -> EmailMultiAlternatives:
    """Return the mail, ready to be sent.

    Its sender by SMTP is BOUNCE_EMAIL where that is set: what cannot be delivered comes back there.
    """
    shown: dict[str, Any] = {
        "letter": letter,
        "stop_url": envelope.stop_url,
        "shop": settings.SHOP_NAME,
        "panel_url": settings.PANEL_URL,
    }
    headers = {"From": settings.DEFAULT_FROM_EMAIL, "Auto-Submitted": "auto-generated"}
    if envelope.message_id:
        headers["Message-ID"] = f"<{envelope.message_id}>"
    if envelope.stop_url:
        headers["List-Unsubscribe"] = f"<{envelope.stop_url}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
    mail = EmailMultiAlternatives(
        " ".join(letter.subject.split()),
        render_to_string("mail/letter.txt", shown),
        settings.BOUNCE_EMAIL or settings.DEFAULT_FROM_EMAIL,
        [letter.to],
        headers=headers,
        reply_to=[answer] if (answer := letter.reply_to or settings.REPLY_TO_EMAIL) else None,
    )
    mail.attach_alternative(render_to_string("mail/letter.html", shown), "text/html")
    for one in letter.attachments:
        mail.attach(one.name, one.body, one.content_type)
    return mail


def send(letter: Letter, envelope: Envelope) -> None:
    """Hand a mail to the mail server.

    Raises:
        OSError: smtplib's own, and what the network says.
    """
    compose(letter, envelope).send()


def own_host() -> str:
    """Return the host that our Message-IDs name: that of the shop's own address."""
    host = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    return host or "localhost"
