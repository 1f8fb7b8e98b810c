"""The groups of staff that a deployment begins with. An owner edits them in the admin; nothing here takes it back."""

from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import Q, QuerySet

_SUPPORT = (
    "accounts.view_customer", "account.view_emailaddress", "mfa.view_authenticator",
    "billing.view_purchase", "billing.view_grant", "billing.view_grantclosure", "billing.view_accesstoken",
    "billing.view_paymentattempt", "billing.view_prepayment", "billing.view_giftcode", "billing.view_autorenewal",
    "billing.view_trial", "billing.view_invitation", "outbox.view_mailrecord", "outbox.view_suppressedaddress",
    "accounts.view_apikey", "accounts.revoke_apikey", "support.view_ticket", "support.answer_ticket",
    "content.view_textversion", "content.view_shopdetails", "content.view_announcement",
)  # fmt: skip
_FINANCE = (
    *_SUPPORT,
    *(f"billing.view_{name}" for name in (
        "plan", "planversion", "paymentfact", "suspense", "refund", "dispute", "banktransfer", "ledgeraccount",
        "ledgerentry", "reconciliation", "compensation", "revenue", "coupon", "couponuse", "termdiscount",
        "trialoffer", "giftbatch", "commission", "fapiaorequest",
    )),
    "billing.decide_suspense", "billing.ask_refund", "billing.decide_refund", "billing.pay_refund_by_hand",
    "billing.note_transfer", "billing.confirm_transfer", "billing.cancel_purchase", "billing.close_grant",
    "billing.give_comp", "billing.compensate", "billing.export_ledger", "billing.check_books",
    "billing.make_gifts", "billing.issue_fapiao", "outbox.lift_suppression",
)  # fmt: skip
# Every permission of an app is written "app.*".
ROLES: dict[str, tuple[str, ...]] = {
    "support": _SUPPORT,
    "finance": _FINANCE,
    "operator": (
        "nodes.*",
        "outbox.view_outbox",
        "outbox.view_reportcheckpoint",
        "accounts.view_smsmessage",
        "content.*",
    ),
    "owner": (
        "accounts.*",
        "account.*",
        "auth.*",
        "mfa.*",
        "billing.*",
        "nodes.*",
        "outbox.*",
        "content.*",
        "support.*",
    ),
}


@transaction.atomic
def prepare_roles(*, again: str = "") -> list[str]:
    """Make the groups that are not there; return their names. One that is there stays as people made it.

    Args:
        again: a role that is given once more what this version says, whatever was changed.
    """
    made = []
    for name, wanted in ROLES.items():
        group, new = Group.objects.get_or_create(name=name)
        if new or name == again:
            group.permissions.set(permissions(wanted))
            made.append(name)
    return made


def permissions(wanted: tuple[str, ...]) -> QuerySet[Permission]:
    """Return the permissions of these names.

    Raises:
        ValueError: there is none of a name.
    """
    known = Permission.objects.select_related("content_type")
    found = Permission.objects.none()
    for name in wanted:
        app, _, codename = name.partition(".")
        of_it = Q(content_type__app_label=app) & (Q() if codename == "*" else Q(codename=codename))
        if not known.filter(of_it).exists():
            raise ValueError(f"there is no permission {name}")
        found = found | known.filter(of_it)
    return found
