"""Letters to those who look after the shop's money."""

from datetime import datetime

from django.utils.translation import gettext as _

from billing.models import Reconciliation
from billing.services.letters import Letter, page
from outbox.kinds import Payload


def books_differ(payload: Payload, now: datetime) -> Letter | None:
    """Tell somebody who looks after the money what does not add up.

    Raises:
        Reconciliation.DoesNotExist: there is no such look.
    """
    found = Reconciliation.objects.get(pk=payload["reconciliation"])
    what = _("bill of %(provider)s") % {"provider": found.provider} if found.provider else _("the shop's books")
    shown = found.differences[:20]
    return Letter(
        to=payload["to"],
        subject=_("Money does not add up: %(what)s") % {"what": what},
        paragraphs=(
            _("%(count)s differences in %(what)s of %(day)s:")
            % {"count": len(found.differences), "what": what, "day": found.day},
            "\n".join(shown),
        ),
        button=(_("All of them"), page(f"/admin/billing/reconciliation/{found.pk}/change/")),
        about=_("You get this mail because you look after the shop's money."),
    )
