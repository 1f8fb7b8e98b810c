"""The shop's branch of the error tree.

PlatformError
    Refused        PlanNotOnSale, TermsEnded, MarketNotSold, IdempotencyKeyReused, NotThatGrant, GrantIsExtended,
                   TooFarAhead, AmountMismatch, NoEntitlement, TokenGone, TooManyTokens, PaymentsOff, GatewayRefused,
                   TooManyOrders, RefundRefused, SecondPersonNeeded, LedgerRefused,
                   NothingToGive, NotThatMoney, AlreadyDecided, UpgradeRefused, CouponRefused, PriceChanged,
                   BalanceTooSmall, GiftRefused (TooManyGiftTries), TrialRefused, InviteRefused, NoReceipt,
                   AlreadyOnFapiao, NoSuchOrder
    Malformed      BadPurchase, BadTokenRequest, BadNotice, BadBill, BadFapiao, BadCursor, IdempotencyKeyMissing
    Unavailable    GatewayUnavailable
"""

from kernel.errors import Malformed, Refused, Unavailable


class PlanNotOnSale(Refused):
    message = "This plan is not on sale"
    code = "plan_not_on_sale"


class TermsEnded(Refused):
    """Takes plan, and until when its buyers could extend it."""

    message = "These terms are not continued any more; choose one of the present plans"
    code = "terms_ended"


class MarketNotSold(Refused):
    """Takes markets: those whose data may not be sold at present."""

    message = "This plan is not on sale at present: the data of one of its markets is not licensed"
    code = "market_not_sold"


class IdempotencyKeyReused(Refused):
    message = "This idempotency key was used for another purchase; take a new key"
    code = "idempotency_key_reused"
    http_status = 422


class NotThatGrant(Refused):
    message = "This grant is not yours, or belongs to another plan or node group"
    code = "not_that_grant"
    http_status = 404


class GrantIsExtended(Refused):
    message = "A later grant continues this one; close that one first"
    code = "grant_is_extended"


class TooFarAhead(Refused):
    """Takes until: how far the time that is paid for would reach."""

    message = "Nothing is sold for more than 24 months ahead"
    code = "too_far_ahead"


class AmountMismatch(Refused):
    message = "The gateway took another amount than what is due"
    code = "amount_mismatch"


class NoEntitlement(Refused):
    message = "Nothing was ever bought on this node group, so there is nothing to sign"
    code = "no_entitlement"
    http_status = 403


class TokenGone(Refused):
    message = "This token was replaced or revoked"
    code = "token_gone"
    http_status = 404


class BadTokenRequest(Malformed):
    message = "A token has a name of its own, and at most fifty symbols"
    code = "bad_token_request"


class TooManyTokens(Refused):
    message = "Five tokens of this node group work already; revoke them, or wait until a replaced one has ended"
    code = "too_many_tokens"


class PaymentsOff(Refused):
    message = "No payment gateway is set up here"
    code = "payments_off"
    http_status = 403


class BadPurchase(Malformed):
    message = "The purchase cannot be read"
    code = "bad_purchase"


class IdempotencyKeyMissing(Malformed):
    message = "Send an Idempotency-Key header, a new one for each order"
    code = "idempotency_key_missing"


class NoSuchOrder(Refused):
    """Takes id."""

    message = "You have no such order"
    code = "no_such_order"
    http_status = 404


class BadCursor(Malformed):
    message = "The cursor is none of this list; take `next` of the page before as it is"
    code = "bad_cursor"


class BadNotice(Malformed):
    message = "This is no notice of the payment gateway"
    code = "bad_notice"


class BadBill(Malformed):
    """Takes provider and day."""

    message = "The bill cannot be used: its rows and its footer disagree, or it is not the file that was announced"
    code = "bad_bill"


class GatewayRefused(Refused):
    """Takes provider and provider_code: nothing was done."""

    message = "The payment gateway refused"
    code = "gateway_refused"


class GatewayUnavailable(Unavailable):
    """Takes provider: nobody knows whether it was done, so it has to be asked, with the same number."""

    message = "The payment gateway does not answer, so what became of the request is not known yet"
    code = "gateway_unavailable"


class TooManyOrders(Refused):
    message = "Too many orders were placed in a short time; pay or cancel those that wait, or come back in an hour"
    code = "too_many_orders"
    http_status = 429


class RefundRefused(Refused):
    message = "This refund is not possible"
    code = "refund_refused"


class SecondPersonNeeded(Refused):
    message = "Another person has to confirm this: who asked for it cannot"
    code = "second_person_needed"
    http_status = 403


class LedgerRefused(Refused):
    message = "The ledger refuses this entry"
    code = "ledger_refused"


class NotThatMoney(Refused):
    message = "This money does not pay this order"
    code = "not_that_money"


class NothingToGive(Refused):
    message = "There is nothing to give, or nobody to give it to"
    code = "nothing_to_give"


class AlreadyDecided(Refused):
    message = "Somebody has decided this already"
    code = "already_decided"


class UpgradeRefused(Refused):
    message = "This upgrade is not possible"
    code = "upgrade_refused"


class CouponRefused(Refused):
    """Takes reason: unknown, not_valid, ended, other_plan, used_up or used_by_you."""

    message = "This coupon cannot be used"
    code = "coupon_refused"


class PriceChanged(Refused):
    """Takes due_fen, quote and until: the price of now, pinned for 15 minutes."""

    message = "The price that was shown holds no more; order again with the quote of the present one"
    code = "price_changed"


class BalanceTooSmall(Refused):
    """Takes balance_fen and due_fen."""

    message = "The balance does not cover this; top it up first"
    code = "balance_too_small"


class GiftRefused(Refused):
    """Takes reason: unknown, redeemed, void, expired or too_many_tries."""

    message = "This gift code cannot be redeemed"
    code = "gift_refused"


class TooManyGiftTries(GiftRefused):
    """Takes reason (too_many_tries) and retry_after_seconds."""

    message = "Too many gift codes that do not exist were tried; come back in an hour"
    code = "too_many_gift_tries"
    http_status = 429


class TrialRefused(Refused):
    """Takes reason: none, had_one or phone_had_one."""

    message = "There is no trial for you"
    code = "trial_refused"


class InviteRefused(Refused):
    """Takes reason: unknown, own, too_late or invited."""

    message = "This invitation cannot be used"
    code = "invite_refused"


class NoReceipt(Refused):
    """Takes purchase and its state."""

    message = "Nothing was paid for this order, so there is no receipt"
    code = "no_receipt"
    http_status = 404


class AlreadyOnFapiao(Refused):
    """Takes order: its number."""

    message = "This order is on another fapiao already"
    code = "already_on_fapiao"


class BadFapiao(Malformed):
    """Takes field: which of the form's fields is wrong."""

    message = "This fapiao is not possible"
    code = "bad_fapiao"
