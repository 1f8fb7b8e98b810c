"""Mails to people: a record of each, sent once, never to an address that does not work, and what comes back.

A kind of mail is a function that writes a letter out of what is so now. Its row of the outbox may be delivered twice;
its record says whether the mail has left.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from smtplib import SMTPRecipientsRefused
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction

from kernel.clock import utc_now
from outbox import kinds
from outbox.domain import bounces
from outbox.kinds import Payload
from outbox.models import MailChoice, MailRecord, Outbox, SuppressedAddress
from outbox.services.sending import say
from outbox.transports import mail
from outbox.transports.mail import Envelope, Letter

log = logging.getLogger(__name__)

ACCOUNT = "account"  # the kind of allauth's own mails, which guard an account and go out at once
RECORD = "mail"  # of a payload: which record it is

Write = Callable[[Payload, datetime], Letter | None]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A letter and its record; no letter where there is nothing to tell any more."""

    record: int | None
    letter: Letter | None
    reminder: bool


def register(name: str, *, label: Any, write: Write, reminder: bool = False) -> None:
    """Make a kind of mail known.

    Args:
        write: returns the letter in the active language, or None where what it would tell is no longer so.
        reminder: people may say that they want none of these.
    """

    def prepare(payload: Payload, now: datetime) -> Prepared:
        return Prepared(record=payload.get(RECORD), letter=write(payload, now), reminder=reminder)

    kinds.register(name, label=label, prepare=prepare, transport=deliver)


def register_account_mails(*, label: Any) -> None:
    """Give the mails that guard an account a name; they leave at once and never stand in the outbox."""
    register(ACCOUNT, label=label, write=lambda payload, now: None)


def write_to(customer: Any, kind: str, payload: dict[str, Any], *, delay: timedelta = timedelta(0)) -> MailRecord:
    """Note that a person is to be written to, in this transaction; the mail leaves once it has happened.

    Args:
        customer: a row of AUTH_USER_MODEL, with a language.
        payload: JSON that the kind's `write` takes.
    """
    record = MailRecord.objects.create(
        customer=customer, kind=kind, language=customer.language, to=customer.email, said_at=utc_now()
    )
    row = say(kind, {**payload, RECORD: record.pk}, language=customer.language, delay=delay)
    record.outbox_row = row.pk
    record.save(update_fields=["outbox_row"])
    return record


def deliver(prepared: Prepared) -> None:
    """Send a letter, unless its record says that it was sent, or the address does not work, or nobody wants it.

    A server that refuses the address for good is believed; whatever else goes wrong is tried again.
    """
    if prepared.record is None:  # said by the version before this one
        if prepared.letter is not None:
            mail.send(prepared.letter, Envelope())
        return
    # Lock before looking: the same row in two hands must not be two mails.
    record = MailRecord.objects.select_for_update().get(pk=prepared.record)
    if record.state != MailRecord.State.WAITING:
        return
    letter, now = prepared.letter, utc_now()
    if letter is None or (prepared.reminder and not wants_reminders(record.customer_id)):
        record.state = MailRecord.State.DROPPED
        record.save(update_fields=["state"])
        return
    record.to, record.subject = letter.to, letter.subject[:200]
    if (reason := suppressed(letter.to)) is not None:
        record.state, record.why = MailRecord.State.SUPPRESSED, reason
        record.save(update_fields=["to", "subject", "state", "why"])
        return
    record.message_id = f"{record.key}@{mail.own_host()}"
    stop = f"{settings.PANEL_URL}/mails/stop/{record.key}/" if prepared.reminder else ""
    try:
        mail.send(letter, Envelope(message_id=record.message_id, stop_url=stop))
    except SMTPRecipientsRefused as error:
        if (reason := _gone(error)) is None:
            raise
        _came_back(record, reason, now)
        return
    record.state, record.sent_at = MailRecord.State.SENT, now
    record.save(update_fields=["to", "subject", "message_id", "state", "sent_at"])


def send_account_mail(message: EmailMultiAlternatives, *, customer: Any, language: str, now: datetime) -> MailRecord:
    """Send a mail that guards an account, at once and to a suppressed address as well; return its record.

    Args:
        message: to one person.
        customer: a row of AUTH_USER_MODEL; None of a stranger.
    """
    [to] = message.to
    record = MailRecord(
        customer=customer, kind=ACCOUNT, language=language, to=to, subject=str(message.subject)[:200], said_at=now
    )
    record.message_id = f"{record.key}@{mail.own_host()}"
    message.from_email = settings.BOUNCE_EMAIL or settings.DEFAULT_FROM_EMAIL
    message.extra_headers |= {
        "From": settings.DEFAULT_FROM_EMAIL,
        "Message-ID": f"<{record.message_id}>",
        "Auto-Submitted": "auto-generated",
    }
    if settings.REPLY_TO_EMAIL:
        message.reply_to = [settings.REPLY_TO_EMAIL]
    try:
        message.send()
    except SMTPRecipientsRefused as error:
        if (reason := _gone(error)) is None:
            raise
        _came_back(record, reason, now)
        return record
    record.state, record.sent_at = MailRecord.State.SENT, now
    record.save()
    return record


