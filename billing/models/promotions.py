"""What makes a pack cheaper or leads people to it: coupons, longer terms, trials, invitations."""

from typing import ClassVar

from django.contrib.admin import display
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Customer
from billing.domain.pricing import MAX_MONTHS, yuan
from billing.models.catalogue import Plan
from billing.models.orders import Purchase
from nodes.models.rules import OnlyOne, Rule

PERCENT = (MinValueValidator(1), MaxValueValidator(100))


class Coupon(models.Model):
    """A code that takes something off a price: a percentage or an amount."""

    code = models.CharField(
        _("code"), max_length=24, unique=True, validators=[RegexValidator(r"^[A-Z0-9-]{3,24}\Z")],
        help_text=_("3 to 24 capitals, digits and hyphens; buyers may type small letters."),
    )  # fmt: skip
    percent = models.PositiveSmallIntegerField(_("percent off"), null=True, blank=True, validators=[*PERCENT])
    off_fen = models.PositiveIntegerField(
        _("amount off, in fen"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    limit = models.PositiveIntegerField(
        _("times in all"), null=True, blank=True, help_text=_("Empty: as often as people like.")
    )
    per_customer = models.PositiveIntegerField(_("times a customer"), default=1, validators=[MinValueValidator(1)])
    plans = models.ManyToManyField(Plan, blank=True, verbose_name=_("plans"), help_text=_("None: every plan."))
    starts_at = models.DateTimeField(_("starts"), null=True, blank=True)
    ends_at = models.DateTimeField(_("ends"), null=True, blank=True)
    active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("coupon")
        verbose_name_plural = _("coupons")
        ordering = ["-id"]
        constraints = [
            Rule(
                condition=Q(percent__isnull=False, off_fen__isnull=True, percent__gte=1, percent__lte=100)
                | Q(percent__isnull=True, off_fen__isnull=False, off_fen__gte=1),
                told=_("A coupon takes either a percentage or an amount off: fill in one of them."),
                name="coupon_takes_a_percentage_or_an_amount_off",
            ),
            Rule(
                condition=Q(per_customer__gt=0),
                told=_("A coupon can be used once or more by each customer."),
                name="coupon_can_be_used",
            ),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    @display(description=_("takes off"))
    def off(self) -> str:
        """Return what it takes off, as people write it."""
        return f"{self.percent} %" if self.percent else f"¥{yuan(self.off_fen or 0)}"


class CouponUse(models.Model):
    """A coupon on an order. reserved -> used, or -> freed; freed -> reserved where money comes late."""

    class State(models.TextChoices):
        RESERVED = "reserved", _("reserved by an order that waits")
        USED = "used", _("used")
        FREED = "freed", _("free again")

    coupon = models.ForeignKey(Coupon, models.PROTECT, related_name="uses", verbose_name=_("coupon"))
    purchase = models.OneToOneField(Purchase, models.PROTECT, related_name="coupon_use", verbose_name=_("purchase"))
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="+", verbose_name=_("customer"))
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.RESERVED)
    changed_at = models.DateTimeField(_("changed"))

    class Meta:
        verbose_name = _("use of a coupon")
        verbose_name_plural = _("uses of coupons")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["reserved", "used", "freed"]), name="coupon_use_state_is_known"
            )
        ]

    def __str__(self) -> str:
        return f"{self.coupon} {self.get_state_display()}"


class TermDiscount(models.Model):
    """From so many months on a pack costs so much less. The largest that fits counts."""

    plan = models.ForeignKey(
        Plan, models.CASCADE, null=True, blank=True, related_name="term_discounts", verbose_name=_("plan"),
        help_text=_("Empty: every plan."),
    )  # fmt: skip
    months = models.PositiveSmallIntegerField(
        _("from so many months"), validators=[MinValueValidator(2), MaxValueValidator(MAX_MONTHS)]
    )
    percent = models.PositiveSmallIntegerField(
        _("percent off"), validators=[MinValueValidator(1), MaxValueValidator(90)]
    )

    class Meta:
        verbose_name = _("discount for longer terms")
        verbose_name_plural = _("discounts for longer terms")
        ordering = ["months", "plan"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "months"], name="one_term_discount"),
            OnlyOne(
                fields=["months"],
                condition=Q(plan=None),
                told=_("There is a discount of every pack for so many months already."),
                name="one_term_discount_of_every_plan",
            ),
            Rule(
                condition=Q(months__gte=2, months__lte=MAX_MONTHS, percent__gte=1, percent__lte=90),
                told=_("A discount is for 2 to 24 months and takes 1 to 90 percent off."),
                name="term_discount_in_range",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.months}: {self.percent} %"


