"""The lines of a file of instruments, read, and compared with the list in force."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kernel.errors import PlatformError
from kernel.listing import FIELDS, MOST_ROWS, NUMBERS, Row, complete, conflicts, faults, spell

_STATES = {"L": "trading", "D": "delisted", "P": "suspended"}
_DAYS = ("listed_on", "delisted_on")


@dataclass(frozen=True, slots=True)
class Reject:
    """A line that is not taken, and why."""

    line: int
    symbol: str
    reason: str


@dataclass(slots=True)
class Listed:
    """A file as it was read: what each row says, and nothing of what it leaves out."""

    rows: list[Row] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Change:
    """One row before and after; `fields` are those that differ. None before: it is new."""

    symbol: str
    before: Row | None
    after: Row
    fields: tuple[str, ...] = ()


@dataclass(slots=True)
class Difference:
    """What a file changes of the list in force."""

    new: list[Change] = field(default_factory=list)
    changed: list[Change] = field(default_factory=list)
    gone: list[Change] = field(default_factory=list)  # no longer in a whole file: delisted
    renamed: list[Change] = field(default_factory=list)  # a code that went on as another one
    rejects: list[Reject] = field(default_factory=list)
    same: int = 0

    @property
    def is_empty(self) -> bool:
        return not (self.new or self.changed or self.gone or self.renamed)


def read_listed(told: Iterable[tuple[int, Row]]) -> Listed:
    """Read the lines of a file: (number, what its columns say).

    Raises:
        ValueError: they are too many.
    """
    found = Listed()
    seen: dict[str, int] = {}
    for number, row in told:
        if len(found.rows) + len(found.rejects) >= MOST_ROWS:
            raise ValueError(f"the file has more than {MOST_ROWS} rows: leave out what nobody follows")
        try:
            clean = _clean(row)
            full = complete(clean)
        except PlatformError as error:
            found.rejects.append(Reject(number, str(clean.get("symbol", ""))[:40], error.message))
            continue
        except ValueError as error:
            found.rejects.append(Reject(number, "", str(error)))
            continue
        symbol = full["symbol"]
        if symbol in seen:
            found.rejects.append(Reject(number, symbol, f"it stands in line {seen[symbol]} already"))
            continue
        seen[symbol] = number
        found.rows.append(clean | {"symbol": symbol, "_line": number})
    return found


def _clean(told: Mapping[str, Any]) -> Row:
    """Return what a line says, in our words.

    Raises:
        ValueError: a number is none.
    """
    row: Row = {}
    for name, value in told.items():
        if name == "prev_close" and str(value).strip():
            row["prev_close_e4"] = _e4(str(value).strip())
        if name not in FIELDS or value is None or not (text := " ".join(str(value).split())):
            continue
        if name in NUMBERS:
            if not (text.isascii() and text.isdecimal()) or len(text) > 13:
                raise ValueError(f"{name} {text[:30]!r} is no whole number")
            row[name] = int(text)
        elif name in _DAYS and len(text) == 8 and text.isascii() and text.isdecimal():
            row[name] = f"{text[:4]}-{text[4:6]}-{text[6:]}"
        elif name == "state":
            row[name] = _STATES.get(text.upper(), text.lower())
        else:
            row[name] = text
    return row


def _e4(text: str) -> int:
    whole, _, rest = text.partition(".")
    if not (f"{whole}{rest}".isascii() and f"{whole}{rest}".isdecimal()) or len(text) > 13:
        raise ValueError(f"prev_close {text[:30]!r} is no price")
    return int(whole or "0") * 10_000 + int(f"{rest:0<4}"[:4])


def compare(
    listed: Listed, in_force: Mapping[str, Row], *, whole: bool, syllables: Callable[[str], list[str]]
) -> Difference:
    """Return what a file changes.

    A row says what its columns say; what it leaves out stays as it is, and of a new product is what its code says.

    Args:
        in_force: rows by symbol.
        whole: the file has everything of the markets that it names; what it lacks of these is delisted.
        syllables: pypinyin.lazy_pinyin.
    """
    found = Difference(rejects=list(listed.rejects))
    by_old_code = {code: one["symbol"] for one in in_force.values() for code in one["former_codes"].split()}
    after_all = dict(in_force)
    for told in listed.rows:
        number, symbol = told["_line"], told["symbol"]
        if symbol in by_old_code and symbol not in in_force:
            found.rejects.append(Reject(number, symbol, f"it is {by_old_code[symbol]} today: write that code"))
            continue
        before = in_force.get(symbol)
        said = {name: value for name, value in told.items() if name != "_line"}
        after = {**before, **said} if before is not None else complete(_inherited(said, in_force) | said)
        _rename(after, before)
        if not after["pinyin"] or (before and before["name_zh"] != after["name_zh"] and "pinyin" not in told):
            after["pinyin"], after["initials"] = spell(after["name_zh"], syllables)
        if wrong := faults(after):
            found.rejects.append(Reject(number, symbol, "; ".join(wrong)))
            continue
        fields = tuple(name for name in FIELDS if before is not None and before[name] != after[name])
        if before is None:
            found.new.append(Change(symbol, None, after))
        elif fields:
            found.changed.append(Change(symbol, before, after, fields))
        else:
            found.same += 1
        after_all[symbol] = after
    _take_over_codes(found, after_all, in_force)
    if whole:
        _take_what_is_gone(found, listed, after_all)
    _reject_conflicts(found, listed, after_all)
    return found


def _inherited(said: Row, in_force: Mapping[str, Row]) -> Row:
    """Return what a product that got another code keeps: all that its code does not say, and its codes of before."""
    old = next((in_force[code] for code in str(said.get("former_codes", "")).split() if code in in_force), None)
    if old is None:
        return {}
    codes = [*old["former_codes"].split(), *str(said["former_codes"]).split()]
    said["former_codes"] = " ".join(dict.fromkeys(codes))
    kept = ("name_zh", "name_en", "lot", "prev_close_e4", "sector", "listed_on", "pinyin", "initials", "former_names")
    return {name: old[name] for name in kept}


def _rename(after: Row, before: Row | None) -> None:
    """Keep a name that changes among the former ones; marks of trouble before it are no other name."""
    if before is None or before["name_zh"] in ("", after["name_zh"]):
        return
    old = before["name_zh"]
    bare = [name.lstrip("*").removeprefix("ST") for name in (old, after["name_zh"])]
    if bare[0] != bare[1] and old not in after["former_names"].split():
        after["former_names"] = " ".join([*after["former_names"].split(), old.replace(" ", "")])


def _take_over_codes(found: Difference, after_all: dict[str, Row], in_force: Mapping[str, Row]) -> None:
    """A row that is another's former code now goes: its bars, scopes and subscriptions are led to the new one."""
    for change in (*found.new, *found.changed):
        for code in change.after["former_codes"].split():
            old = in_force.get(code)
            if old is not None and after_all.get(code) is old:
                del after_all[code]
                found.renamed.append(Change(code, old, change.after))


