"""What pages' owners tell open sockets and people, as rows of the outbox in the transaction that causes them."""

from accounts.models import Customer
from content.models import AnnouncementUpdate
from nodes import selectors as node_selectors
from outbox.services.mailing import write_to
from outbox.services.sending import say

ANNOUNCEMENT = "announcement"  # to open sockets
ANNOUNCEMENT_MAIL = "announcement_mail"


def to_sockets(update: AnnouncementUpdate) -> None:
    """Tell the open sockets of the scope: each Redis of a node group once."""
    group = update.announcement.group
    for slug in [group.slug] if group is not None else node_selectors.destinations():
        say(ANNOUNCEMENT, {"update": update.pk, "group": slug})


def to_mailbox(update: AnnouncementUpdate, customer: Customer) -> None:
    """Write to somebody whom it concerns."""
    write_to(customer, ANNOUNCEMENT_MAIL, {"update": update.pk, "to": customer.email})
