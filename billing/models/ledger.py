"""Double entry: what the shop has and owes. Entries and lines are only added; PostgreSQL checks that they balance."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.domain.pricing import yuan
from billing.models import words
from billing.models.append_only import AppendOnly
from nodes.models.words import WordField, shown

MOST_FEN = 10**12


class LedgerAccount(models.Model):
    """An account: `gateway:alipay`, `deferred`, `suspense:wechat`; what they are is in billing.domain.ledger."""

    code = models.CharField(_("account"), max_length=80, unique=True)
    normal = models.SmallIntegerField(_("normal side"), help_text=_("1: debit (assets, cost); -1: credit."))
    may_go_below_zero = models.BooleanField(_("may go below zero"), default=True)

    class Meta:
        verbose_name = _("ledger account")
        verbose_name_plural = _("ledger accounts")
        ordering = ["code"]
        constraints = [models.CheckConstraint(condition=Q(normal__in=[1, -1]), name="ledger_account_has_a_side")]

    def __str__(self) -> str:
        return words.account_title(self.code)


class LedgerEntry(AppendOnly):
    """Something that happened to money, once: (kind, source) never comes twice."""

    kind = WordField(_("kind"), max_length=30, words=words.ENTRIES)
    source = models.CharField(_("source"), max_length=300)
    posted_at = models.DateTimeField(_("posted"))

    class Meta:
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger entries")
        ordering = ["-id"]
        permissions: ClassVar = [("export_ledger", "Can take away ledger lines and payment facts")]
        constraints = [models.UniqueConstraint(fields=["kind", "source"], name="one_ledger_entry_a_source")]

    def __str__(self) -> str:
        return f"{shown(self, 'kind')} {self.source[:40]}"


class LedgerLine(AppendOnly):
    """A part of an entry: positive is debit, negative is credit; those of an entry sum to zero."""

    entry = models.ForeignKey(LedgerEntry, models.PROTECT, related_name="lines", verbose_name=_("entry"))
    account = models.ForeignKey(LedgerAccount, models.PROTECT, related_name="lines", verbose_name=_("account"))
    amount_fen = models.BigIntegerField(_("amount, in fen"))

    class Meta:
        verbose_name = _("ledger line")
        verbose_name_plural = _("ledger lines")
        ordering = ["id"]
        indexes: ClassVar = []
        constraints = [
            models.CheckConstraint(
                condition=~Q(amount_fen=0) & Q(amount_fen__gt=-MOST_FEN, amount_fen__lt=MOST_FEN),
                name="ledger_line_moves_something",
            )
        ]

    def __str__(self) -> str:
        return f"{self.account} {yuan(self.amount_fen)}"


class LedgerBalance(models.Model):
    """The balance of an account that may not go below zero; kept by a trigger, never written by the shop."""

    account = models.OneToOneField(LedgerAccount, models.PROTECT, primary_key=True, related_name="balance")
    balance_fen = models.BigIntegerField(_("balance, in fen"), default=0)

    class Meta:
        verbose_name = _("balance")
        verbose_name_plural = _("balances")

    def __str__(self) -> str:
        return f"{self.account} {yuan(self.balance_fen)}"


class Reconciliation(AppendOnly):
    """What a look over all money found: a provider's bill of a day, or the shop's own invariants (provider "")."""

    provider = WordField(_("provider"), max_length=20, blank=True, words=words.BOOKS)
    day = models.DateField(_("day"))
    digest = models.CharField(_("file"), max_length=64)
    at = models.DateTimeField(_("at"))
    matched = models.PositiveIntegerField(_("matched"), default=0)
    differences = models.JSONField(_("differences"), default=list)

    class Meta:
        verbose_name = _("reconciliation")
        verbose_name_plural = _("reconciliations")
        ordering = ["-id"]
        permissions: ClassVar = [("check_books", "Can look over the books and read bills")]

    def __str__(self) -> str:
        return f"{shown(self, 'provider')} {self.day}: {len(self.differences)}"
