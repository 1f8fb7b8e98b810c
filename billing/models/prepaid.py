"""Money paid in advance, the codes that stand for it, and what renews by itself from it."""

from typing import ClassVar

from django.contrib.admin import display
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Customer, new_id
from billing.domain.pricing import MAX_MONTHS, MIN_MONTHS, yuan
from billing.models.append_only import AppendOnly
from billing.models.catalogue import PlanVersion
from billing.models.orders import Purchase


class Prepayment(models.Model):
    """An order for money in the balance, or for a gift code. pending -> settled | expired | cancelled.

    Money that comes after it expired still settles: nobody else waits for its place.
    """

    class Kind(models.TextChoices):
        BALANCE = "balance", _("top-up of the balance")
        GIFT = "gift", _("purchase of a gift code")

    class State(models.TextChoices):
        PENDING = "pending", _("waiting for payment")
        SETTLED = "settled", _("paid")
        EXPIRED = "expired", _("expired")
        CANCELLED = "cancelled", _("cancelled")

    public_id = models.CharField(_("number"), max_length=32, unique=True, default=new_id, editable=False)
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="prepayments", verbose_name=_("customer"))
    idempotency_key = models.CharField(_("idempotency key"), max_length=80)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    due_fen = models.PositiveIntegerField(_("due, in fen"))
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    plan_version = models.ForeignKey(
        PlanVersion, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("plan version")
    )
    months = models.PositiveSmallIntegerField(_("months"), default=0)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.PENDING)
    placed_at = models.DateTimeField(_("placed"))
    price_until_at = models.DateTimeField(_("price holds until"))
    settled_at = models.DateTimeField(pgettext_lazy("when", "settled"), null=True, blank=True)

    class Meta:
        verbose_name = _("prepayment")
        verbose_name_plural = _("prepayments")
        ordering = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["price_until_at"], condition=Q(state="pending"), name="prepayment_due")
        ]
        constraints = [
            models.UniqueConstraint(fields=["customer", "idempotency_key"], name="one_prepayment_a_key"),
            models.CheckConstraint(condition=Q(due_fen__gt=0), name="prepayment_brings_something"),
            models.CheckConstraint(
                condition=Q(state__in=["pending", "expired", "cancelled"], settled_at__isnull=True)
                | Q(state="settled", settled_at__isnull=False),
                name="prepayment_state_is_known",
            ),
            models.CheckConstraint(
                condition=Q(kind="balance", plan_version__isnull=True, months=0)
                | Q(kind="gift", plan_version__isnull=False, months__gte=MIN_MONTHS, months__lte=MAX_MONTHS),
                name="prepayment_of_a_known_kind",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.public_id[:8]} {self.get_kind_display()} {self.get_state_display()}"

    @property
    @display(description=_("to pay"))
    def due(self) -> str:
        """Return what is due in CNY, as people write it."""
        return yuan(self.due_fen)

    @property
    def cash_fen(self) -> int:
        """Return what a gateway has to bring: all of it."""
        return self.due_fen


class GiftBatch(models.Model):
    """Gift codes that the shop made together, for one version of a plan."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    plan_version = models.ForeignKey(PlanVersion, models.PROTECT, related_name="+", verbose_name=_("plan version"))
    months = models.PositiveSmallIntegerField(_("months"))
    count = models.PositiveIntegerField(_("number of codes"))
    expires_at = models.DateTimeField(_("expires"))
    reason = models.CharField(_("reason"), max_length=200)
    made_at = models.DateTimeField(_("made"))
    made_by = models.ForeignKey(Customer, models.PROTECT, related_name="+", verbose_name=_("made by"))

    class Meta:
        verbose_name = _("batch of gift codes")
        verbose_name_plural = _("batches of gift codes")
        ordering = ["-id"]
        permissions: ClassVar = [("make_gifts", "Can make gift codes, take them away as a file, and void them")]
        constraints = [
            models.CheckConstraint(
                condition=Q(months__gte=MIN_MONTHS, months__lte=MAX_MONTHS, count__gt=0), name="gift_batch_gives"
            )
        ]

    def __str__(self) -> str:
        return self.name


class GiftCode(models.Model):
    """A code that gives a plan for some months, once: made in a batch, or bought. new -> redeemed | void."""

    class State(models.TextChoices):
        NEW = "new", _("not redeemed")
        REDEEMED = "redeemed", _("redeemed")
        VOID = "void", _("void")

    code = models.CharField(_("code"), max_length=24, unique=True)
    batch = models.ForeignKey(
        GiftBatch, models.PROTECT, null=True, blank=True, related_name="codes", verbose_name=_("batch")
    )
    bought_with = models.OneToOneField(
        Prepayment, models.PROTECT, null=True, blank=True, related_name="gift", verbose_name=_("bought with")
    )
    plan_version = models.ForeignKey(PlanVersion, models.PROTECT, related_name="+", verbose_name=_("plan version"))
    months = models.PositiveSmallIntegerField(_("months"))
    expires_at = models.DateTimeField(_("expires"))
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.NEW)
    redeemed_with = models.OneToOneField(
        Purchase, models.PROTECT, null=True, blank=True, related_name="gift", verbose_name=_("redeemed with")
    )
    ended_at = models.DateTimeField(_("redeemed or voided"), null=True, blank=True)
    why = models.CharField(_("why"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("gift code")
        verbose_name_plural = _("gift codes")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="redeemed", redeemed_with__isnull=False, ended_at__isnull=False)
                | Q(state="new", redeemed_with__isnull=True, ended_at__isnull=True)
                | Q(state="void", redeemed_with__isnull=True, ended_at__isnull=False),
                name="gift_code_state_is_known",
            ),
            models.CheckConstraint(
                condition=Q(batch__isnull=False, bought_with__isnull=True)
                | Q(batch__isnull=True, bought_with__isnull=False),
                name="gift_code_was_made_or_bought",
            ),
        ]

    def __str__(self) -> str:
        return f"…{self.code[-4:]} {self.get_state_display()}"


class AutoRenewal(models.Model):
    """A chain of grants is extended from the balance before it ends, as long as the customer wants it."""

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="renewals", verbose_name=_("customer"))
    root = models.OneToOneField(
        "Grant", models.PROTECT, related_name="renewal", verbose_name=_("first grant of the chain")
    )
    months = models.PositiveSmallIntegerField(_("months"), default=1)
    on = models.BooleanField(_("renews by itself"), default=True)
    changed_at = models.DateTimeField(_("changed"))

    class Meta:
        verbose_name = _("automatic renewal")
        verbose_name_plural = _("automatic renewals")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(months__gte=MIN_MONTHS, months__lte=MAX_MONTHS), name="renewal_months_in_range"
            )
        ]

    def __str__(self) -> str:
        return f"#{self.root_id}: {self.months}"


class RenewalStep(AppendOnly):
    """What was done, and said, about one end of a chain that renews by itself. Each step is taken once."""

    class Step(models.TextChoices):
        AHEAD = "ahead", _("announced")
        RENEWED = "renewed", _("renewed")
        FAILED = "failed", _("not renewed")

    renewal = models.ForeignKey(AutoRenewal, models.PROTECT, related_name="steps", verbose_name=_("automatic renewal"))
    ends_at = models.DateTimeField(_("end of the chain"))
    step = models.CharField(_("step"), max_length=8, choices=Step)
    at = models.DateTimeField(_("at"))
    why = models.CharField(_("why"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("step of a renewal")
        verbose_name_plural = _("steps of renewals")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["renewal", "ends_at", "step"], name="one_renewal_step_an_end")]

    def __str__(self) -> str:
        return f"{self.get_step_display()} {self.ends_at:%Y-%m-%d}"
