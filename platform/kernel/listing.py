"""One row of the list of instruments, as both planes speak of it: its fields, what a code stands for, what is wrong
with a row, and the form in which the whole list travels.

Codes say a lot by themselves (the board, the lot, the step of prices); a list says the rest, and is right where the
two differ.
"""

import base64
import binascii
import json
import re
import unicodedata
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from kernel.instruments import BadSymbol, InstrumentId, Venue

Row = dict[str, Any]

# The order in which a row travels and is committed. A new field goes to the end, and has a default where it is read.
FIELDS = (
    "symbol", "name_zh", "name_en", "board", "kind", "currency", "lot", "tick_table", "prev_close_e4", "state",
    "sector", "listed_on", "delisted_on", "pinyin", "initials", "aliases", "former_codes", "former_names",
)  # fmt: skip
NUMBERS = ("lot", "prev_close_e4")
BOARDS = ("main", "star", "chinext", "bse", "b", "fund", "index", "hk", "test")
KINDS = ("stock", "etf", "lof", "reit", "index")
STATES = ("trading", "suspended", "delisted")
CURRENCIES = ("CNY", "HKD", "USD")
TICKS = ("0.01", "0.001", "index", "hkex", "hkex-etf")
FUNDS = ("etf", "lof", "reit")
MOST_ROWS = 50_000  # of a list; all of China and Hong Kong, warrants left out, are 12,000
_LONGEST = {
    "symbol": 16, "name_zh": 60, "name_en": 120, "sector": 40, "pinyin": 200, "initials": 60, "aliases": 120,
    "former_codes": 120, "former_names": 300,
}  # fmt: skip
_CHOICES = {"board": BOARDS, "kind": KINDS, "currency": CURRENCIES, "tick_table": TICKS, "state": STATES}
_UNREADABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffd]")
_MOST_UNPACKED = 64 * 1024 * 1024


def defaults_of(instrument_id: InstrumentId) -> Row:
    """Return what an instrument's code says of it: board, kind, currency, lot and step of prices.

    Hong Kong's lots are each issuer's own and stand in no code: 100 is what is shown until somebody says the lot.
    """
    code, venue = instrument_id.code, instrument_id.venue
    row: Row = {"board": "main", "kind": "stock", "currency": "CNY", "lot": 100, "tick_table": "0.01"}
    if venue is Venue.HK:
        if not code.isdecimal():
            return row | {"board": "index", "kind": "index", "currency": "HKD", "lot": 1, "tick_table": "index"}
        # Counters in renminbi have five digits that begin with 8.
        return row | {"board": "hk", "currency": "CNY" if code.startswith("8") else "HKD", "tick_table": "hkex"}
    if venue is Venue.TEST:
        return row | {"board": "test"}
    if kind := _index_or_fund(code, venue):
        if kind == "index":
            return row | {"board": "index", "kind": kind, "lot": 1, "tick_table": "index"}
        return row | {"board": "fund", "kind": kind, "tick_table": "0.001"}
    return row | _of_a_stock(code, venue)


def _index_or_fund(code: str, venue: Venue) -> str:
    """Return index, etf, lof or reit; "" of a stock."""
    if (
        (venue is Venue.SH and code.startswith("000"))
        or (venue is Venue.SZ and code.startswith("399"))
        or (venue is Venue.BJ and code.startswith("899"))
    ):
        return "index"
    if (venue is Venue.SH and code.startswith("508")) or (venue is Venue.SZ and code.startswith("18")):
        return "reit"
    if (venue is Venue.SH and code.startswith("50")) or (venue is Venue.SZ and code.startswith("16")):
        return "lof"
    if (venue is Venue.SH and code.startswith("5")) or (venue is Venue.SZ and code.startswith("15")):
        return "etf"
    return ""


def _of_a_stock(code: str, venue: Venue) -> Row:
    if venue is Venue.BJ:
        return {"board": "bse"}
    if venue is Venue.SH and code.startswith(("688", "689")):
        return {"board": "star", "lot": 200}
    if venue is Venue.SZ and code.startswith(("300", "301", "302")):
        return {"board": "chinext"}
    if venue is Venue.SH and code.startswith("900"):
        return {"board": "b", "currency": "USD", "tick_table": "0.001"}
    if venue is Venue.SZ and code.startswith("200"):
        return {"board": "b", "currency": "HKD"}
    return {}


def complete(told: Mapping[str, Any]) -> Row:
    """Return a row with every field: those that are told, and what the code says of the rest.

    Raises:
        BadSymbol: the symbol is none.
    """
    instrument_id = InstrumentId.parse(str(told.get("symbol", "")))
    empty: Row = {name: 0 if name in NUMBERS else "" for name in FIELDS}
    row = empty | {"state": "trading"} | defaults_of(instrument_id)
    row |= {name: value for name, value in told.items() if name in empty and value not in ("", None)}
    return row | {"symbol": instrument_id.symbol}