@transaction.atomic
def take_report(raw: bytes, *, now: datetime) -> int:
    """Believe a report that a mail of ours did not arrive; return how many addresses are suppressed by it.

    One that names no Message-ID of a mail that we sent changes nothing: anybody can write to the address that takes
    them, and could else end somebody's mails.
    """
    taken = 0
    for bounce in bounces.read_report(raw):
        if not bounces.is_gone(code=0, text=bounce.reason):
            continue
        ours = MailRecord.objects.select_for_update().filter(message_id__in=sorted(bounce.message_ids)[:20])
        # Sent alone: a report that is read again must not undo what a person has lifted since.
        for record in ours.filter(state=MailRecord.State.SENT):
            taken += _came_back(record, bounce.reason, now)
    return taken


@transaction.atomic
def lift(*, address: str) -> bool:
    """Let mails go to an address again; return whether they did not."""
    return bool(SuppressedAddress.objects.filter(address=address.lower()).delete()[0])


def suppressed(address: str) -> str | None:
    """Return why nothing is sent to an address; None where it works as far as we know."""
    return SuppressedAddress.objects.filter(address=address.lower()).values_list("reason", flat=True).first()


def wants_reminders(customer_id: int | None) -> bool:
    """Tell whether a person is reminded that packs end."""
    return not MailChoice.objects.filter(pk=customer_id, reminders=False).exists()


def choose_reminders(*, customer: Any, wanted: bool) -> None:
    """Remind a person from now on, or no more."""
    MailChoice.objects.update_or_create(customer=customer, defaults={"reminders": wanted})


def stop_reminders(*, key: str) -> bool:
    """Remind who got the mail with this key no more; return whether there is such a mail."""
    record = MailRecord.objects.select_related("customer").filter(key=key, customer__isnull=False).first()
    if record is None:
        return False
    choose_reminders(customer=record.customer, wanted=False)
    return True


def is_known(*, key: str) -> bool:
    """Tell whether there is a mail with this key, to somebody."""
    return MailRecord.objects.filter(key=key, customer__isnull=False).exists()


def mails_of(customer: Any, *, most: int) -> list[MailRecord]:
    """Return the newest mails of a person; without those that were not needed any more."""
    return list(MailRecord.objects.filter(customer=customer).exclude(state=MailRecord.State.DROPPED)[:most])


def taken_along(customer: Any) -> Iterator[dict[str, Any]]:
    """Yield the mails of a person as they stand in their export."""
    for one in MailRecord.objects.filter(customer=customer).order_by("pk").iterator(chunk_size=500):
        yield {
            "kind": one.kind, "to": one.to, "subject": one.subject, "state": one.state, "said_at": one.said_at,
            "sent_at": one.sent_at,
        }  # fmt: skip


def forget(*, customer: Any, addresses: Iterable[str]) -> None:
    """Take out of the mails of a person what says who it was; what waits is not sent any more.

    The records stay without address and subject: how many mails of a kind were sent is the shop's own history.
    """
    mails = MailRecord.objects.filter(customer=customer)
    Outbox.objects.filter(pk__in=mails.exclude(outbox_row=None).values("outbox_row")).delete()
    mails.filter(state=MailRecord.State.WAITING).update(state=MailRecord.State.DROPPED)
    mails.update(to="", subject="", why="", customer=None)
    MailChoice.objects.filter(customer=customer).delete()
    for address in addresses:
        SuppressedAddress.objects.filter(address=address.lower()).delete()
        MailRecord.objects.filter(to__iexact=address).update(to="", subject="", why="")


def _gone(error: SMTPRecipientsRefused) -> str | None:
    """Return why there is no such mailbox, in the server's words; None where the server says something else."""
    code, said = next(iter(error.recipients.values()))
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return f"{code} {text}" if bounces.is_gone(code=code, text=text) else None


def _came_back(record: MailRecord, reason: str, now: datetime) -> bool:
    """Note that a mail did not arrive, and send nothing more to its address; return whether that is news."""
    record.state, record.why = MailRecord.State.BOUNCED, reason[:300]
    record.save()
    _row, new = SuppressedAddress.objects.get_or_create(
        address=record.to.lower(), defaults={"reason": reason[:300], "since_at": now, "mail": record}
    )
    log.warning("mail #%s of kind %s came back; its address is suppressed", record.pk, record.kind)
    return new
