"""Which accounts there are, and what each event of money does to them. Debit is positive, credit negative.

Assets (`gateway:*`, `bank`) and costs (`fees`, `rounding`, `commissions`, `dispute_loss`) stand on the debit side; what
the shop owes (`deferred`, `refund_due`, `suspense:*`, `balance:<customer>`, what of it an unpaid order has `reserved`,
`gift_codes` that nobody has redeemed, `commission_due`) and income (`revenue`) on the credit side. Money in another
currency than CNY has accounts of its own, `gateway:stripe/USD`, in that currency's smallest unit.
"""

from collections.abc import Mapping

DEBIT, CREDIT = 1, -1
_SIDES = {
    "gateway": DEBIT,
    "bank": DEBIT,
    "fees": DEBIT,
    "rounding": DEBIT,
    "dispute_loss": DEBIT,
    "commissions": DEBIT,
    "reserved": CREDIT,
    "gift_codes": CREDIT,
    "commission_due": CREDIT,
    "balance": CREDIT,
    "suspense": CREDIT,
    "refund_due": CREDIT,
    "deferred": CREDIT,
    "revenue": CREDIT,
}
Lines = Mapping[str, int]


class Unbalanced(ValueError):
    """An entry has fewer than two lines, a line of nothing, or a sum that is not zero."""


def side(code: str) -> int:
    """Return DEBIT or CREDIT: where an account's balance is positive.

    Raises:
        ValueError: there is no such kind of account.
    """
    kind = code.partition("/")[0].partition(":")[0]
    if kind not in _SIDES:
        raise ValueError(f"{code!r} is no account; there are {', '.join(sorted(_SIDES))}")
    return _SIDES[kind]


def may_go_below_zero(code: str) -> bool:
    """Tell whether an account's balance may be negative; a customer's money with us may not."""
    return not code.startswith("balance:")


def checked(lines: Lines) -> dict[str, int]:
    """Return the lines by account in order.

    Raises:
        Unbalanced, ValueError.
    """
    if len(lines) < 2 or 0 in lines.values() or sum(lines.values()) != 0:
        raise Unbalanced(f"an entry has two lines or more, none of 0, and sums to 0; not {dict(lines)}")
    for code in lines:
        side(code)
    return dict(sorted(lines.items()))


def account(kind: str, name: str = "", currency: str = "CNY") -> str:
    """Return an account's code: `gateway:alipay`, `suspense:stripe/USD`, `deferred`."""
    code = f"{kind}:{name}" if name else kind
    return code if currency == "CNY" else f"{code}/{currency}"


def currency_of(code: str) -> str:
    """Return the currency that an account is kept in, by its code."""
    return code.partition("/")[2] or "CNY"


def payment(provider: str, fen: int) -> Lines:
    """Money that settles a purchase."""
    return {account("gateway", provider): fen, "deferred": -fen}


def suspended(provider: str, fen: int, currency: str) -> Lines:
    """Money that matches nothing that is due."""
    return {account("gateway", provider, currency): fen, account("suspense", provider, currency): -fen}


def used(provider: str, fen: int) -> Lines:
    """Money in suspense that a person uses for a purchase."""
    return {account("suspense", provider): fen, "deferred": -fen}


def topped_up(provider: str, customer: str, fen: int) -> Lines:
    """Money for a customer's balance."""
    return {account("gateway", provider): fen, account("balance", customer): -fen}


def reserved(customer: str, fen: int) -> Lines:
    """A part of a balance waits for the rest of an order to be paid."""
    return {account("balance", customer): fen, "reserved": -fen}


def released(customer: str, fen: int) -> Lines:
    """The order came to nothing: its part is the customer's again."""
    return {"reserved": fen, account("balance", customer): -fen}


def given_up(customer: str, fen: int) -> Lines:
    """A customer who leaves gives up what is in the balance."""
    return {account("balance", customer): fen, "revenue": -fen}


def spent(fen: int) -> Lines:
    """What was reserved settles its order."""
    return {"reserved": fen, "deferred": -fen}


def rounded(fen: int) -> Lines:
    """A part of a fen that was given away so that whole fen are due."""
    return {"rounding": fen, "deferred": -fen}


def gift_bought(provider: str, fen: int) -> Lines:
    """Money for a code that somebody will redeem."""
    return {account("gateway", provider): fen, "gift_codes": -fen}


def gift_redeemed(fen: int) -> Lines:
    """What was paid for a code is now for the time that it gave."""
    return {"gift_codes": fen, "deferred": -fen}


def gift_lost(fen: int) -> Lines:
    """The bank asks back what a code was bought with, and nobody had redeemed it: it makes the loss smaller."""
    return {"gift_codes": fen, "dispute_loss": -fen}


def dispute_hold_lost(fen: int) -> Lines:
    """The bank keeps it: what was held makes the loss smaller."""
    return {"reserved": fen, "dispute_loss": -fen}


def commission_earned(fen: int) -> Lines:
    """What an inviter will get, once the money that it comes from stays."""
    return {"commissions": fen, "commission_due": -fen}


def commission_ended(customer: str, *, paid_fen: int, void_fen: int) -> Lines:
    """The part that goes into the inviter's balance, and the part that nobody gets."""
    lines = {account("balance", customer): -paid_fen, "commissions": -void_fen, "commission_due": paid_fen + void_fen}
    return {code: fen for code, fen in lines.items() if fen}


def refund_decided(origins: Lines, currency: str = "CNY") -> Lines:
    """What is to be paid back is owed from now on.

    Args:
        origins: how much of it stands in which account: `suspense:<provider>`, `deferred`, `gift_codes`, a balance.
    """
    taken = {code if currency == "CNY" else f"{code}/{currency}": fen for code, fen in origins.items()}
    return {**taken, account("refund_due", "", currency): -sum(taken.values())}


def refund_to_balance(customer: str, fen: int) -> Lines:
    """What was paid from a balance is in it again."""
    return {"refund_due": fen, account("balance", customer): -fen}


def refund_done(provider: str, fen: int, currency: str, *, by_hand: bool = False) -> Lines:
    """The money has left: through the gateway, or from the bank by hand."""
    origin = account("bank", "", currency) if by_hand else account("gateway", provider, currency)
    return {account("refund_due", "", currency): fen, origin: -fen}


def refund_came_back(provider: str, fen: int, currency: str) -> Lines:
    """A refund that was done failed later: the money is back, and is owed again."""
    return {account("gateway", provider, currency): fen, account("refund_due", "", currency): -fen}


def dispute_withdrawn(provider: str, fen: int, currency: str) -> Lines:
    """The buyer's bank has taken the money back."""
    return {account("dispute_loss", "", currency): fen, account("gateway", provider, currency): -fen}


def dispute_reinstated(provider: str, fen: int, currency: str) -> Lines:
    """The bank has returned it."""
    return {account("gateway", provider, currency): fen, account("dispute_loss", "", currency): -fen}


def fee(provider: str, fen: int) -> Lines:
    """What a provider has kept, as its bill says."""
    return {"fees": fen, account("gateway", provider): -fen}
