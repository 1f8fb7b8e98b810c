"""`./dev bench search`: how long finding an instrument takes, beside who looks through every row, in one run.

The same questions are put to our index, to plain Python over the same rows, and to pandas where it is installed; the
others look into code, names, pinyin and initials and do not rank. Nothing here is a test: a busy machine is slower.
"""

import argparse
import json
import random
import statistics
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from streaming.domain.instruments import Instrument
from streaming.domain.search import Index, plain
from streaming.reference import directory

_FIELDS = ("symbol", "name_zh", "name_en", "pinyin", "initials", "former_codes", "former_names")
# What people ask: whole codes, beginnings, names, pinyin, initials, nothing, and what is in half of all names.
_WORST = ["股份", "科技", "6", "a", "zh", "0", "没有这样的名字", "zzzzzz", "x" * 10_000, "＊ＳＴ", "银行", "30"]


def questions(rows: list[Instrument], count: int) -> list[str]:
    """Return as many questions, the same in every run."""
    chance = random.Random(7)
    found = []
    for nth in range(count):
        one = chance.choice(rows)
        code, venue = one.id.code, one.id.venue
        spoken = one.pinyin.replace(" ", ""), one.pinyin.partition(" ")[2].replace(" ", ""), one.initials
        written = code, one.symbol, f"{venue}{code}", code[:4], one.name_zh, one.name_zh[:2]
        text = chance.choice([*written, *spoken, one.name_en.partition(" ")[0]])
        found.append(text or _WORST[nth % len(_WORST)])
    found[:: max(1, count // 200)] = [chance.choice(_WORST) for _ in found[:: max(1, count // 200)]]
    return found


def plain_python(rows: list[Instrument]) -> Callable[[str], Any]:
    """Look through every row's fields, each made ready beforehand."""
    ready = [(one, [plain(str(getattr(one, name))).replace(" ", "") for name in _FIELDS]) for one in rows]

    def look(asked: str) -> list[Instrument]:
        wanted = plain(asked).replace(" ", "")
        return [one for one, fields in ready if any(wanted in text for text in fields)][:20]

    return look


def with_pandas(rows: list[Instrument]) -> Callable[[str], Any] | None:
    """Look through columns with pandas; None where it is not installed."""
    try:
        import pandas
    except ImportError:
        return None
    table = pandas.DataFrame(
        {name: [plain(str(getattr(one, name))).replace(" ", "") for one in rows] for name in _FIELDS}
    )

    def look(asked: str) -> Any:
        wanted = plain(asked).replace(" ", "")
        mask = table["symbol"].str.contains(wanted, regex=False)
        for name in _FIELDS[1:]:
            mask |= table[name].str.contains(wanted, regex=False)
        return table[mask].head(20)

    return look


def measured(look: Callable[[str], Any], asked: Iterable[str]) -> dict[str, float]:
    """Return p50, p99 and the longest, in ms."""
    took = []
    for text in asked:
        began = time.perf_counter()
        look(text)
        took.append((time.perf_counter() - began) * 1000)
    took.sort()
    return {"p50_ms": statistics.median(took), "p99_ms": took[int(len(took) * 0.99)], "longest_ms": took[-1]}


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="./dev bench search", description="Finding an instrument, beside others.")
    parser.add_argument("--count", type=int, default=4000, help="questions to our index; the others get a tenth")
    parser.add_argument("--json", type=Path, metavar="FILE")
    asked = parser.parse_args(words)
    began = time.perf_counter()
    rows = list(directory())
    loaded_ms = (time.perf_counter() - began) * 1000
    began = time.perf_counter()
    index = Index(rows)
    made_ms = (time.perf_counter() - began) * 1000
    texts = questions(rows, asked.count)
    told = {"tickpack": measured(index.search, texts), "plain Python": measured(plain_python(rows), texts[::10])}
    if (look := with_pandas(rows)) is not None:
        told["pandas"] = measured(look, texts[::10])
    print(f"{len(rows)} products: the list is read in {loaded_ms:.0f} ms, the index is made in {made_ms:.0f} ms")
    print(f"{len(texts)} questions\n")
    print(f"{'':14}{'p50':>10}{'p99':>10}{'longest':>10}{'p99 beside ours':>18}")
    for name, one in told.items():
        ratio = one["p99_ms"] / told["tickpack"]["p99_ms"]
        print(f"{name:14}{one['p50_ms']:>7.2f} ms{one['p99_ms']:>7.2f} ms{one['longest_ms']:>7.2f} ms{ratio:>16.1f} x")
    if asked.json:
        asked.json.write_text(json.dumps({"products": len(rows), "loaded_ms": loaded_ms, "made_ms": made_ms, **told}))
