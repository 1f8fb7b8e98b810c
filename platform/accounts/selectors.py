"""Who may do what to whom; whose number is whose; whether messages to phones still go out today."""

from datetime import date, datetime

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.db.models import Q, QuerySet
from django.utils.timezone import localdate

from accounts.models import ApiKey, Customer, SmsDay, WatchList


def verified_phone(customer: Customer) -> str:
    """Return the mobile number that somebody has proved with a code, +8613800138000; "" for none.

    A number is on one account at a time, but it can move to another one: who counts something once a number keeps
    the number, not the customer.
    """
    found = Customer.objects.filter(pk=customer.pk).values_list("phone", flat=True).first()
    return found or ""


def by_phone(number: str) -> Customer | None:
    """Return the active person whose proved number this is, written as accounts.domain.phones keeps it."""
    return Customer.objects.filter(phone=number, is_active=True).first()


def sms_day(now: datetime) -> date:
    """Return the day whose cap an instant counts for: Shanghai's."""
    return localdate(now)


def sms_is_full(now: datetime) -> bool:
    """Tell whether one more message today would cost more than the cap."""
    spent = SmsDay.objects.filter(day=sms_day(now)).values_list("spent_fen", flat=True).first() or 0
    return spent + settings.SMS_PRICE_FEN > settings.SMS_DAILY_CAP_FEN


def sms_full_at(now: datetime) -> datetime | None:
    """Return since when today somebody was not written to because of the cap; None where nobody was."""
    return SmsDay.objects.filter(day=sms_day(now)).values_list("full_at", flat=True).first()


def may_touch(actor: Customer, person: Customer) -> bool:
    """Tell whether staff may change somebody's row or addresses: nobody who may do more than they do.

    Whoever can change an address can have a new password sent there.
    """
    if actor.is_superuser:
        return True
    return not person.is_superuser and person.get_all_permissions() <= actor.get_all_permissions()


def may_edit_group(actor: Customer, group: Group) -> bool:
    """Tell whether staff may change or remove a group: one whose permissions they all have."""
    if actor.is_superuser:
        return True
    held = {f"{one.content_type.app_label}.{one.codename}" for one in group.permissions.select_related("content_type")}
    return held <= actor.get_all_permissions()


def permissions_to_give(actor: Customer) -> QuerySet[Permission]:
    """Return what staff may put into a group: what they have themselves."""
    every = Permission.objects.select_related("content_type")
    if actor.is_superuser:
        return every
    return every.filter(Q(user=actor) | Q(group__user=actor)).distinct()


def staff_who_may(permission: str) -> list[Customer]:
    """Return the active staff who have a permission, as `billing.view_refund`; superusers have every one."""
    staff = Customer.objects.filter(is_active=True, is_staff=True).order_by("pk")
    return [person for person in staff if person.has_perm(permission)]


def groups_to_give(actor: Customer) -> QuerySet[Group]:
    """Return the groups that staff may put people into: those that can do no more than they can themselves."""
    every = Group.objects.prefetch_related("permissions__content_type").order_by("name")
    if actor.is_superuser:
        return every
    held = actor.get_all_permissions()
    lesser = [
        group.pk
        for group in every
        if all(f"{one.content_type.app_label}.{one.codename}" in held for one in group.permissions.all())
    ]
    return every.filter(pk__in=lesser)


def person_of(email: str) -> Customer | None:
    """Return whose address this is: the one they log in with, or another one of theirs."""
    direct = Customer.objects.filter(email__iexact=email).first()
    if direct is not None:
        return direct
    owned = EmailAddress.objects.select_related("user").filter(email__iexact=email, verified=True).first()
    return owned.user if owned is not None else None


def api_keys_of(customer: Customer, now: datetime) -> list[ApiKey]:
    """Return the API keys of a customer that work, the newest first."""
    return list(working_api_keys(now).filter(customer=customer))


def working_api_keys(now: datetime) -> QuerySet[ApiKey]:
    """Return the API keys that are neither revoked nor over."""
    return ApiKey.objects.filter(Q(expires_at=None) | Q(expires_at__gt=now), revoked_at=None)


def watch_lists_of(customer: Customer) -> list[WatchList]:
    """Return a customer's lists in their own order."""
    return list(WatchList.objects.filter(customer=customer))


def shared_watch_list(code: str) -> WatchList | None:
    """Return the list that a link names; None where nobody shares it (any more), or its owner is deactivated."""
    return WatchList.objects.filter(share_code=code, customer__is_active=True).first() if code else None
