"""A number for each request: in its answer, on error pages, and in every line of the log that it caused."""

import secrets
from contextvars import ContextVar

HEADER = "X-Request-Id"
# Read out over the telephone, nothing of it is taken for something else: no 0 and O, no 1, I and L.
_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"

current: ContextVar[str] = ContextVar("request_id", default="")


def new() -> str:
    """Return a number like K7QF-3M9P-XW2T: 59 bits, so that nobody guesses another one's."""
    letters = [secrets.choice(_LETTERS) for _ in range(12)]
    return "-".join("".join(letters[at : at + 4]) for at in (0, 4, 8))
