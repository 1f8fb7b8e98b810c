"""Write `instruments.jsonl`, the list that comes with the program, anew.

    pip download --no-deps chstockdata==0.4.4 adata==2.9.5 investpy==1.0.8 && unpack the three into one folder
    .venv/bin/python streaming/reference/generate_instruments.py FOLDER

The rows of `instruments.csv` are written by hand and win wherever they say something. README.md tells where the others
come from and of which day they are. The development environment has pypinyin; nothing here runs on a node.
"""

import csv
import json
import re
import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from kernel.instruments import InstrumentId
from kernel.listing import Row, complete, conflicts, faults, line, spell

_HERE = Path(__file__).parent
_BY_HAND = _HERE / "instruments.csv"
_WRITTEN = _HERE / "instruments.jsonl"
_AS_OF = "2026-10-22"  # of the exchanges' own lists in chstockdata
# Beijing's codes became 920 and the last three digits in October 2025. Where several old codes share these, only one
# kept them; what the others became is known one by one.
_BEIJING_BY_NAME = {
    "831278": "920378", "838670": "920870", "838171": "920271", "831167": "920267", "873167": "920367",
    "870508": "920608", "833171": "920571",
}  # fmt: skip
_RENAMED = {"920834": "三维装备", "920879": "基康技术", "920575": "*ST康乐", "920023": "*ST田野"}  # read in 2026
_MARKS = re.compile(r"^(XD|XR|DR)")  # the day of a dividend; it cuts the name, too
_NEW = re.compile(r"^[NC](?=[^A-Za-z])")  # a listing's first five days
_TROUBLE = re.compile(r"^(S?\*?ST|PT)|-(U|W|WD|UW|B)$|\(退\)|^退市|退$")


def main(folder: Path) -> None:
    from pypinyin import lazy_pinyin

    by_hand = _by_hand()
    rows = {row["symbol"]: row for row in [*_by_exchange(folder), *_beijing(folder), *_gone(folder)]}
    for symbol, row in by_hand.items():
        rows[symbol] = _merged(row, rows.get(symbol))
    _add_english(rows, folder)
    order = [*by_hand, *sorted(rows.keys() - by_hand.keys())]
    made = [complete(rows[symbol]) for symbol in order]
    for row in made:
        row["pinyin"], row["initials"] = spell(row["name_zh"], lazy_pinyin)
    for row in made:
        if wrong := faults(row):
            sys.exit(f"{row['symbol']}: {'; '.join(wrong)}")
    if wrong_pairs := conflicts(made):
        sys.exit(f"contradictions: {wrong_pairs}")
    _WRITTEN.write_text("".join(f"{line(row)}\n" for row in made), encoding="utf-8")
    for name in ("board", "kind", "state"):
        sys.stdout.write(f"{name}: {dict(Counter(row[name] for row in made))}\n")
    sys.stdout.write(f"{len(made)} rows, {_WRITTEN.stat().st_size} bytes\n")


def _by_hand() -> dict[str, Row]:
    found = {}
    with _BY_HAND.open(encoding="utf-8", newline="") as file:
        for told in csv.DictReader(file):
            row: Row = {name: told[name] for name in told if name not in ("venue", "prev_close", "lot")}
            row |= {"lot": int(told["lot"]), "prev_close_e4": round(float(told["prev_close"]) * 10_000)}
            found[row["symbol"]] = row
    return found


def _merged(by_hand: Row, official: Row | None) -> Row:
    """Return a row by hand with what the exchange's list adds: a newer name, sector, listing."""
    if official is None:
        instrument = InstrumentId.parse(by_hand["symbol"])
        mainland = instrument.venue in ("SH", "SZ") and by_hand["kind"] == "stock" and by_hand["board"] != "b"
        return by_hand | {"state": "delisted" if mainland else "trading"}
    row = official | {name: value for name, value in by_hand.items() if value != ""}
    if by_hand["former_codes"]:
        row["former_codes"] = by_hand["former_codes"]
    name = official["name_zh"]
    if _bare(name) != _bare(by_hand["name_zh"]) or _TROUBLE.search(name):
        row["name_zh"] = name
    former = [one for one in (by_hand["name_zh"], *official["former_names"].split()) if _bare(one) != _bare(name)]
    row["former_names"] = " ".join(dict.fromkeys(former))
    return row


