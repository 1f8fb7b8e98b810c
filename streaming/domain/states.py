"""What a source's own word for an instrument's phase says of it: trading, suspended, halted or delisted.

Words of all sources are read together. Numbers mean different things in different vocabularies: those of two digits
with a zero in front are Sina's, the others are the phases of recordings (Huatai's Insight, QMT). What nobody here knows
says nothing, and the instrument stays what it was.
"""

from functools import lru_cache

STATES = ("trading", "suspended", "halted", "delisted")

_WORDS = {
    "trading": (
        "trading", "trade", "normal", "resumed",
        "start", "ocall", "ccall", "close", "break", "endtr",  # Shanghai's, with trade
        "00", "0", "1", "2", "3", "4", "5", "6", "7", "10", "11",  # Sina's 00; Huatai's phases
        "12", "13", "14", "15", "18", "19", "22", "23",  # QMT's phases
        "交易", "正常", "复牌",
    ),
    "suspended": ("suspended", "suspend", "suspendtrade", "susp", "02", "03", "07", "20", "停牌"),  # Sina's; QMT's 20
    "halted": (
        "halted", "halt", "vola", "fuse", "splitstockhalts", "01", "04",  # a volatility break of Shanghai's; Sina's
        "8", "9", "16", "17", "临时停牌", "熔断",  # Huatai's 8 and 9, QMT's 16 and 17
    ),
    "delisted": ("delisted", "-2", "-3", "退市"),
}  # fmt: skip
_OF_WORD = {word: state for state, words in _WORDS.items() for word in words}
# Shenzhen: a phase and 1 for a whole day's suspension, `T1`. Shanghai: a phase and three or more digits, `P111`.
_PHASES = {**dict.fromkeys("SOCTBEDAU", "trading"), **dict.fromkeys("HMNV", "halted"), "P": "suspended"}


@lru_cache(maxsize=4096)
def state_of(word: str) -> str:
    """Return what a word says of an instrument; "" where it says nothing that we know."""
    text = word.strip()
    if (known := _OF_WORD.get(text.lower())) is not None:
        return known
    phase, flags = text[:1].upper(), text[1:]
    if phase not in _PHASES or not (flags.isascii() and flags.isdigit()):
        return ""
    if len(flags) == 1:
        return "suspended" if flags == "1" else _PHASES[phase] if flags == "0" else ""
    return _PHASES[phase] if len(flags) >= 3 else ""
