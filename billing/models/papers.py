"""Papers: who buys, as receipts and fapiao name it; requests for fapiao; and which reminders were said."""

from typing import ClassVar

from django.contrib.admin import display
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Customer
from billing.domain.pricing import exact_yuan
from billing.models.append_only import AppendOnly
from billing.models.orders import Purchase
from billing.models.rights import Grant


class BuyerTitle(models.Model):
    """Whom a customer's papers name. Remembered from the last form; a fapiao keeps its own copy."""

    class Kind(models.TextChoices):
        COMPANY = "company", _("company")
        PERSON = "person", _("person")

    customer = models.OneToOneField(Customer, models.PROTECT, primary_key=True, related_name="title")
    kind = models.CharField(_("kind of buyer"), max_length=8, choices=Kind, default=Kind.COMPANY)
    title = models.CharField(pgettext_lazy("a fapiao", "title"), max_length=100, blank=True)
    tax_number = models.CharField(_("tax number"), max_length=18, blank=True)
    mail = models.EmailField(_("sent to"), max_length=254, blank=True)

    class Meta:
        verbose_name = _("buyer's title")
        verbose_name_plural = _("buyers' titles")

    def __str__(self) -> str:
        return self.title


class FapiaoRequest(models.Model):
    """Somebody asks for a fapiao on what was spent, several orders in one. asked -> issued -> reversed, or withdrawn.

    A fapiao never changes once it is issued: what is paid back afterwards takes a red-letter one (FapiaoReversal).
    """

    class State(models.TextChoices):
        ASKED = "asked", _("asked for")
        ISSUED = "issued", _("has been issued")
        REVERSED = "reversed", _("cancelled by a red letter")
        WITHDRAWN = "withdrawn", _("withdrawn")

    number = models.CharField(_("request number"), max_length=32, unique=True)
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="fapiao", verbose_name=_("customer"))
    kind = models.CharField(_("kind of buyer"), max_length=8, choices=BuyerTitle.Kind)
    title = models.CharField(pgettext_lazy("a fapiao", "title"), max_length=100)
    tax_number = models.CharField(_("tax number"), max_length=18, blank=True)
    mail = models.EmailField(_("sent to"), max_length=254, blank=True)
    amount_fen = models.PositiveBigIntegerField(_("amount, in fen"))  # of its lines; fixed when it is issued
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.ASKED)
    asked_at = models.DateTimeField(_("asked"))
    fapiao_number = models.CharField(_("fapiao number"), max_length=40, blank=True)
    link = models.CharField(_("link"), max_length=500, blank=True)
    issued_at = models.DateTimeField(pgettext_lazy("a fapiao", "issued"), null=True, blank=True)
    issued_by = models.ForeignKey(
        Customer, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("issued by")
    )
    ended_at = models.DateTimeField(pgettext_lazy("a request", "ended"), null=True, blank=True)
    why = models.CharField(_("why"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("fapiao request")
        verbose_name_plural = _("fapiao requests")
        ordering = ["-id"]
        permissions: ClassVar = [("issue_fapiao", "Can issue fapiao, cancel them by red letters, and refuse requests")]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["asked", "issued", "reversed", "withdrawn"]), name="fapiao_state_is_known"
            ),
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="fapiao_is_on_something"),
            models.CheckConstraint(
                condition=Q(kind="person") | (Q(kind="company") & ~Q(tax_number="")),
                name="fapiao_of_a_company_has_a_tax_number",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["asked", "withdrawn"]) | (Q(issued_at__isnull=False) & ~Q(fapiao_number="")),
                name="fapiao_that_was_issued_has_a_number",
            ),
            models.UniqueConstraint(
                fields=["fapiao_number"], condition=~Q(fapiao_number=""), name="one_fapiao_a_number"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.get_state_display()}"

    @property
    @display(description=_("amount"))
    def amount(self) -> str:
        """The amount in yuan, to the fen."""
        return exact_yuan(self.amount_fen)

    def file_of(self) -> "FapiaoFile | None":
        """Return its file, if one was given."""
        return FapiaoFile.objects.filter(request=self).first()


class FapiaoLine(models.Model):
    """What of an order stands on a fapiao. An order is on one living request at most."""

    request = models.ForeignKey(FapiaoRequest, models.PROTECT, related_name="lines", verbose_name=_("fapiao request"))
    purchase = models.ForeignKey(Purchase, models.PROTECT, related_name="fapiao_lines", verbose_name=_("purchase"))
    amount_fen = models.PositiveBigIntegerField(_("amount, in fen"))
    live = models.BooleanField(_("counts"), default=True)

    class Meta:
        verbose_name = _("fapiao line")
        verbose_name_plural = _("fapiao lines")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["purchase"], condition=Q(live=True), name="one_live_fapiao_an_order"),
            models.UniqueConstraint(fields=["request", "purchase"], name="one_fapiao_line_an_order"),
        ]

    def __str__(self) -> str:
        return f"{self.purchase_id}: {exact_yuan(self.amount_fen)}"


class FapiaoReversal(AppendOnly):
    """A red-letter fapiao: cancels a part of an issued one, or all of it."""

    request = models.ForeignKey(
        FapiaoRequest, models.PROTECT, related_name="reversals", verbose_name=_("fapiao request")
    )
    red_number = models.CharField(_("red-letter number"), max_length=40, unique=True)
    amount_fen = models.PositiveBigIntegerField(_("amount, in fen"))
    at = models.DateTimeField(_("at"))
    by = models.ForeignKey(Customer, models.PROTECT, related_name="+", verbose_name=_("by"))

    class Meta:
        verbose_name = _("red-letter fapiao")
        verbose_name_plural = _("red-letter fapiao")
        ordering = ["id"]
        constraints = [models.CheckConstraint(condition=Q(amount_fen__gt=0), name="red_letter_cancels_something")]

    def __str__(self) -> str:
        return f"{self.red_number}: {exact_yuan(self.amount_fen)}"


class FapiaoFile(models.Model):
    """The fapiao itself, as finance had it from the tax platform."""

    request = models.OneToOneField(FapiaoRequest, models.PROTECT, primary_key=True, related_name="+")
    name = models.CharField(_("file name"), max_length=120)
    content_type = models.CharField(pgettext_lazy("a file", "content type"), max_length=60)
    body = models.BinaryField(_("file"))

    class Meta:
        verbose_name = _("fapiao file")
        verbose_name_plural = _("fapiao files")

    def __str__(self) -> str:
        return self.name


class EndNotice(AppendOnly):
    """A reminder that a chain ends was said: once by (the chain's last grant, its end, step)."""

    class Step(models.TextChoices):
        WEEK = "week", _("a week before")
        DAY = "day", _("the day before")
        TODAY = "today", _("on the day")
        WAY_BACK = "way_back", _("days after")

    grant = models.ForeignKey(Grant, models.PROTECT, related_name="end_notices", verbose_name=_("grant"))
    ends_at = models.DateTimeField(_("ends"))
    step = models.CharField(_("step"), max_length=10, choices=Step)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("reminder of an end")
        verbose_name_plural = _("reminders of ends")
        constraints = [
            models.UniqueConstraint(fields=["grant", "ends_at", "step"], name="one_notice_of_an_end"),
            models.CheckConstraint(
                condition=Q(step="way_back", at__gt=F("ends_at")) | (~Q(step="way_back") & Q(at__lt=F("ends_at"))),
                name="notice_is_before_the_end_or_after",
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.grant_id} {self.get_step_display()}"
