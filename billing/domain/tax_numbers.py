"""Tax numbers of companies: the unified social credit code, 18 characters with a check digit.

Source: GB 32100-2015.
"""

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
LENGTH = 18


def clean(text: str) -> str:
    """Return a number as it is stored: in capitals, without blanks, full-width characters as ordinary ones."""
    plain = "".join(chr(ord(one) - 0xFEE0) if "！" <= one <= "～" else one for one in text)
    return "".join(plain.split()).replace("-", "").upper()


def check_character(first: str) -> str:
    """Return the last character for the 17 before it.

    Raises:
        ValueError: not 17 characters of the alphabet.
    """
    if len(first) != LENGTH - 1 or any(one not in ALPHABET for one in first):
        raise ValueError(f"{first!r} is not {LENGTH - 1} characters of {ALPHABET}")
    total = sum(ALPHABET.index(one) * pow(3, place, 31) for place, one in enumerate(first))
    return ALPHABET[-total % 31]


def is_valid(number: str) -> bool:
    """Tell whether a cleaned number is one: 18 characters, and the last one fits."""
    if len(number) != LENGTH or any(one not in ALPHABET for one in number):
        return False
    return check_character(number[:-1]) == number[-1]
