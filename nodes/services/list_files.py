"""A file of instruments, taken apart into lines and columns; what they say is for nodes.domain.listings."""

import csv
import io
import json
from collections.abc import Iterator

from kernel.listing import FIELDS, Row
from nodes.domain.listings import Listed, read_listed

MOST_BYTES = 64 * 1024 * 1024
# What others call our columns, among them the exchanges' own lists.
_COLUMNS = {
    "code": "symbol", "ts_code": "symbol", "name": "name_zh", "enname": "name_en", "english": "name_en",
    "former": "former_codes", "list_date": "listed_on", "delist_date": "delisted_on", "industry": "sector",
    "代码": "symbol", "证券代码": "symbol", "名称": "name_zh", "简称": "name_zh", "证券简称": "name_zh",
    "上市日期": "listed_on", "所属行业": "sector", "原代码": "former_codes",
}  # fmt: skip


def read_list(text: str) -> Listed:
    """Read a file: CSV or tabs with a line of column names, or lines of JSON as the committed list has them.

    Raises:
        ValueError: nothing of it can be read; the text says what to write.
    """
    text = text.lstrip("\ufeff").lstrip()
    if not text:
        raise ValueError("the file is empty: its first line has the names of its columns, at least symbol and name_zh")
    return read_listed(_json_lines(text) if text.startswith("[") else _table(text))


def _table(text: str) -> Iterator[tuple[int, Row]]:
    head = text.partition("\n")[0]
    delimiter = "\t" if "\t" in head else ";" if ";" in head and "," not in head else ","
    table = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    names = [_name(column) for column in next(table)]
    if "symbol" not in names:
        raise ValueError(
            f"the first line {head[:60]!r} names no column symbol: write the columns' names there, "
            f"of {', '.join(FIELDS)}"
        )
    try:
        for values in table:
            if any(value.strip() for value in values):
                yield table.line_num, dict(zip(names, values, strict=False))
    except csv.Error as error:
        raise ValueError(f"line {table.line_num} cannot be read: {error}") from None


def _name(column: str) -> str:
    plain = column.strip().lower()
    return _COLUMNS.get(plain, plain)


def _json_lines(text: str) -> Iterator[tuple[int, Row]]:
    for number, raw in enumerate(text.splitlines(), start=1):
        if not raw.strip():
            continue
        try:
            values = json.loads(raw)
        except (ValueError, RecursionError):
            raise ValueError(f"line {number} {raw[:40]!r} is not JSON") from None
        if not isinstance(values, list) or len(values) > len(FIELDS):
            raise ValueError(f"line {number} is no list of at most {len(FIELDS)} values: {', '.join(FIELDS)}")
        yield number, dict(zip(FIELDS, values, strict=False))
