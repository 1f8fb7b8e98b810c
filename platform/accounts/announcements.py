"""What people are told about their accounts, as mails of the outbox in the transaction that causes them."""

from datetime import datetime

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.models import Customer
from outbox.kinds import Payload
from outbox.services.mailing import write_to
from outbox.transports.mail import Letter

PHONE_MOVED = "phone_moved"


def phone_moved(customer: Customer, *, number: str) -> None:
    """Tell somebody that their number, masked, was proved by the holder of another account and is off this one."""
    write_to(customer, PHONE_MOVED, {"to": customer.email, "number": number})


def phone_moved_letter(payload: Payload, at: datetime) -> Letter:
    """Make the letter of it."""
    return Letter(
        to=payload["to"],
        subject=_("Tickpack: a mobile number was taken off your account"),
        paragraphs=(
            _(
                "Somebody has proved with a code that the mobile number %(number)s is theirs now, and uses it with "
                "another account. Codes to it no longer log in to yours. You log in with your email address and "
                "password as before. If you still have this number, add it again."
            )
            % {"number": payload["number"]},
        ),
        button=(_("Mobile number"), f"{settings.PANEL_URL}/accounts/phone/change/"),
        about=_("You get this mail because you have an account at %(shop)s.") % {"shop": settings.SHOP_NAME},
    )