def _by_exchange(folder: Path) -> Iterator[Row]:
    """Yield the A-shares of Shanghai and Shenzhen as their exchanges list them."""
    data = folder / "chstockdata" / "data" / "industry"
    sectors, before = _sectors(data), _names_of_2023(folder)
    with (data / f"universe_{_AS_OF}.csv").open(encoding="utf-8", newline="") as file:
        for told in csv.DictReader(file):
            code, earlier = told["code"], before.get(told["code"], ("", ""))[0]
            name = _name(told["name"], earlier, told["listing_date"])
            yield {
                "symbol": f"{code}.{told['exchange']}",
                "name_zh": name,
                "sector": sectors.get(code, ""),
                "listed_on": told["listing_date"],
                "former_names": earlier if earlier and _bare(earlier) != _bare(name) else "",
            }


def _beijing(folder: Path) -> Iterator[Row]:
    """Yield the products of Beijing: codes of the classification of 2026, names of 2023 by their old codes."""
    sectors = _sectors(folder / "chstockdata" / "data" / "industry")
    before = {code: known for code, known in _names_of_2023(folder).items() if code[0] in "48"}
    old: dict[str, list[str]] = defaultdict(list)
    for code in before:
        new = _BEIJING_BY_NAME.get(code, f"920{code[3:]}")
        if code in _BEIJING_BY_NAME or sum(other[3:] == code[3:] for other in before) == 1:
            old[new].append(code)
    yield {"symbol": "920130.BJ", "name_zh": "立方控股", "former_codes": "833030.BJ", "sector": sectors["920130"]}
    for new, (code, *others) in old.items():
        if new in sectors and not others:
            earlier, listed_on = before[code]
            name = _RENAMED.get(new, earlier)
            yield {
                "symbol": f"{new}.BJ",
                "name_zh": name,
                "sector": sectors[new],
                "listed_on": listed_on,
                "former_codes": f"{code}.BJ",
                "former_names": earlier if _bare(earlier) != _bare(name) else "",
            }


def _gone(folder: Path) -> Iterator[Row]:
    """Yield the A-shares of 2023 that the exchanges' lists no longer have."""
    data = folder / "chstockdata" / "data" / "industry"
    with (data / f"universe_{_AS_OF}.csv").open(encoding="utf-8", newline="") as file:
        there = {told["code"] for told in csv.DictReader(file)}
    for code, (name, listed_on) in _names_of_2023(folder).items():
        venue = "SH" if code.startswith("6") else "SZ"
        if listed_on and code[0] in "036" and code not in there:
            yield {"symbol": f"{code}.{venue}", "name_zh": name, "listed_on": listed_on, "state": "delisted"}


def _add_english(rows: dict[str, Row], folder: Path) -> None:
    """Add the English names of 2021 where the Chinese name is still the one of 2023."""
    with (folder / "investpy" / "resources" / "stocks.csv").open(encoding="utf-8", newline="") as file:
        english = {told["symbol"]: told["name"] for told in csv.DictReader(file) if told["country"] == "china"}
    before = _names_of_2023(folder)
    for symbol, row in rows.items():
        code, _, venue = symbol.partition(".")
        known = before.get(code)
        if venue in ("SH", "SZ") and not row.get("name_en") and known and _bare(known[0]) == _bare(row["name_zh"]):
            row["name_en"] = re.sub(r" A$", "", english.get(code, ""))


def _sectors(data: Path) -> dict[str, str]:
    lines = (data / "classifications_2026H1.jsonl").read_text(encoding="utf-8").splitlines()
    return {told["code"]: told["menlei_name"] for told in map(json.loads, lines)}


def _names_of_2023(folder: Path) -> dict[str, tuple[str, str]]:
    """Return (name, listed) by code."""
    with (folder / "adata" / "stock" / "cache" / "code.csv").open(encoding="utf-8", newline="") as file:
        rows: Iterable[dict[str, str]] = csv.DictReader(file)
        return {told["stock_code"]: (_plain(told["short_name"]), told["list_date2"] or "") for told in rows}


def _plain(name: str) -> str:
    """Return a name without the spaces and wide letters that exchanges fill four characters with."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", name))


def _name(told: str, earlier: str, listed_on: str) -> str:
    name = _plain(told)
    if _MARKS.match(name):
        rest = _MARKS.sub("", name)
        return earlier if earlier.startswith(rest) else rest
    return _NEW.sub("", name) if listed_on >= "2026-10-10" else name


def _bare(name: str) -> str:
    return _TROUBLE.sub("", _TROUBLE.sub("", _plain(name)))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
