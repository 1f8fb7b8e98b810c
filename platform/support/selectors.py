"""Questions about questions. Nothing here writes."""

from django.db.models import Q, QuerySet

from accounts.models import Customer
from billing.models import AccessToken, Purchase
from support.models import Ticket

LISTED = 50
TO_CHOOSE = 20  # orders and tokens offered on the form, the newest


def tickets_of(customer: Customer) -> list[Ticket]:
    """Return the newest questions of a customer."""
    return list(Ticket.objects.filter(customer=customer)[:LISTED])


def ticket_of(customer: Customer, number: str) -> Ticket | None:
    """Return a customer's question by its number."""
    return (
        Ticket.objects.select_related("purchase__plan", "token__group")
        .filter(customer=customer, number=number.upper())
        .first()
    )


def staff_to_tell() -> list[Customer]:
    """Return who is written to when a customer asks: staff who may answer by a role or a right of their own.

    Where there is none, it is who may do everything: a shop of one person has no roles.
    """
    staff = Customer.objects.filter(is_staff=True, is_active=True)
    by_right = Q(groups__permissions__codename="answer_ticket", groups__permissions__content_type__app_label="support")
    by_own = Q(user_permissions__codename="answer_ticket", user_permissions__content_type__app_label="support")
    found = list(staff.filter(by_right | by_own).distinct().order_by("pk"))
    return found or list(staff.filter(is_superuser=True).order_by("pk"))


def waiting() -> QuerySet[Ticket]:
    """Return the questions that wait for staff, the oldest first."""
    return Ticket.objects.filter(state=Ticket.State.OPEN).order_by("moved_at")


def orders_to_name(customer: Customer) -> list[Purchase]:
    """Return the newest orders of a customer, to choose from."""
    return list(Purchase.objects.filter(customer=customer).select_related("plan").order_by("-pk")[:TO_CHOOSE])


def tokens_to_name(customer: Customer) -> list[AccessToken]:
    """Return the newest tokens of a customer, to choose from: their ids, never their texts."""
    return list(AccessToken.objects.filter(customer=customer).select_related("group").order_by("-pk")[:TO_CHOOSE])
