"""What can go wrong with questions to the shop.

PlatformError
    Refused        TooManyTickets, TooManyMessages, NotYourTicket, ReplyRefused
    Malformed      BadTicket
"""

from kernel.errors import Malformed, Refused


class TooManyTickets(Refused):
    """Takes most, and of: `open` (at once) or `day`."""

    message = "As many questions are open as may be; go on in one of them"
    code = "too_many_tickets"
    http_status = 429


class TooManyMessages(Refused):
    """Takes most: in an hour."""

    message = "Too many messages in an hour; we have those that came before"
    code = "too_many_ticket_messages"
    http_status = 429


class NotYourTicket(Refused):
    message = "There is no such question of yours"
    code = "not_your_ticket"
    http_status = 404


class BadTicket(Malformed):
    """Takes field: subject, text, order or token."""

    message = "A question has a subject, a text, and only orders and tokens of yours"
    code = "bad_ticket"


class ReplyRefused(Refused):
    """Takes why: no_ticket, stranger, automatic, empty, too_long or repeated. Nothing is answered to such a mail."""

    message = "This mail is no reply that is taken"
    code = "reply_refused"
