"""What an account of the ledger holds, for tests of money."""

from django.db.models import Sum

from billing.models import LedgerLine


def balance(code: str) -> int:
    """Return the sum of an account's lines in fen: debit is positive, credit negative."""
    return LedgerLine.objects.filter(account__code=code).aggregate(total=Sum("amount_fen"))["total"] or 0