def faults(row: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a row, a sentence each that has the value and what to write; none: it can be taken."""
    found = []
    try:
        if InstrumentId.parse(row["symbol"]).symbol != row["symbol"]:
            found.append(f"symbol {row['symbol']!r} is written {InstrumentId.parse(row['symbol']).symbol}")
    except BadSymbol as error:
        found.append(error.message)
    if not row["name_zh"] and not row["name_en"]:
        found.append("it has no name: write name_zh or name_en")
    for name, most in _LONGEST.items():
        if len(row[name]) > most:
            found.append(f"{name} has {len(row[name])} characters: {most} at most")
        elif unreadable := _UNREADABLE.search(row[name]):
            found.append(f"{name} has the character {unreadable[0]!a}, which cannot be shown: take it out")
    for name, known in _CHOICES.items():
        if row[name] not in known:
            found.append(f"{name} {row[name]!r:.30} is not one of {', '.join(known)}")
    for name in NUMBERS:
        if type(row[name]) is not int or not (0 if name == "prev_close_e4" else 1) <= row[name] <= 10**12:
            found.append(f"{name} {row[name]!r:.30} is no whole number from {0 if name == 'prev_close_e4' else 1} on")
    for name in ("listed_on", "delisted_on"):
        if row[name] and not is_day(row[name]):
            found.append(f"{name} {row[name]!r:.30} is no day: write it like 2001-08-27")
    for name in ("aliases", "former_codes"):
        found += [f"{name}: {one!r:.30} is no code" for one in row[name].split() if not one.isprintable()]
    for code in row["former_codes"].split():
        try:
            if InstrumentId.parse(code).symbol == row["symbol"]:
                found.append(f"former_codes: {code} is its code today")
        except BadSymbol:
            found.append(f"former_codes: {code!r:.30} is no symbol: write it like 430047.BJ")
    return found


def is_day(text: str) -> bool:
    """Tell whether a text is a day like 2001-08-27."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def conflicts(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return what contradicts between rows, by the symbol of the later one: a code or former code that two claim."""
    rows = list(rows)
    owners: dict[str, str] = {}
    found: dict[str, str] = {}
    for row in rows:
        if owners.setdefault(row["symbol"], row["symbol"]) != row["symbol"]:
            found[row["symbol"]] = f"{row['symbol']} stands twice"
    for row in rows:
        for code in f"{row['former_codes']} {row['aliases']}".split():
            owner = owners.setdefault(code.upper(), row["symbol"])
            if owner != row["symbol"]:
                found[row["symbol"]] = f"{code} belongs to {owner} already: take it out of one of the two"
    return found


_RUNS = re.compile(r"[\u3400-\u9fff]+|[a-z0-9]+")


def spell(name: str, read: Callable[[str], list[str]]) -> tuple[str, str]:
    """Return a Chinese name's pinyin, its syllables with spaces between, and its initials: `gui zhou mao tai`, `gzmt`.

    Latin letters and digits stay whole in both: `TCL科技` is `tcl ke ji` and `tclkj`.

    Args:
        read: the syllables of a run of Chinese characters, without tones (pypinyin.lazy_pinyin).
    """
    syllables: list[str] = []
    initials = ""
    for run in _RUNS.findall(unicodedata.normalize("NFKC", name).lower()):
        spoken = [one for one in read(run) if one.isalpha()] if run[0] > "z" else [run]
        if run[0] == "长" and spoken:
            spoken[0] = "chang"  # long, at the beginning of a company's name; never its elder
        syllables += spoken
        initials += "".join(one[0] for one in spoken) if run[0] > "z" else run
    return " ".join(syllables), initials


def values(row: Mapping[str, Any]) -> list[Any]:
    """Return a row as it travels."""
    return [row[name] for name in FIELDS]


def line(row: Mapping[str, Any]) -> str:
    """Return a row as it is committed, a line of JSON."""
    return json.dumps(values(row), ensure_ascii=False, separators=(",", ":"))


# -- the list as it travels ------------------------------------------------------------------------------------------

VERSION = "1"
LONGEST_HEAD = 40  # characters within which `head` stands


def pack(rev: int, lines: Sequence[str]) -> str:
    """Return a list as a text: `<version> <rev> <lines, compressed>`. A higher rev is a newer list."""
    packed = base64.b64encode(zlib.compress("\n".join(lines).encode(), 9)).decode()
    return f"{VERSION} {rev} {packed}"


def head(text: str) -> int | None:
    """Return the rev of a packed list, of its first characters alone; None where it is none or of another version."""
    version, _, rest = text[:LONGEST_HEAD].partition(" ")
    rev = rest.partition(" ")[0]
    return int(rev) if version == VERSION and rev.isascii() and rev.isdecimal() else None


def unpack(text: str) -> bytes:
    """Return the lines of a packed list, each the JSON of a row (FIELDS).

    Raises:
        ValueError: it is none, or one of another version.
    """
    if head(text) is None:
        raise ValueError(f"{text[:20]!r} does not begin like a list of instruments")
    try:
        inflate = zlib.decompressobj()
        found = inflate.decompress(base64.b64decode(text.split(" ", 2)[2], validate=True), _MOST_UNPACKED)
    except (binascii.Error, zlib.error, ValueError, IndexError) as error:
        raise ValueError(f"the list of instruments cannot be unpacked: {error}") from None
    if not inflate.eof:
        raise ValueError("the list of instruments is cut off or too long")
    return found