class TrialOffer(models.Model):
    """A plan to try for some days: free for a verified phone number, or for a small price. Once each."""

    plan = models.OneToOneField(Plan, models.CASCADE, related_name="trial", verbose_name=_("plan"))
    days = models.PositiveSmallIntegerField(_("days"), validators=[MinValueValidator(1), MaxValueValidator(31)])
    price_fen = models.PositiveIntegerField(
        _("price without a verified phone, in fen"), default=100, validators=[MinValueValidator(1)]
    )
    active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("trial offer")
        verbose_name_plural = _("trial offers")
        constraints = [
            Rule(
                condition=Q(days__gte=1, days__lte=31, price_fen__gte=1),
                told=_("A trial has 1 to 31 days, and a price above nothing for who has no verified phone."),
                name="trial_in_range",
            )
        ]

    def __str__(self) -> str:
        return f"{self.plan}: {self.days}"


class Trial(models.Model):
    """Who has had a trial: one a customer, one a phone number. The number is kept as a digest alone."""

    customer = models.OneToOneField(Customer, models.PROTECT, related_name="trial", verbose_name=_("customer"))
    purchase = models.OneToOneField(Purchase, models.PROTECT, related_name="trial", verbose_name=_("purchase"))
    phone_digest = models.CharField(_("digest of the phone number"), max_length=64, null=True, blank=True, unique=True)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("trial")
        verbose_name_plural = _("trials")
        ordering = ["-id"]

    def __str__(self) -> str:
        return str(self.purchase)


class InviteCode(models.Model):
    """What a customer gives to others."""

    customer = models.OneToOneField(Customer, models.PROTECT, related_name="invite", verbose_name=_("customer"))
    code = models.CharField(_("code"), max_length=16, unique=True)

    class Meta:
        verbose_name = _("invite code")
        verbose_name_plural = _("invite codes")

    def __str__(self) -> str:
        return self.code


class Invitation(models.Model):
    """Who came by whose code."""

    inviter = models.ForeignKey(Customer, models.PROTECT, related_name="invited", verbose_name=_("invited by"))
    invitee = models.OneToOneField(Customer, models.PROTECT, related_name="invitation", verbose_name=_("customer"))
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=~Q(inviter=models.F("invitee")), name="nobody_invites_themselves")
        ]

    def __str__(self) -> str:
        return f"{self.inviter_id} → {self.invitee_id}"


class Commission(models.Model):
    """What an inviter earns by a purchase. held -> paid, or -> void where the money went back before."""

    class State(models.TextChoices):
        HELD = "held", _("held until refunds are over")
        PAID = "paid", _("in the balance")
        VOID = "void", _("void")

    inviter = models.ForeignKey(Customer, models.PROTECT, related_name="commissions", verbose_name=_("invited by"))
    purchase = models.OneToOneField(Purchase, models.PROTECT, related_name="commission", verbose_name=_("purchase"))
    percent = models.PositiveSmallIntegerField(_("percent"), validators=[*PERCENT])
    amount_fen = models.PositiveIntegerField(_("amount, in fen"))
    paid_fen = models.PositiveIntegerField(_("paid, in fen"), default=0)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.HELD)
    earned_at = models.DateTimeField(_("earned"))
    due_at = models.DateTimeField(pgettext_lazy("a commission", "due"))
    ended_at = models.DateTimeField(_("paid or voided"), null=True, blank=True)

    class Meta:
        verbose_name = _("commission")
        verbose_name_plural = _("commissions")
        ordering = ["-id"]
        indexes: ClassVar = [models.Index(fields=["due_at"], condition=Q(state="held"), name="commission_held")]
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_fen__gt=0, paid_fen__lte=models.F("amount_fen")), name="commission_pays"
            ),
            models.CheckConstraint(
                condition=Q(state="held", ended_at__isnull=True)
                | Q(state__in=["paid", "void"], ended_at__isnull=False),
                name="commission_state_is_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{yuan(self.amount_fen)} {self.get_state_display()}"
