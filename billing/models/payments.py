"""What payment gateways told the shop."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from billing.domain.pricing import yuan
from billing.models.append_only import AppendOnly
from billing.models.orders import Purchase


class GatewayNotice(AppendOnly):
    """What a payment gateway told us, once an event, whatever became of it."""

    class Outcome(models.TextChoices):
        SETTLED = "settled", _("settled")
        ALREADY_SETTLED = "already_settled", _("was already settled")
        AMOUNT_MISMATCH = "amount_mismatch", _("another amount")
        UNKNOWN_PURCHASE = "unknown_purchase", _("unknown purchase")
        DECLINED = "declined", _("declined")

    provider = models.CharField(_("provider"), max_length=20)
    event_id = models.CharField(_("event"), max_length=80)
    purchase = models.ForeignKey(
        Purchase, models.PROTECT, null=True, related_name="notices", verbose_name=_("purchase")
    )
    order_id = models.CharField(_("order"), max_length=64)
    amount_fen = models.BigIntegerField(_("amount, in fen"))
    currency = models.CharField(_("currency"), max_length=8)
    paid_at = models.DateTimeField(_("paid"))
    received_at = models.DateTimeField(_("received"))
    outcome = models.CharField(_("outcome"), max_length=20, choices=Outcome)

    class Meta:
        verbose_name = _("gateway notice")
        verbose_name_plural = _("gateway notices")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["provider", "event_id"], name="one_notice_an_event")]

    @property
    def amount(self) -> str:
        """The amount in yuan, as people write it."""
        return yuan(self.amount_fen)

    def __str__(self) -> str:
        return f"{self.provider} {self.event_id[:12]}: {self.outcome}"
