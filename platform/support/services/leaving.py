"""What questions say about a customer: taken along, or removed with them."""

from collections.abc import Iterator
from datetime import datetime

from django.utils.translation import ngettext

from accounts.models import Customer
from accounts.services.personal import Leaving, Row, Tables
from support.models import Ticket, TicketMessage


def tables(customer: Customer) -> Tables:
    """Return each message of each question."""
    return {"questions": _messages(customer)}


def leaving(customer: Customer, now: datetime) -> Leaving:
    """Say that questions which wait are not answered any more, in the active language."""
    count = Ticket.objects.filter(customer=customer, state=Ticket.State.OPEN).count()
    if not count:
        return Leaving()
    said = ngettext(
        "%(count)d question to us that waits is not answered any more.",
        "%(count)d questions to us that wait are not answered any more.",
        count,
    )
    return Leaving(losses=[said % {"count": count}])


def forget(customer: Customer, now: datetime) -> None:
    """Remove the questions: they are free text, and nothing of the books."""
    Ticket.objects.filter(customer=customer).delete()


def _messages(customer: Customer) -> Iterator[Row]:
    rows = TicketMessage.objects.filter(ticket__customer=customer).select_related("ticket").order_by("pk")
    for one in rows.iterator(chunk_size=500):
        yield {
            "question": one.ticket.number, "subject": one.ticket.subject, "at": one.at,
            "by": "shop" if one.from_staff else "customer", "text": one.text, "via": one.via,
        }  # fmt: skip
