"""The shop's branch of the error tree.

PlatformError
    Refused        PlanNotOnSale, IdempotencyKeyReused, NotThatGrant, GrantIsExtended, AmountMismatch, NoEntitlement,
                   TokenGone, TooManyTokens, PaymentsOff
    Malformed      BadPurchase, BadNotice
"""

from kernel.errors import Malformed, Refused


class PlanNotOnSale(Refused):
    message = "This plan is not on sale"
    code = "plan_not_on_sale"


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


class BadNotice(Malformed):
    message = "This is no notice of the payment gateway"
    code = "bad_notice"
