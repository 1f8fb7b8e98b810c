"""Numbers of mobile phones, as people write them and as they are kept, and what is written to them. Pure."""

import re
from enum import StrEnum

# Mainland China's; a library that knows every country's weighs 48 MB, and no other country is written to.
PATTERN = r"^\+861[3-9][0-9]{9}$"
_BLANKS = re.compile(r"[\s\-()（）－‐-―]")
_PREFIX = re.compile(r"^(?:\+|00)?86(?=1[3-9][0-9]{9}$)")
_OWN = re.compile(r"1[3-9][0-9]{9}", re.ASCII)


class Purpose(StrEnum):
    """What a message is for: each has a template that the provider has reviewed."""

    LOGIN = "login"
    PHONE = "phone"  # adding a number to an account


class Why(StrEnum):
    """Why a provider refuses a message: who has to do something about it."""

    NUMBER = "number"  # it cannot be written to
    LIMIT = "limit"  # it was written to too often
    SETUP = "setup"  # the shop's account, signature or template


def normal_number(text: str) -> str:
    """Return a number as it is kept, +8613800138000, whether it came with +86, 0086, 86 or none, and blanks or dashes.

    Raises:
        ValueError: it is no mobile number of mainland China.
    """
    # Full-width digits are what a Chinese keyboard may give; other scripts' digits are none that a provider knows.
    plain = _BLANKS.sub("", text).translate(_WIDE)
    own = _PREFIX.sub("", plain, count=1)
    if not _OWN.fullmatch(own):
        raise ValueError("no mobile number of mainland China")
    return f"+86{own}"


def masked(number: str) -> str:
    """Return a number that people may see who need not know it: 138****8000."""
    own = number.removeprefix("+86")
    return f"{own[:3]}****{own[-4:]}"


_WIDE = str.maketrans("０１２３４５６７８９＋", "0123456789+")