def _take_what_is_gone(found: Difference, listed: Listed, after_all: dict[str, Row]) -> None:
    named = {row["symbol"] for row in listed.rows}
    kinds = {(after_all[symbol]["symbol"][-2:], _family(after_all[symbol])) for symbol in named if symbol in after_all}
    for symbol, row in list(after_all.items()):
        if symbol not in named and row["state"] != "delisted" and (symbol[-2:], _family(row)) in kinds:
            after = row | {"state": "delisted"}
            after_all[symbol] = after
            found.gone.append(Change(symbol, row, after, ("state",)))


def _family(row: Row) -> str:
    """Return what one list of an exchange has together: its shares, its funds, its indices."""
    return (
        str(row["kind"]) if row["kind"] == "index" else "fund" if row["kind"] != "stock" else str(row["board"] == "b")
    )


def _reject_conflicts(found: Difference, listed: Listed, after_all: Mapping[str, Row]) -> None:
    lines = {row["symbol"]: row["_line"] for row in listed.rows}
    for symbol, reason in conflicts(after_all.values()).items():
        at_fault = symbol if symbol in lines else next((one for one in lines if one in reason), symbol)
        found.rejects.append(Reject(lines.get(at_fault, 0), at_fault, reason))
        found.new = [one for one in found.new if one.symbol != at_fault]
        found.changed = [one for one in found.changed if one.symbol != at_fault]
        found.renamed = [one for one in found.renamed if one.after["symbol"] != at_fault]
