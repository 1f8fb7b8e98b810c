"""Posts entries. Each is made once, in the transaction of what it is about."""

from datetime import datetime

from django.db import transaction

from billing.domain import ledger
from billing.domain.ledger import Lines
from billing.errors import LedgerRefused
from billing.models import LedgerAccount, LedgerBalance, LedgerEntry, LedgerLine


@transaction.atomic
def post(*, kind: str, source: str, lines: Lines, now: datetime) -> LedgerEntry:
    """Post an entry; the same (kind, source) again returns the first one and posts nothing.

    PostgreSQL checks at the commit that lines sum to zero, and that no account falls below zero that may not; where
    SQLite stands in, this is the only check.

    Args:
        source: what it is about, as `provider:transaction`.

    Raises:
        LedgerRefused: it does not balance, or names no account.
    """
    try:
        wanted = ledger.checked(lines)
    except ValueError as error:
        raise LedgerRefused(str(error), kind=kind, source=source) from None
    entry, made = LedgerEntry.objects.get_or_create(kind=kind, source=source, defaults={"posted_at": now})
    if made:
        accounts = {code: _account(code) for code in wanted}
        # In the order of their keys: two entries that touch the same balances never wait for each other in a circle.
        ordered = sorted(wanted, key=lambda code: accounts[code].pk)
        for code in ordered:
            LedgerLine.objects.create(entry=entry, account=accounts[code], amount_fen=wanted[code])
    return entry


def _account(code: str) -> LedgerAccount:
    below = ledger.may_go_below_zero(code)
    account, made = LedgerAccount.objects.get_or_create(
        code=code, defaults={"normal": ledger.side(code), "may_go_below_zero": below}
    )
    if made and not below:
        LedgerBalance.objects.get_or_create(account=account)
    return account
