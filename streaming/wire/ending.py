"""When a client is told that its subscription ends soon: a day, an hour and a minute before."""

WARN_BEFORE_S = (86_400, 3_600, 60)


class Ending:
    """Which warnings of one end were given; a renewal takes them back."""

    def __init__(self) -> None:
        self._warned: set[int] = set()

    def due(self, left_s: float) -> bool:
        """Tell whether a warning is due with so many seconds left, and count it as given."""
        due = [bound for bound in WARN_BEFORE_S if left_s <= bound]
        if not due:
            self._warned.clear()  # renewed: the next end is warned of again
            return False
        if min(due) in self._warned:
            return False
        self._warned.update(due)
        return True
