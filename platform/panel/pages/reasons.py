"""What services refuse, as sentences for a buyer."""

from django.utils.translation import gettext as _

from billing.domain.pricing import yuan
from billing.errors import (
    BadPurchase,
    BalanceTooSmall,
    CouponRefused,
    GiftRefused,
    IdempotencyKeyReused,
    MarketNotSold,
    PaymentsOff,
    PlanNotOnSale,
    PriceChanged,
    TermsEnded,
    TooFarAhead,
    TooManyOrders,
    TrialRefused,
    UpgradeRefused,
)
from kernel.errors import PlatformError
from nodes.errors import NodeNotOffered


def reason(error: PlatformError) -> str:
    """Return why something cannot be bought, and what to do."""
    if isinstance(error, CouponRefused):
        return coupon_reason(str(error.fields.get("reason", "")))
    if isinstance(error, GiftRefused):
        return _gift_reason(str(error.fields.get("reason", "")))
    if isinstance(error, TrialRefused):
        return _trial_reason(str(error.fields.get("reason", "")))
    if isinstance(error, PriceChanged):
        return _(
            "The price has changed since this page was opened: it is ¥%(due)s now. Look at it, and press again."
        ) % {"due": yuan(error.fields["due_fen"])}
    if isinstance(error, BadPurchase) and "least_fen" in error.fields:
        return _("A top-up is ¥%(least)s to ¥%(most)s.") % {
            "least": yuan(error.fields["least_fen"]),
            "most": yuan(error.fields["most_fen"]),
        }
    known = {
        NodeNotOffered: _("This node cannot take this pack at present. Choose another one."),
        MarketNotSold: _("This pack is not on sale at present."),
        PlanNotOnSale: _("This pack is not on sale any more."),
        TooFarAhead: _("Nothing is sold for more than 24 months ahead. Choose fewer months."),
        TermsEnded: _("This pack is not continued on its old terms any more. Choose one of the present packs."),
        TooManyOrders: _(
            "You have placed many orders in a short time. Pay or cancel those that wait, or come back in an hour."
        ),
        IdempotencyKeyReused: _("This form was sent before with another choice. Check your choice and send it again."),
        PaymentsOff: _("This shop takes no payments at present."),
        UpgradeRefused: _(
            "This pack cannot take the place of the one you have: it must be larger, and yours in force."
        ),
        BalanceTooSmall: _("Your balance does not cover this. Top it up first."),
    }
    found = next((text for kind, text in known.items() if isinstance(error, kind)), None)
    return found or _("This purchase is not possible: %(why)s") % {"why": error.message}


def coupon_reason(why: str) -> str:
    """Return why a coupon does not count, by the word of CouponRefused."""
    return {
        "unknown": _("There is no such coupon."),
        "not_valid": _("This coupon is not valid at present."),
        "ended": _("This coupon has ended."),
        "other_plan": _("This coupon is for other packs."),
        "used_up": _("This coupon is used up."),
        "used_by_you": _("You have used this coupon already."),
    }.get(why, _("This coupon cannot be used."))


def _gift_reason(why: str) -> str:
    return {
        "unknown": _("There is no such gift code. Check it letter by letter."),
        "redeemed": _("This gift code was redeemed already."),
        "void": _("This gift code is void. Ask who gave it to you."),
        "expired": _("This gift code has ended."),
        "too_many_tries": _("You have tried many codes. Come back in an hour."),
    }.get(why, _("This gift code cannot be redeemed."))


def _trial_reason(why: str) -> str:
    return {
        "none": _("There is no trial of this pack."),
        "had_one": _("You have had a trial, or have ordered one."),
        "phone_had_one": _("This phone number has had a trial."),
    }.get(why, _("There is no trial for you."))
