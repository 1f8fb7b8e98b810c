"""Finding instruments by whatever people write: a code in any vendor's form, a name, its pinyin, its initials.

The best first: the very code or name, then what begins so (codes, initials, names, pinyin, English), then what has it
inside. What is delisted comes last. A code that several products share finds all of them and says so; nothing here
guesses.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kernel.instruments import Venue
from streaming.domain.instruments import Instrument

MOST_CHARACTERS = 64  # of one thing that is looked for; the longest name has 60
MOST_QUERIES = 50  # of a list
MOST_HITS = 100
_SURE = ",，、;；\n\r\t|"  # always between two; a space may stand inside a name
_BETWEEN = re.compile(f"[{_SURE}]+")

# How others write an exchange: before a code or behind it, with or without something between.
_VENUES = {
    "SH": "SH", "SS": "SH", "SSE": "SH", "XSHG": "SH", "SHSE": "SH", "SZ": "SZ", "SZSE": "SZ", "XSHE": "SZ",
    "BJ": "BJ", "BSE": "BJ", "BJSE": "BJ", "HK": "HK", "HKEX": "HK", "XHKG": "HK", "SEHK": "HK", "HKG": "HK",
}  # fmt: skip
_NAMES_OF_VENUES = "|".join(sorted(_VENUES, key=len, reverse=True))
_MARKED = r"[.$:_-]?"
_VENUE_FIRST = re.compile(rf"({_NAMES_OF_VENUES}){_MARKED}([0-9]{{1,6}})", re.ASCII)
_VENUE_LAST = re.compile(rf"([0-9]{{1,6}}){_MARKED}({_NAMES_OF_VENUES})", re.ASCII)
_DIGITS = re.compile(r"[0-9]{1,6}", re.ASCII)
_EASTMONEY = re.compile(r"(0|1|116)\.([0-9]{5,6})", re.ASCII)
_OF_EASTMONEY = {"0": ("SZ", "BJ"), "1": ("SH",), "116": ("HK",)}
_UNHEARD = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\ufeff]")

CODE, FORMER_CODE, NAME, FORMER_NAME = "code", "former_code", "name", "former_name"
INITIALS, PINYIN, ENGLISH = "initials", "pinyin", "english"


@dataclass(frozen=True, slots=True)
class Hit:
    """One instrument, and by what it was found."""

    instrument: Instrument
    by: str


@dataclass(frozen=True, slots=True)
class Found:
    """What was found for one thing that was looked for. `ambiguous`: as a code it is that of several products."""

    query: str
    hits: list[Hit]
    ambiguous: bool


def plain(text: str) -> str:
    """Return a text as it is compared: narrow, upper case, no control characters, one space between words.

    What is longer than MOST_CHARACTERS is cut off: so long a thing is no name, and is looked for all the same.
    """
    narrow = unicodedata.normalize("NFKC", text[: 4 * MOST_CHARACTERS])
    return " ".join(_UNHEARD.sub(" ", narrow).upper().split())[:MOST_CHARACTERS]


def split(text: str) -> list[str]:
    """Return what a text asks for: parts between commas of both widths, `、`, semicolons and lines; codes also between
    spaces, which in names are a part of them. At most MOST_QUERIES.
    """
    found: list[str] = []
    for part in _BETWEEN.split(text[: MOST_QUERIES * (MOST_CHARACTERS + 1)]):
        words = part.split()
        if len(words) > 1 and all(any(letter.isdecimal() for letter in word) or not word.isascii() for word in words):
            found += words
        elif words:
            found.append(" ".join(words))
        if len(found) >= MOST_QUERIES:
            return found[:MOST_QUERIES]
    return found


class _Texts:
    """Many texts of many instruments as one, so that one look finds them all: each stands on a line of its own."""

    def __init__(self, texts: Iterable[tuple[int, str]]) -> None:
        starts, owners, parts, at = [], [], [], 0
        for owner, text in texts:
            if text:
                starts.append(at)
                owners.append(owner)
                parts.append(text)
                at += len(text) + 1
        self._text, self._starts, self._owners = "\n" + "\n".join(parts) + "\n", starts, owners

    def equal(self, asked: str) -> Iterator[int]:
        return self._at(f"\n{asked}\n")

    def beginning(self, asked: str) -> Iterator[int]:
        return self._at(f"\n{asked}")

    def having(self, asked: str) -> Iterator[int]:
        return self._at(asked)

    def _at(self, piece: str) -> Iterator[int]:
        """Yield the owners of the lines that have a piece, in the order of the lines."""
        at, skip = self._text.find(piece), piece.startswith("\n")
        while at >= 0:
            # The text has a line break before its first line: a line begins one further than its start says.
            yield self._owners[bisect_right(self._starts, at if skip else at - 1) - 1]
            at = self._text.find(piece, at + 1)


class Index:
    """A list of instruments, ready to be searched; made once of a list, never changed."""

    def __init__(self, instruments: Iterable[Instrument]) -> None:
        # In the order in which equals are told: what trades, stocks before indices that share their initials, by code.
        self._rows = sorted(instruments, key=_rank)
        rows = list(enumerate(self._rows))
        self._codes: dict[str, list[tuple[int, str]]] = {}
        for nth, one in rows:
            for code, by in ((one.symbol, CODE), *((former, FORMER_CODE) for former in one.former_codes.split())):
                self._codes.setdefault(code, []).append((nth, by))
            for alias in one.aliases.split():
                self._codes.setdefault(alias.upper(), []).append((nth, CODE))
        codes = _Texts((nth, one.symbol) for nth, one in rows)
        short = _Texts((nth, one.symbol.lstrip("0")) for nth, one in rows if one.id.venue is Venue.HK)
        former_codes = _Texts((nth, code) for nth, one in rows for code in one.former_codes.split())
        names = _Texts((nth, plain(one.name_zh)) for nth, one in rows)
        former_names = _Texts((nth, plain(name)) for nth, one in rows for name in one.former_names.split())
        initials = _Texts((nth, one.initials.upper()) for nth, one in rows)
        # Each syllable begins a line, so `maotai` is found and `aotai` is not; the first one of each is the whole.
        whole = _Texts((nth, one.pinyin.replace(" ", "").upper()) for nth, one in rows)
        within = _Texts((nth, tail) for nth, one in rows for tail in _tails(one.pinyin.upper()))
        english = _Texts((nth, plain(one.name_en)) for nth, one in rows)
        words = _Texts((nth, tail) for nth, one in rows for tail in _tails(plain(one.name_en), " "))
        self._looks = (
            (names.equal, NAME), (former_names.equal, FORMER_NAME), (english.equal, ENGLISH),
            (codes.beginning, CODE), (short.beginning, CODE), (former_codes.beginning, FORMER_CODE),
            (initials.equal, INITIALS), (initials.beginning, INITIALS), (names.beginning, NAME),
            (whole.beginning, PINYIN), (english.beginning, ENGLISH), (names.having, NAME),
            (former_names.having, FORMER_NAME), (within.beginning, PINYIN), (words.beginning, ENGLISH),
            (initials.having, INITIALS), (codes.having, CODE),
        )  # fmt: skip

    def search(self, text: str, *, market: str = "", limit: int = 20) -> Found:
        """Return what a text finds, the best first.

        Args:
            market: CN or HK; "" looks in all.
            limit: at most so many, and at most MOST_HITS.
        """
        asked = plain(text)
        found: dict[int, str] = {}
        exact = self._exactly(asked)
        for nth, by in exact:
            if self._is_of(nth, market):
                found.setdefault(nth, by)
        sure, most = len(found), max(1, min(limit, MOST_HITS))
        if asked:
            self._look(asked, market, found, most, inside=not sure)
        trading = [nth for nth in found if self._rows[nth].state != "delisted"]
        gone = [nth for nth in found if self._rows[nth].state == "delisted"]
        if sure and len(found) > most:  # the very code is told, also of what is delisted
            kept = [nth for nth in gone if nth in dict(exact)]
            trading, gone = trading[: max(0, most - len(kept))], kept + [nth for nth in gone if nth not in kept]
        hits = [Hit(self._rows[nth], found[nth]) for nth in (*trading, *gone)]
        return Found(asked, hits[:most], ambiguous=sure > 1)

    def _look(self, asked: str, market: str, found: dict[int, str], most: int, *, inside: bool) -> None:
        """Add what is found to `found`. `inside`: also what has the text in the middle of its code."""
        joined = asked.replace(" ", "")
        for look, by in self._looks if inside else self._looks[:-1]:
            wanted = joined if by in (PINYIN, INITIALS) else asked
            if len(wanted) < 2 and look.__name__ == "having" and wanted.isascii():
                continue  # a single letter stands in every other name
            for nth in look(wanted):
                if nth not in found and self._is_of(nth, market):
                    found[nth] = by
                    if len(found) >= most:
                        return

    def _exactly(self, asked: str) -> list[tuple[int, str]]:
        """Return whose code a text is, in any form; several where it has no exchange and they share it."""
        joined = asked.replace(" ", "")
        symbols = [joined]
        if (found := _VENUE_FIRST.fullmatch(joined)) is not None:
            symbols += _symbols(found[2], (_VENUES[found[1]],))
        elif (found := _VENUE_LAST.fullmatch(joined)) is not None:
            symbols += _symbols(found[1], (_VENUES[found[2]],))
        elif (found := _EASTMONEY.fullmatch(joined)) is not None:
            symbols += _symbols(found[2], _OF_EASTMONEY[found[1]])
        elif _DIGITS.fullmatch(joined) is not None:
            symbols += _symbols(joined, ("SH", "SZ", "BJ") if len(joined) == 6 else ("HK",))
        elif joined.isalpha():
            symbols.append(f"{joined}.HK")  # its indices have letters
        hits: dict[int, str] = {}
        for symbol in symbols:
            for nth, by in self._codes.get(symbol, ()):
                hits.setdefault(nth, by)
        # What has the code today before what had it once.
        return sorted(hits.items(), key=lambda hit: (hit[1] != CODE, self._rows[hit[0]].state == "delisted", hit[0]))

    def _is_of(self, nth: int, market: str) -> bool:
        return not market or self._rows[nth].market == market


def _symbols(code: str, venues: Iterable[str]) -> Iterator[str]:
    for venue in venues:
        if venue == "HK" and len(code.lstrip("0")) <= 5:
            yield f"{code.lstrip('0').zfill(5)}.HK"
        elif venue != "HK" and len(code) == 6:
            yield f"{code}.{venue}"


def _rank(one: Instrument) -> tuple[bool, bool, bool, bool, str]:
    # Of a company that is listed in both, who asks by its name means the mainland's share.
    is_second = one.board in ("b", "test"), one.market == "HK"
    return one.state == "delisted", one.kind == "index", *is_second, one.symbol


def _tails(text: str, between: str = "") -> Iterator[str]:
    """Yield what of a text begins with its second word, its third and so on."""
    words = text.split()
    for nth in range(1, len(words)):
        yield between.join(words[nth:])
