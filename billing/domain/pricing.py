"""What is due for a plan, in fen."""

MIN_MONTHS, MAX_MONTHS = 1, 12


def due_fen(*, price_fen: int, months: int) -> int:
    """Return what `months` of a plan cost.

    Raises:
        ValueError: months outside 1 to 12, or a price that is not positive.
    """
    if not MIN_MONTHS <= months <= MAX_MONTHS:
        raise ValueError(f"months must be from {MIN_MONTHS} to {MAX_MONTHS}, not {months}")
    if price_fen <= 0:
        raise ValueError(f"a price is positive, not {price_fen} fen")
    return price_fen * months


def yuan(fen: int) -> str:
    """Return an amount as people write it: 10 for 1000 fen, 10.50 for 1050."""
    whole, rest = divmod(fen, 100)
    return f"{whole}.{rest:02d}" if rest else str(whole)
