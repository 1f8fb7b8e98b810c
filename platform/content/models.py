"""Texts with their versions, who sells, and announcements with what became of them."""

from typing import ClassVar

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from billing.models import AppendOnly
from kernel.scope import MARKETS
from nodes.models.rules import Rule
from nodes.models.words import MARKET_NAMES, WordField


class Page(models.TextChoices):
    """The texts that a seller edits."""

    TERMS = "terms", _("Terms of service")
    PRIVACY = "privacy", _("Privacy")
    REFUNDS = "refunds", _("Refund rules")
    CONTACT = "contact", _("Contact")
    QUESTIONS = "questions", _("Questions")


class TextVersion(AppendOnly):
    """What a page says from a moment on, in both languages; the newest one is shown, the older ones stay."""

    page = models.CharField(_("page"), max_length=12, choices=Page)
    body_en = models.TextField(_("text in English"), max_length=60_000)
    body_zh = models.TextField(_("text in Chinese"), max_length=60_000)
    checked = models.BooleanField(_("checked by the seller"), default=False)
    note = models.CharField(_("what is new"), max_length=200, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("written by"))
    at = models.DateTimeField(_("written"))

    class Meta:
        verbose_name = _("page text")
        verbose_name_plural = _("page texts")
        ordering = ["-id"]
        indexes: ClassVar = [models.Index(fields=["page", "-id"], name="newest_text_of_page")]
        permissions: ClassVar = [("write_text", "Can write the texts of pages")]

    def __str__(self) -> str:
        return f"{self.get_page_display()} {self.at:%Y-%m-%d %H:%M}"


class ShopDetails(models.Model):
    """Who sells, as the foot of every page prints it; what is empty is not printed. One row at most."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    company = models.CharField(pgettext_lazy("the shop", "company"), max_length=120, blank=True)
    address = models.CharField(_("address"), max_length=200, blank=True)
    icp = models.CharField(
        _("ICP number"), max_length=60, blank=True, help_text=_("As it was granted, like 沪ICP备12345678号-1.")
    )
    police = models.CharField(
        _("public security number"), max_length=60, blank=True, help_text=_("Like 沪公网安备 31010102001234号.")
    )
    mail = models.EmailField(_("contact mail"), max_length=120, blank=True)
    phone = models.CharField(
        _("contact phone"),
        max_length=40,
        blank=True,
        validators=[RegexValidator(r"^[0-9+() -]{5,40}$", _("Digits, spaces, +, - and brackets."))],
    )

    class Meta:
        verbose_name = _("foot of the pages")
        verbose_name_plural = _("foot of the pages")
        constraints = [
            Rule(
                condition=models.Q(id=1),
                told=_("There is one of these alone."),
                name="one_row_of_shop_details",
            )
        ]

    def __str__(self) -> str:
        return self.company or str(_("foot of the pages"))

    @property
    def police_code(self) -> str:
        """Return the digits that the register of public security is asked with."""
        return "".join(letter for letter in self.police if letter in "0123456789")


class Announcement(AppendOnly):
    """What an operator tells about the service; what becomes of it stands in its updates."""

    class Kind(models.TextChoices):
        INFO = "info", _("information")
        PLANNED = "planned", _("planned work")
        INCIDENT = "incident", _("incident")

    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    title_en = models.CharField(_("title in English"), max_length=120)
    title_zh = models.CharField(_("title in Chinese"), max_length=120)
    market = WordField(
        _("market"), max_length=8, blank=True, words=MARKET_NAMES, choices=[(market, market) for market in MARKETS]
    )
    group = models.ForeignKey(
        "nodes.NodeGroup", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("node group")
    )
    starts_at = models.DateTimeField(_("begins"))
    ends_at = models.DateTimeField(_("ends"), null=True, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("written by"))
    at = models.DateTimeField(_("written"))

    class Meta:
        verbose_name = _("announcement")
        verbose_name_plural = _("announcements")
        ordering = ["-id"]
        permissions: ClassVar = [("announce", "Can announce to everybody, with mails")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind__in=["info", "planned", "incident"]), name="announcement_kind_is_known"
            ),
            models.CheckConstraint(
                condition=models.Q(ends_at=None) | models.Q(ends_at__gt=models.F("starts_at")),
                name="announcement_ends_after_it_begins",
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.title_en}"


class AnnouncementUpdate(AppendOnly):
    """What is said of an announcement: first with it, then as it goes on, at last that it is over."""

    announcement = models.ForeignKey(
        Announcement, models.PROTECT, related_name="updates", verbose_name=_("announcement")
    )
    text_en = models.TextField(_("text in English"), max_length=2000)
    text_zh = models.TextField(_("text in Chinese"), max_length=2000)
    resolves = models.BooleanField(_("it is over"), default=False)
    mailed = models.BooleanField(_("with a mail"), default=False)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("written by"))
    at = models.DateTimeField(_("written"))

    class Meta:
        verbose_name = _("update of an announcement")
        verbose_name_plural = _("updates of announcements")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["announcement"], condition=models.Q(resolves=True), name="announcement_is_resolved_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.announcement_id}/{self.pk}"
