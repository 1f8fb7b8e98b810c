"""What people read in place of the codes of money: gateways, what happened, and the accounts of the ledger."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

GATEWAYS = {
    "alipay": _("Alipay"), "wechat": _("WeChat Pay"), "stripe": _("Card (Stripe)"), "transfer": _("Bank transfer"),
    "demo": pgettext_lazy("a gateway", "Demonstration"),
    "sandbox": pgettext_lazy("a gateway", "Sandbox"), "balance": pgettext_lazy("a gateway", "Balance"),
}  # fmt: skip
# Whose money a look over the books was about: the shop's own is no provider's.
BOOKS = {**GATEWAYS, "": _("the shop's own books")}
METHODS = {
    "page": _("on the gateway's page"), "qr": _("by a QR code"), "bridge": _("inside WeChat"),
    "transfer": _("by bank transfer"), "balance": _("from the balance"),
}  # fmt: skip
FACTS = {
    "paid": _("paid"), "declined": _("declined"), "closed": pgettext_lazy("a try to pay", "closed"),
    "refunded": _("paid back"), "refund_failed": _("refund failed"), "disputed": _("disputed at the bank"),
    "dispute_withdrawn": _("taken back by the bank"), "dispute_reinstated": _("returned by the bank"),
    "dispute_won": _("dispute won"), "dispute_lost": _("dispute lost"),
}  # fmt: skip
ENTRIES = {
    "payment": _("payment"), "rounding": _("rounded off"), "reserved": _("reserved of a balance"),
    "released": _("reserved money given back"), "given up": _("balance given up"), "gift_redeemed": _("gift redeemed"),
    "gift_lost": _("gift lost to a dispute"), "commission": _("commission earned"),
    "commission_ended": _("commission paid or void"), "dispute_held": _("held while a bank asks"),
    "dispute_hold_ended": _("hold ended"), "dispute_withdrawn": _("taken back by the bank"),
    "dispute_reinstated": _("returned by the bank"), "refund_decided": _("refund decided"),
    "refund_done": _("refund paid out"), "refund_failed": _("refund failed"),
    "console_refund": _("refunded in a gateway's console"), "fee": _("fee of a gateway"),
    "suspense": _("money in suspense"), "suspense_used": _("money in suspense used"),
}  # fmt: skip
ACCOUNTS = {
    "gateway": _("gateway"), "bank": pgettext_lazy("an account", "bank"), "fees": _("fees of gateways"),
    "rounding": _("rounded off"), "dispute_loss": _("lost to disputes"), "commissions": _("commissions"),
    "reserved": _("reserved for orders"), "gift_codes": _("gift codes not redeemed"),
    "commission_due": _("commissions due"), "balance": _("balances of customers"), "suspense": _("money in suspense"),
    "refund_due": _("refunds due"), "deferred": _("paid in advance"), "revenue": _("Revenue"),
}  # fmt: skip


def account_title(code: str) -> str:
    """Return an account's name for people: `gateway:alipay` is the gateway Alipay; what has no word stays a code."""
    account, _slash, currency = code.partition("/")
    kind, _colon, name = account.partition(":")
    said = [str(ACCOUNTS.get(kind, kind)), str(GATEWAYS.get(name, name)), currency]
    return " · ".join(filter(None, said))
