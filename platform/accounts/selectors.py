"""Who may do what to whom."""

from django.contrib.auth.models import Group, Permission
from django.db.models import Q, QuerySet

from accounts.models import Customer


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
