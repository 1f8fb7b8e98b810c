"""What customers and staff are told about questions, as mails of the outbox in the transaction that causes them."""

import base64
import hashlib
import hmac
from datetime import datetime, timedelta

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from accounts.models import Customer
from outbox.kinds import Payload
from outbox.services.mailing import write_to
from outbox.transports.mail import Letter
from support import selectors
from support.models import Ticket, TicketMessage

ANSWERED = "ticket_answered"
ASKED = "ticket_asked"  # to staff
TELL_AGAIN = timedelta(minutes=10)  # between two mails to staff about one question
_TAG_BYTES = 10  # 80 bits: nobody guesses one through a mail server


def asked(message: TicketMessage) -> None:
    """Write to staff that a customer asks, or goes on; what comes within ten minutes is one more mail, behind them."""
    ticket, now = message.ticket, message.at
    if ticket.staff_told_at is not None and ticket.staff_told_at > now:
        return  # a mail waits to leave, and it will tell the newest message
    at = max(now, ticket.staff_told_at + TELL_AGAIN) if ticket.staff_told_at else now
    people = selectors.staff_to_tell()
    for person in people:
        write_to(person, ASKED, {"ticket": ticket.pk, "staff": person.pk}, delay=at - now)
    if people:
        ticket.staff_told_at = at
        ticket.save(update_fields=["staff_told_at"])


def asked_letter(payload: Payload, at: datetime) -> Letter | None:
    """Make the letter of it; None where it was answered or closed meanwhile, or is not this person's to answer."""
    ticket = Ticket.objects.select_related("customer", "purchase", "token").filter(pk=payload["ticket"]).first()
    person = Customer.objects.filter(pk=payload["staff"], is_active=True, is_staff=True).first()
    if ticket is None or ticket.state != Ticket.State.OPEN or person is None:
        return None
    if not person.has_perm("support.answer_ticket"):
        return None
    newest = ticket.messages.filter(from_staff=False).order_by("-pk").first()
    if newest is None:
        return None
    goes_on = ticket.messages.filter(pk__lt=newest.pk).exists()
    facts = [(_("Customer"), ticket.customer.email), (_("Subject"), ticket.subject)]
    if ticket.purchase is not None:
        facts.append((pgettext("a purchase", "Order"), ticket.purchase.public_id))
    # The subject stays without the customer's words: the record of this mail outlives their account.
    subject = _("A customer wrote again [%(number)s]") if goes_on else _("A customer asks [%(number)s]")
    return Letter(
        to=person.email,
        subject=subject % {"number": ticket.number},
        paragraphs=(newest.text,),
        facts=tuple(facts),
        button=(
            _("Answer"),
            f"{settings.PANEL_URL}{reverse('admin:support_ticket_row_verb', args=[ticket.pk, 'answer'])}",
        ),
        after=(_("An answer to this mail does not reach the customer; answer on the page."),),
        about=_("You get this mail because you may answer questions of customers at %(shop)s.")
        % {"shop": settings.SHOP_NAME},
    )


def answered(message: TicketMessage) -> None:
    """Send a customer what staff have answered."""
    write_to(message.ticket.customer, ANSWERED, {"message": message.pk})


def answered_letter(payload: Payload, at: datetime) -> Letter | None:
    """Make the letter of it; None where the question is gone with its customer."""
    message = TicketMessage.objects.select_related("ticket__customer").filter(pk=payload["message"]).first()
    if message is None:
        return None
    ticket = message.ticket
    how = (
        _("Answer this mail, or write on the page.") if settings.SUPPORT_EMAIL else _("Write on the page if it is not.")
    )
    return Letter(
        to=ticket.customer.email,
        subject=_("Re: %(subject)s [%(number)s]") % {"subject": ticket.subject, "number": ticket.number},
        paragraphs=(message.text,),
        button=(_("See the whole question"), f"{settings.PANEL_URL}/help/tickets/{ticket.number}/"),
        after=(_("Is it solved? Then there is nothing to do. %(how)s") % {"how": how},),
        about=_("You get this mail because you asked us something at %(shop)s.") % {"shop": settings.SHOP_NAME},
        reply_to=reply_address(ticket.number),
    )


def reply_address(number: str) -> str:
    """Return where a customer answers a mail about a question; "" where no address of the shop takes answers."""
    local, _at, host = settings.SUPPORT_EMAIL.rpartition("@")
    return f"{local}+{number.lower()}.{tags(number)[0]}@{host}" if local else ""


def tags(number: str) -> list[str]:
    """Return what proves that somebody has had our mail about a question, newest key of the shop first."""
    return [_tag(number, secret) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]


def _tag(number: str, secret: str) -> str:
    digest = hmac.new(secret.encode(), f"ticket-reply:{number}".encode(), hashlib.sha256).digest()
    return base64.b32encode(digest[:_TAG_BYTES]).decode().lower()
