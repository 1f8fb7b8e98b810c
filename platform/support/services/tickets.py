"""Asking, writing on, answering and closing; and mails that answer ours."""

import hmac
import logging
from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import Customer
from accounts.services import personal
from billing.models import AccessToken, Purchase
from support import announcements
from support.domain.replies import read_reply
from support.errors import BadTicket, NotYourTicket, ReplyRefused, TooManyMessages, TooManyTickets
from support.models import MOST_SUBJECT, MOST_TEXT, Ticket, TicketMessage

log = logging.getLogger(__name__)

MOST_OPEN = 10  # questions of a customer that are not closed
MOST_A_DAY = 20
MOST_AN_HOUR = 30  # messages of a customer


@transaction.atomic
def open_ticket(
    *, customer: Customer, subject: str, text: str, now: datetime, order: str = "", token: str = ""
) -> Ticket:
    """Ask the shop something; return the question with its first message.

    Args:
        order, token: an order's public id and a token's jti that it is about, both of the customer; blank for none.

    Raises:
        BadTicket: nothing to read, too much of it, or an order or token of somebody else.
        TooManyTickets, TooManyMessages.
    """
    if not (subject := " ".join(subject.split())) or len(subject) > MOST_SUBJECT:
        raise BadTicket(field="subject")
    text = _checked(text)
    # Locked: two forms at once would both find room for the last one.
    Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
    mine = Ticket.objects.filter(customer=customer)
    if mine.exclude(state=Ticket.State.CLOSED).count() >= MOST_OPEN:
        raise TooManyTickets(most=MOST_OPEN, of="open")
    if mine.filter(opened_at__gt=now - timedelta(days=1)).count() >= MOST_A_DAY:
        raise TooManyTickets(most=MOST_A_DAY, of="day")
    about_order = Purchase.objects.filter(customer=customer, public_id=order).first() if order else None
    about_token = AccessToken.objects.filter(customer=customer, jti=token).first() if token else None
    if order and about_order is None:
        raise BadTicket(field="order")
    if token and about_token is None:
        raise BadTicket(field="token")
    ticket = Ticket.objects.create(
        customer=customer, subject=subject, purchase=about_order, token=about_token, opened_at=now, moved_at=now
    )
    _write(ticket, by=customer, text=text, now=now)
    return ticket


@transaction.atomic
def write_on(*, customer: Customer, number: str, text: str, now: datetime) -> TicketMessage:
    """Go on with a question of one's own; a closed one is open again.

    Raises:
        BadTicket, NotYourTicket, TooManyMessages.
    """
    text = _checked(text)
    Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
    ticket = Ticket.objects.select_for_update().filter(customer=customer, number=number).first()
    if ticket is None:
        raise NotYourTicket
    return _write(ticket, by=customer, text=text, now=now)


@transaction.atomic
def answer(*, ticket_id: int, by: Customer, text: str, close: bool, now: datetime) -> Ticket:
    """Answer a customer, by mail as well.

    Raises:
        BadTicket: nothing to read, or too much of it.
    """
    text = _checked(text)
    ticket = Ticket.objects.select_for_update().get(pk=ticket_id)
    message = TicketMessage.objects.create(ticket=ticket, by=by, from_staff=True, text=text, at=now)
    ticket.state = Ticket.State.CLOSED if close else Ticket.State.ANSWERED
    ticket.moved_at = now
    ticket.save(update_fields=["state", "moved_at"])
    announcements.answered(message)
    return ticket


def close_ticket(*, ticket_id: int, now: datetime) -> bool:
    """Put a question away, without a mail; return whether it was not yet."""
    rows = Ticket.objects.filter(pk=ticket_id).exclude(state=Ticket.State.CLOSED)
    return bool(rows.update(state=Ticket.State.CLOSED, moved_at=now))


@transaction.atomic
def take_reply(raw: bytes, *, now: datetime) -> TicketMessage:
    """Put a mail that answers ours into its question.

    The address that it was sent to proves that its writer has our mail; that it comes from an address of the question's
    customer is asked as well, since mails are forwarded.

    Raises:
        ReplyRefused: it is no such answer, or says nothing new.
        TooManyMessages.
    """
    reply = read_reply(raw)
    if reply is None:
        raise ReplyRefused(why="no_ticket")
    if not any(hmac.compare_digest(reply.tag, one) for one in announcements.tags(reply.ticket)):
        raise ReplyRefused(why="no_ticket")
    ticket = Ticket.objects.select_for_update().select_related("customer").filter(number=reply.ticket).first()
    if ticket is None:
        raise ReplyRefused(why="no_ticket")
    if reply.automatic:
        raise ReplyRefused(why="automatic")
    if not ticket.customer.is_active or reply.sender not in personal.known_addresses(ticket.customer):
        raise ReplyRefused(why="stranger")
    if not reply.text:
        raise ReplyRefused(why="empty")
    if reply.message_id and TicketMessage.objects.filter(message_id=reply.message_id).exists():
        raise ReplyRefused(why="repeated")
    text = reply.text if len(reply.text) <= MOST_TEXT else f"{reply.text[: MOST_TEXT - 2]} …"
    return _write(ticket, by=ticket.customer, text=text, now=now, message_id=reply.message_id or None, by_mail=True)


def _checked(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\x00", "").strip()
    if not text or len(text) > MOST_TEXT:
        raise BadTicket(field="text")
    return text


def _write(
    ticket: Ticket, *, by: Customer, text: str, now: datetime, message_id: str | None = None, by_mail: bool = False
) -> TicketMessage:
    lately = TicketMessage.objects.filter(by=by, from_staff=False, at__gt=now - timedelta(hours=1))
    if lately.count() >= MOST_AN_HOUR:
        raise TooManyMessages(most=MOST_AN_HOUR)
    via = TicketMessage.Via.MAIL if by_mail else TicketMessage.Via.PAGE
    message = TicketMessage.objects.create(ticket=ticket, by=by, text=text, via=via, message_id=message_id, at=now)
    ticket.state, ticket.moved_at = Ticket.State.OPEN, now
    ticket.save(update_fields=["state", "moved_at"])
    announcements.asked(message)
    return message
