"""Customers who have left: what they gave up, and what keeps a second trial from them."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Customer
from billing.models.append_only import AppendOnly


class Departure(AppendOnly):
    """Somebody has deleted their account. Money rows point to the customer, whose row says nothing of a person now."""

    customer = models.OneToOneField(Customer, models.PROTECT, related_name="departure", verbose_name=_("customer"))
    at = models.DateTimeField(_("at"))
    given_up_fen = models.PositiveBigIntegerField(_("balance given up, in fen"), default=0)
    grants_ended = models.PositiveIntegerField(_("grants ended"), default=0)

    class Meta:
        verbose_name = _("deleted account")
        verbose_name_plural = _("deleted accounts")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"#{self.customer_id} {self.at:%Y-%m-%d}"


class FormerTrial(AppendOnly):
    """The digest of an address or a number whose account was deleted after a trial: there is no second one."""

    digest = models.CharField(_("digest"), max_length=64, unique=True)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("trial of a deleted account")
        verbose_name_plural = _("trials of deleted accounts")

    def __str__(self) -> str:
        return self.digest[:8]
