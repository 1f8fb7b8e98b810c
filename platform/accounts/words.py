"""What people read in place of Django's permissions and of the names of the roles that a deployment begins with."""

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_noop as _

# Rights beside add, change, delete and view; models have them in English.
RIGHTS = (
    _("Can announce to everybody, with mails"),
    _("Can answer questions of customers, and close them"),
    _("Can ask for refunds, and withdraw what nobody has decided"),
    _("Can cancel orders that wait for payment"),
    _("Can confirm bank transfers"),
    _("Can decide on refunds, and send a failed one again"),
    _("Can end grants early"),
    _("Can give everybody time after an outage"),
    _("Can give grants for nothing"),
    _("Can issue fapiao, cancel them by red letters, and refuse requests"),
    _("Can let mails go to an address again"),
    _("Can look over the books and read bills"),
    _("Can make gift codes, take them away as a file, and void them"),
    _("Can make people staff, and put them into groups"),
    _("Can note bank transfers, and withdraw what nobody has confirmed"),
    _("Can note that a refund was transferred by hand"),
    _("Can pay money in suspense back, or use it for an order"),
    _("Can revoke customers' API keys"),
    _("Can revoke customers' tokens"),
    _("Can take away ledger lines and payment facts"),
    _("Can view revenue"),
    _("Can write the texts of pages"),
)
ROLES: dict[str, Any] = {
    "support": pgettext_lazy("a role", "support"),
    "finance": pgettext_lazy("a role", "finance"),
    "operator": pgettext_lazy("a role", "operator"),
    "owner": pgettext_lazy("a role", "owner"),
}
_VERBS = {
    "add": pgettext_lazy("a right", "add"),
    "change": pgettext_lazy("a right", "change"),
    "delete": pgettext_lazy("a right", "delete"),
    "view": pgettext_lazy("a right", "view"),
}


def role_title(group: Group) -> str:
    """Return a role's name: of one that people have made, what they have written."""
    return str(ROLES.get(group.name, group.name))


def right_title(right: Permission) -> str:
    """Return what a permission allows, behind the table that it is about."""
    model = right.content_type.model_class()
    table = str(model._meta.verbose_name_plural if model is not None else right.content_type)
    verb, _line, of = right.codename.partition("_")
    usual = model is not None and of == model._meta.model_name and verb in _VERBS
    return f"{table} · {_VERBS[verb] if usual else gettext(right.name)}"
